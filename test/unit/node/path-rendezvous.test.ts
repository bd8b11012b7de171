import t from 'tap'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { isDrop } from '../../../lib/base/mod.ts'
import {
  RENDEZVOUS_ANSWER_MS,
  RENDEZVOUS_BUSY_MS,
  RENDEZVOUS_FIRST_MS,
  RENDEZVOUS_GAP_MS,
  RENDEZVOUS_PROBES,
  RENDEZVOUS_REST_FIRST_MS,
  RENDEZVOUS_REST_LAST_MS,
  RENDEZVOUS_SOUND_MAX,
  RENDEZVOUS_SOUND_MS,
} from '../../../lib/node/constants.ts'
import { PathRendezvous } from '../../../lib/node/path-rendezvous.ts'
import { describeMappings } from '../../../lib/node/reasons.ts'
import { PORT_MAPPING, decodeControl, type Rendezvous } from '../../../lib/wire/mod.ts'

const OURS = parseEndpoint('203.0.113.1:40001')!
const THEIRS = parseEndpoint('203.0.113.2:40002')!
const TOLD: Rendezvous = { isGo: false, mapping: PORT_MAPPING.changed, endpoints: [THEIRS] }
const GO: Rendezvous = { ...TOLD, isGo: true }

function world() {
  const told: { readonly at: number; readonly isGo: boolean }[] = []
  const probedAt: number[] = []
  const own = { endpoints: [OURS], mapping: PORT_MAPPING.changed }
  let now = 0
  const rendezvous = new PathRendezvous({
    own: () => ({ ...own }),
    tell: body => {
      const message = decodeControl(body)
      if (!isDrop(message) && message.type === 'rendezvous') told.push({ at: now, isGo: message.isGo })
    },
    probe: at => probedAt.push(at),
  })
  /** Everything that is due until then. */
  const run = (until: number) => {
    for (let due = rendezvous.pollTimeout(); due !== undefined && due.at <= until; due = rendezvous.pollTimeout()) {
      now = due.at
      rendezvous.handleTimeout(now)
    }
    now = until
  }
  return { rendezvous, told, probedAt, own, run }
}

t.test('tells first, says go when it knows of both sides, and begins when that should have arrived', t => {
  const w = world()
  w.rendezvous.call(60, 0)
  t.same(w.told, [{ at: 0, isGo: false }])
  w.run(70)
  w.rendezvous.handleMessage(TOLD, false, 70)
  t.same(w.told.slice(1), [{ at: 70, isGo: true }])
  w.run(70 + RENDEZVOUS_GAP_MS)
  t.same(w.probedAt, [100, 200, 400, 800, 1_600])
  t.equal(w.probedAt.length, RENDEZVOUS_PROBES)
  t.same(w.rendezvous.endpoints, [THEIRS])
  t.end()
})

t.test('whoever is told go begins at once, and tells of itself if that is news', t => {
  const w = world()
  w.rendezvous.handleMessage(GO, false, 5)
  w.run(5)
  t.same(w.probedAt, [5])
  t.same(w.told, [{ at: 0, isGo: false }])
  w.run(2_000)
  t.equal(w.probedAt.length, RENDEZVOUS_PROBES)
  w.rendezvous.handleMessage(GO, false, 10_000)
  t.equal(w.told.length, 1, 'which it is not the second time')
  t.end()
})

t.test('when both say go the earlier beginning counts, and there is one round', t => {
  const w = world()
  w.rendezvous.handleMessage(TOLD, false, 0)
  w.rendezvous.call(60, 100)
  w.rendezvous.handleMessage(GO, false, 110)
  w.run(2_000)
  t.equal(w.probedAt[0], 110)
  t.equal(w.probedAt.length, RENDEZVOUS_PROBES)
  t.end()
})

t.test('goes on ever more seldom, sooner while frames take the relay, and no more once there is a path', t => {
  const w = world()
  w.rendezvous.handleMessage(TOLD, false, 0)
  w.rendezvous.call(0, 0)
  w.run(2_000_000)
  const at = w.told.filter(({ isGo }) => isGo).map(one => one.at)
  const gaps = at.slice(1).map((one, i) => one - at[i]!)
  t.same(gaps.slice(0, 3), [RENDEZVOUS_FIRST_MS, RENDEZVOUS_REST_FIRST_MS, 2 * RENDEZVOUS_REST_FIRST_MS])
  t.equal(Math.max(...gaps), RENDEZVOUS_REST_LAST_MS)
  w.rendezvous.handleUse()
  t.ok(w.rendezvous.pollTimeout()!.at <= at.at(-1)! + RENDEZVOUS_BUSY_MS)
  w.rendezvous.end()
  t.equal(w.rendezvous.pollTimeout(), undefined)
  t.end()
})

t.test('a peer that never answers is told ever more seldom, also while frames take the relay', t => {
  const w = world()
  w.rendezvous.call(0, 0)
  for (let now = 0; now < 600_000; now += 1_000) {
    w.run(now)
    w.rendezvous.handleUse()
  }
  t.ok(w.told.length >= 5 && w.told.length <= 600_000 / RENDEZVOUS_BUSY_MS + 3, `${w.told.length} times`)
  t.end()
})

t.test('what changes is told, but not more often than every RENDEZVOUS_GAP_MS', t => {
  const w = world()
  w.rendezvous.handleMessage(TOLD, false, 0)
  w.rendezvous.call(0, 0)
  w.run(1_700)
  for (let now = 1_700; now < 10_000; now += 10) {
    w.run(now)
    w.rendezvous.handleMapping(now)
    w.rendezvous.handleMessage(now % 20 === 0 ? TOLD : { ...TOLD, endpoints: [OURS] }, false, now)
  }
  const at = w.told.map(one => one.at)
  t.ok(at.length >= 3 && at.length <= 6, at.join())
  t.ok(at.slice(1).every((one, i) => one - at[i]! >= RENDEZVOUS_GAP_MS))
  t.end()
})

t.test('two sides whose path is sound do not answer each other for ever', t => {
  const w = world()
  for (let now = 0; now < 10_000; now += 10) w.rendezvous.handleMessage(TOLD, true, now)
  t.ok(w.told.length <= 10_000 / RENDEZVOUS_GAP_MS, `${w.told.length}`)
  t.equal(w.rendezvous.pollTimeout(), undefined)
  t.end()
})

t.test('a peer that says go without end gets few rounds while the path to it is sound, and all when it is not', t => {
  for (const isSound of [true, false]) {
    const w = world()
    for (let now = 0; now < RENDEZVOUS_SOUND_MS; now += RENDEZVOUS_GAP_MS) {
      w.run(now)
      w.rendezvous.handleMessage(GO, isSound, now)
    }
    w.run(RENDEZVOUS_SOUND_MS)
    const rounds = isSound ? RENDEZVOUS_SOUND_MAX : RENDEZVOUS_SOUND_MS / RENDEZVOUS_GAP_MS
    t.equal(w.probedAt.length, rounds * RENDEZVOUS_PROBES)
    const later = RENDEZVOUS_SOUND_MS + 1_000
    w.run(later)
    w.rendezvous.handleMessage(GO, isSound, later)
    w.run(later)
    t.equal(w.probedAt.length, rounds * RENDEZVOUS_PROBES + 1, 'and another one after a while')
  }
  t.end()
})

t.test('news of a mapping begin a round at once and one soon after, and the rest goes on as long as it was', t => {
  const w = world()
  w.rendezvous.handleMessage(TOLD, false, 0)
  w.rendezvous.call(0, 0)
  w.run(1_000_000)
  const before = w.told.length
  w.rendezvous.handleMapping(1_000_000)
  w.run(2_000_000)
  const at = w.told.slice(before).map(one => one.at)
  t.same(at.slice(0, 3), [1_000_000, 1_000_000 + RENDEZVOUS_FIRST_MS, 1_004_000 + RENDEZVOUS_REST_LAST_MS])
  t.end()
})

t.test('a peer that does not answer knows of no rendezvous', t => {
  const w = world()
  t.ok(w.rendezvous.isExpected(0))
  w.rendezvous.call(0, 0)
  t.ok(w.rendezvous.isExpected(RENDEZVOUS_ANSWER_MS - 1))
  t.notOk(w.rendezvous.isExpected(RENDEZVOUS_ANSWER_MS))
  w.rendezvous.handleMessage(TOLD, false, 50_000)
  t.ok(w.rendezvous.isExpected(90_000))
  w.rendezvous.clear()
  t.same(w.rendezvous.endpoints, [])
  t.end()
})

t.test('says in words which NATs keep two peers apart', t => {
  const { unknown, kept, changed, varying } = PORT_MAPPING
  t.equal(describeMappings(undefined), '')
  t.equal(describeMappings({ own: unknown, theirs: kept }), '')
  t.match(
    describeMappings({ own: changed, theirs: changed }),
    /^; the NATs in front of both hosts change the port, prob/,
  )
  t.match(describeMappings({ own: varying, theirs: kept }), /this host changes the port, to another one for each dest/)
  t.match(describeMappings({ own: kept, theirs: changed }), /the other host changes the port, probably to another/)
  t.end()
})
