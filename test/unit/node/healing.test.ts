import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import {
  HEALING_ALONE_MAX,
  HEALING_DELAY_MS,
  HEALING_MAX,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
} from '../../../lib/node/constants.ts'
import { Healing } from '../../../lib/node/healing.ts'
import { peerNumber as p } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const lost = (count: number): PeerId[] => Array.from({ length: count }, (_, i) => p(i))
const never = () => false
const always = () => true

t.test('dials few of many that are lost, and goes on with them while they have not failed', async t => {
  const healing = new Healing(seededChance(1))
  const first = healing.choose(lost(50), never)
  t.equal(first.length, HEALING_MAX)
  t.same(
    first.map(({ delayMs }) => delayMs),
    [HEALING_DELAY_MS, HEALING_DELAY_MS],
    'no sooner than somebody who just came is usually reached',
  )
  t.same(healing.choose(lost(50), never), first)
})

t.test('after a failure it is another’s turn, later and later, and in time everyone’s', async t => {
  const healing = new Healing(seededChance(2))
  const seen = new Set<PeerId>()
  const delays: number[] = []
  for (let i = 0; i < 100; i++) {
    const slots = healing.choose(lost(20), i === 0 ? never : always)
    t.ok(slots.length <= HEALING_MAX)
    for (const { peer, delayMs } of slots) {
      seen.add(peer)
      delays.push(delayMs)
    }
  }
  t.equal(seen.size, 20)
  t.ok(delays.slice(2, 4).every(delayMs => delayMs <= HEALING_DELAY_MS + RETRY_FIRST_MS * 1.5))
  t.ok(delays.slice(-20).every(delayMs => delayMs >= RETRY_LAST_MS / 2 && delayMs <= RETRY_LAST_MS * 1.5))
})

t.test('begins anew when somebody else is lost', async t => {
  const healing = new Healing(seededChance(3))
  for (let i = 0; i < 20; i++) healing.choose(lost(20), always)
  t.ok(healing.choose(lost(21), always).every(({ delayMs }) => delayMs <= HEALING_DELAY_MS + RETRY_FIRST_MS * 1.5))
})

t.test('who is found is not dialled, and the only one that is lost stays, failed or not', async t => {
  const healing = new Healing(seededChance(4))
  healing.choose(lost(2), never)
  t.same(
    healing.choose([p(1)], never).map(({ peer }) => peer),
    [p(1)],
  )
  t.same(
    healing.choose([p(1)], always).map(({ peer }) => peer),
    [p(1)],
    'the dialler waits longer by itself',
  )
  t.same(healing.choose([], never), [])
})

t.test('a peer without any link dials more of them, and at once', async t => {
  const healing = new Healing(seededChance(6))
  const slots = healing.choose(lost(50), never, true)
  t.equal(slots.length, HEALING_ALONE_MAX)
  t.ok(slots.every(({ delayMs }) => delayMs === 0))
  const later = healing.choose(lost(50), always, true)
  t.ok(
    later.every(({ delayMs }) => delayMs > 0),
    'but waits after a failure',
  )
})
