import t, { type Test } from 'tap'
import {
  ACCEPTED_FACTOR,
  FULL_MESH_AGAIN_PEERS,
  FULL_MESH_PEERS,
  NEAR_INTERVAL_MS,
  NeighbourChoice,
  PASSED_OVER_MAX,
  pairRank,
  wantedCount,
} from '../../../lib/topology/mod.ts'
import type { PeerId } from '../../../lib/address/mod.ts'
import { ChoiceWorld } from '../../support/choice-world.ts'
import { peerNumber as p } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const peers = (count: number, first = 1): Set<PeerId> => new Set(Array.from({ length: count }, (_, i) => p(first + i)))
const around = (others: ReadonlySet<PeerId>, more: object = {}) => ({
  others,
  peersSaid: 0,
  configured: new Set<PeerId>(),
  isFailing: () => false,
  costOf: () => undefined,
  ...more,
})

const keeps = (contact: PeerId, self: PeerId, count: number) =>
  pairRank(contact, self) / 2 ** 32 < wantedCount(count) / count

// Hundreds of peers for hundreds of seconds; the runner limits the whole file.
t.setTimeout(0)

/** From the full mesh: those dialled after a minute and a quarter, and the same once more for what follows. */
const roundsFromFull = () => 2 * 75 + 90

t.test('in a mesh of up to 32 peers everyone is wanted; a larger one becomes full again only at 24', async t => {
  const choice = new NeighbourChoice(p(0))
  t.equal(choice.choose(around(peers(FULL_MESH_PEERS - 1)), 0).wanted.size, 31)
  t.equal(choice.choose(around(peers(FULL_MESH_PEERS)), 0).wanted.size, 5)
  t.equal(choice.choose(around(peers(FULL_MESH_AGAIN_PEERS)), 0).wanted.size, 5)
  t.equal(choice.choose(around(peers(FULL_MESH_AGAIN_PEERS - 1)), 0).wanted.size, 23)
  t.equal(choice.choose(around(peers(FULL_MESH_PEERS - 1)), 0).wanted.size, 31)
})

t.test('a newcomer that sees few yet believes what is said of the size, and few are urgent', async t => {
  const full = new NeighbourChoice(p(0)).choose(around(peers(20)), 0)
  t.equal(full.wanted.size, 20)
  t.equal(full.urgent.size, 4)
  const told = new NeighbourChoice(p(0)).choose(around(peers(20), { peersSaid: 100 }), 0)
  t.equal(told.wanted.size, 6)
  for (const peer of told.urgent) t.ok(told.wanted.has(peer))
})

t.test('the number of wanted peers grows with the logarithm, and with what was configured', async t => {
  for (const [count, wanted] of [
    [1, 4],
    [16, 4],
    [17, 5],
    [64, 5],
    [65, 6],
    [256, 6],
    [257, 7],
    [1024, 7],
    [1025, 8],
  ] as const)
    t.equal(wantedCount(count), wanted, `${count} peers`)
  const configured = new Set([...peers(99)].filter(peer => keeps(peer, p(0), 100)))
  t.ok(configured.size > 1, `${configured.size} are kept`)
  const { wanted } = new NeighbourChoice(p(0)).choose(around(peers(99), { configured }), 0)
  t.equal(wanted.size, configured.size + 3, 'some are wanted by rank, whatever was configured')
  for (const peer of configured) t.ok(wanted.has(peer))
})

t.test('of those that were all told one contact about as many as a peer wants keep their link to it', async t => {
  for (const count of [50, 100, 300, 1_000]) {
    const all = peers(count, 0)
    const configured = new Set([p(0)])
    const kept = [...all].filter(self => {
      const others = new Set(all)
      others.delete(self)
      const { wanted } = new NeighbourChoice(self).choose(around(others, { configured }), 0)
      const isByRank = new NeighbourChoice(self).choose(around(others), 0).wanted.has(p(0))
      t.equal(wanted.has(p(0)), isByRank || keeps(p(0), self, count))
      return self !== p(0) && wanted.has(p(0)) && !isByRank
    })
    const expected = wantedCount(count)
    t.ok(kept.length >= expected / 3 && kept.length <= 3 * expected, `${kept.length} of ${count}`)
  }
})

t.test('ranks spread evenly, and differ in the two directions', async t => {
  const high = Array.from({ length: 2_000 }, (_, i) => pairRank(p(0), p(i + 1))).filter(rank => rank >= 2 ** 31).length
  t.ok(Math.abs(high - 1_000) < 120, `${high} of 2000 in the upper half`)
  t.not(pairRank(p(1), p(2)), pairRank(p(2), p(1)))
})

t.test('when a peer comes or goes hardly anybody wants others than before', async t => {
  let changed = 0
  for (let self = 0; self < 100; self++) {
    const choice = new NeighbourChoice(p(self))
    const others = peers(101, 0)
    others.delete(p(self))
    const { wanted: after } = choice.choose(around(others), 0)
    const fewer = new Set(others)
    fewer.delete(p(100))
    const { wanted: before } = choice.choose(around(fewer), 0)
    for (const peer of after) if (!before.has(peer)) changed++
  }
  t.ok(changed <= 13, `${changed} of 600 wants`)
})

t.test('who does not answer is passed over for the next in rank, and dialled all the same', async t => {
  const choice = new NeighbourChoice(p(0))
  const others = peers(99)
  const order = [...others].sort((a, b) => pairRank(p(0), b) - pairRank(p(0), a))
  const failing = new Set(order.slice(0, 2))
  const { wanted, passedOver } = choice.choose(around(others, { isFailing: (peer: PeerId) => failing.has(peer) }), 0)
  t.same([...wanted], order.slice(2, 2 + wantedCount(100)))
  t.same([...passedOver], order.slice(0, 2))
  const none = choice.choose(around(others, { isFailing: () => true }), 0)
  t.equal(none.wanted.size, 0)
  t.equal(none.passedOver.size, PASSED_OVER_MAX)
})

t.test('two of the wanted are near ones, who stay until another is half as far', async t => {
  const choice = new NeighbourChoice(p(0))
  const others = peers(99)
  const [far, other, near] = [...others].sort((a, b) => pairRank(p(0), a) - pairRank(p(0), b)) as [
    PeerId,
    PeerId,
    PeerId,
  ]
  const costs = new Map([
    [far, 8],
    [other, 8],
    [near, 64],
  ])
  const more = { costOf: (peer: PeerId) => costs.get(peer) ?? 64 }
  const wants = (now: number) => choice.choose(around(others, more), now).wanted
  t.ok(wants(0).has(far) && wants(0).has(other) && !wants(0).has(near))
  costs.set(near, 5)
  t.notOk(wants(NEAR_INTERVAL_MS).has(near), 'not much nearer')
  costs.set(near, 4)
  t.notOk(wants(NEAR_INTERVAL_MS + 1).has(near), 'not yet')
  t.ok(wants(2 * NEAR_INTERVAL_MS).has(near))
  t.equal([far, other].filter(peer => wants(2 * NEAR_INTERVAL_MS).has(peer)).length, 1)
  t.equal(wants(2 * NEAR_INTERVAL_MS).size, 6)
})

t.test('a link is refused only in a large mesh, to somebody who has another, by somebody who has many', async t => {
  const choice = new NeighbourChoice(p(0))
  choice.choose(around(peers(20)), 0)
  t.equal(choice.mayRefuse(21, 200, 1), false)
  choice.choose(around(peers(99)), 0)
  t.equal(choice.mayRefuse(100, ACCEPTED_FACTOR * wantedCount(100), 1), true)
  t.equal(choice.mayRefuse(100, ACCEPTED_FACTOR * wantedCount(100) - 1, 1), false)
  t.equal(choice.mayRefuse(100, 500, 0), false)
})

t.test('the wants of all make one connected graph', async t => {
  for (let seed = 1; seed <= 200; seed++) {
    const count = [33, 36, 40, 64, 100][seed % 5]!
    const numbers = Array.from({ length: count }, (_, i) => seed * 1_000 + i)
    const all = new Set(numbers.map(p))
    const world = new ChoiceWorld(0, seededChance(seed))
    for (const number of numbers) world.add(number)
    const isConnected = world.isConnected(({ id, choice }) => {
      const others = new Set(all)
      others.delete(id)
      return choice.choose(around(others), 0).wanted
    })
    if (!isConnected) t.fail(`seed ${seed}: ${count} peers fall apart`)
  }
  t.pass('for 200 seeds')
})

for (const count of [33, 36, 40, 64, 100, 300]) {
  t.test(`${count} peers that all link to all come to rest with few links`, async t => {
    const world = new ChoiceWorld(count, seededChance(count))
    world.linkAll()
    const rounds = world.settle(roundsFromFull() + 200)
    t.ok(rounds !== undefined && rounds <= roundsFromFull(), `after ${rounds} s`)
    checkDegrees(t, world, count)
  })

  t.test(`${count} peers that start cold come to rest`, async t => {
    const world = new ChoiceWorld(0, seededChance(count))
    for (let number = 0; number < count; number++) {
      world.add(number, number === 0 ? [] : [0])
      if (number > 0) world.link(p(number), p(0))
      if (number % 10 === 9) world.round()
    }
    const rounds = world.settle(400)
    t.ok(rounds !== undefined && rounds <= 75 + 2 * FULL_MESH_PEERS + 90, `after ${rounds} s`)
    checkDegrees(t, world, count, [p(0)])
    for (let number = 1; number < count; number += 2) world.remove(p(number))
    world.heal()
    // Those of a mesh that is small now want all of it; else only the wants that pointed at the dead are new.
    const again = world.settle(roundsFromFull() + 200)
    t.ok(again !== undefined && again <= 120, `after half of them were killed: ${again} s`)
    t.ok(world.isConnected())
  })
}

t.test('peers that nobody can dial come to rest too', async t => {
  const isHidden = (peer: PeerId) => pairRank(peer, peer) % 3 > 0
  const world = new ChoiceWorld(0, seededChance(9), (_from, to) => !isHidden(to) || to === p(0))
  for (let number = 0; number < 60; number++) {
    world.add(number, number === 0 ? [] : [0])
    if (number > 0) world.link(p(number), p(0))
  }
  t.not(world.settle(600), undefined)
  t.ok(world.isConnected())
})

function checkDegrees(t: Test, world: ChoiceWorld, count: number, hubs: readonly PeerId[] = []): void {
  t.ok(world.isConnected(), 'connected')
  for (const { id, links, last } of world.members.values()) {
    if (hubs.includes(id)) continue
    const dialled = [...links.values()].filter(isOutbound => isOutbound).length
    if (links.size > ACCEPTED_FACTOR * wantedCount(count) + wantedCount(count)) t.fail(`${id} has ${links.size} links`)
    if (dialled > last!.wanted.size) t.fail(`${id} keeps ${dialled} links that it dialled`)
    for (const peer of last!.wanted) if (!links.has(peer)) t.fail(`${id} wants ${peer} and has no link`)
  }
}
