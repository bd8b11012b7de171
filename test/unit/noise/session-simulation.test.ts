import t from 'tap'
import { nodeSuite } from '../../../lib/io/node-suite.ts'
import { EPOCHS_MAX, REKEY_AFTER_MS } from '../../../lib/noise/mod.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { replayOf, seedsOf } from '../../support/sim-seeds.ts'
import { World, type Network } from './session-world.ts'

const suite = nodeSuite()
const SMOOTH: Network = { loss: 0, duplicate: 0, delayMinMs: 20, delayMaxMs: 20 }
const ROUGH: Network = { loss: 0.35, duplicate: 0.2, delayMinMs: 1, delayMaxMs: 1_500 }

t.test('on a good network keys are renewed every 120 s and no datagram meets an unknown key', async t => {
  const world = new World({ seed: 1, suite, network: { ...SMOOTH } })
  world.start(0)
  world.start(1)
  world.run(world.now + 1_250_000)
  const [a, b] = world.sides
  t.equal(a.established.length, 11)
  t.equal(b.established.length, 11)
  a.established.slice(1).forEach((event, i) => {
    t.equal(event.isRekey, true)
    // From one birth to the next: the initiator's timer and one round trip.
    t.equal(event.at - a.established[i]!.at, REKEY_AFTER_MS + 40)
  })
  t.equal(a.unknown + b.unknown, 0)
  t.equal(a.failed.length + b.failed.length, 0)
  t.equal(world.isCommon, true)
  t.equal(a.session.report(world.now).rekeys, 10)
  t.ok(a.sessions.size <= 2)
})

for (const seed of seedsOf('SESSION', 40)) {
  t.test(`seed ${seed}: over loss, duplicates and reordering both ends converge and lose no key in use`, async t => {
    const chance = seededChance(seed * 7919)
    const network = { ...ROUGH, loss: chance() * 0.6 }
    const world = new World({ seed, suite, network, hasAes: [chance() < 0.5, chance() < 0.5] })
    const first = chance() < 0.5 ? 0 : 1
    world.start(first)
    world.run(world.now + Math.floor(chance() * 12_000))
    world.start((1 - first) as 0 | 1)
    for (let i = 0; i < 30; i++) {
      world.run(world.now + Math.floor(chance() * 40_000))
      // Either end renews out of turn now and then, so that attempts cross.
      for (const end of [0, 1] as const) {
        if (chance() > 0.3) continue
        world.sides[end].session.handshakeNow(world.now)
        world.drain(end)
      }
      for (const side of world.sides) if (side.sessions.size > EPOCHS_MAX) t.fail('too many keys')
    }
    t.equal(world.sides[0].unknown + world.sides[1].unknown, 0)
    Object.assign(network, SMOOTH)
    world.run(world.now + 135_000)
    t.equal(world.isCommon, true)
    t.equal(world.sides[0].session.report(world.now).cipher, world.sides[1].session.report(world.now).cipher)
    if (!t.passing()) t.comment(replayOf('SESSION', seed))
  })
}

t.test('both start at the same moment: one handshake suffices', async t => {
  const world = new World({ seed: 5, suite, network: { ...SMOOTH } })
  for (const end of [0, 1] as const) {
    world.sides[end].session.handshakeNow(world.now)
    world.drain(end)
  }
  world.run(world.now + 3_000)
  t.equal(world.isCommon, true)
  t.equal(world.sides[0].established.length, 1)
  t.equal(world.sides[1].established.length, 1)
  // The smaller's initiation, the larger's that lost, and the larger's answer.
  t.strictSame(
    world.sides.map(side => side.sent.length),
    [1, 2],
  )
})

for (const end of [0, 1] as const) {
  t.test(`the ${end === 0 ? 'smaller' : 'larger'} end restarts: a new session within 12 s`, async t => {
    const world = new World({ seed: 9, suite, network: { ...SMOOTH } })
    world.start(0)
    world.start(1)
    world.run(world.now + 30_000)
    t.equal(world.isCommon, true)
    world.isChecked = false
    const before = world.sides[1 - end]!.sealWith
    world.reboot(end)
    world.run(world.now + 12_000)
    world.isChecked = true
    world.check()
    t.equal(world.isCommon, true)
    t.not(world.sides[1 - end]!.sealWith, before)
    t.equal(world.sides[1 - end]!.sessions.size, 1)
  })
}

t.test('without an answer it fails after 90 s, tries again later, and comes back when the network does', async t => {
  const network = { ...SMOOTH, loss: 1 }
  const world = new World({ seed: 3, suite, network })
  const begun = world.now
  world.start(0)
  world.run(begun + 600_000)
  const [a] = world.sides
  t.equal(a.failed[0]!.at, begun + 90_000)
  t.match(a.failed[0]!.reason, /no answer .* 90 s/)
  t.ok(a.failed.length >= 3 && a.failed.length <= 5)
  t.match(a.session.lastFailure, /no answer/)
  network.loss = 0
  world.run(world.now + 150_000)
  t.equal(world.isCommon, true)
  t.equal(a.session.lastFailure, undefined)
})

t.test('when the network dies for good, sealing ends at 170 s and the last key at 180 s', async t => {
  const network = { ...SMOOTH }
  const world = new World({ seed: 4, suite, network })
  world.start(0)
  world.start(1)
  world.run(world.now + 10_000)
  const [a, b] = world.sides
  const born = Math.max(a.established[0]!.at, b.established[0]!.at)
  network.loss = 1
  world.run(born + 170_001)
  t.strictSame([a.sealWith, b.sealWith], [0, 0])
  t.strictSame([a.sessions.size, b.sessions.size], [1, 1])
  world.run(born + 180_001)
  t.strictSame([a.sessions.size, b.sessions.size], [0, 0])
  t.match(a.failed[0]!.reason, /expired/)
})

t.test('the same seed gives the same run', async t => {
  const run = (): unknown => {
    const world = new World({ seed: 77, suite, network: { ...ROUGH } })
    world.start(0)
    world.start(1)
    world.run(400_000)
    return world.sides.map(side => [side.established, side.sent.length, side.sealWith])
  }
  t.strictSame(run(), run())
})
