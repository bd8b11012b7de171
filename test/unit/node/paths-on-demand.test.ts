import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import {
  PATHS_ON_DEMAND_MAX,
  PATH_FUTILE_MS,
  PATH_IDLE_MS,
  PATH_LOOK_MS,
  PATH_SPARE_MS,
} from '../../../lib/node/constants.ts'
import type { HeldPath } from '../../../lib/node/path-driver.ts'
import { PathsOnDemand } from '../../../lib/node/paths-on-demand.ts'
import { peerNumber } from '../../support/graphs.ts'
import { ONE, directPath, pathWorld } from './data-path-world.ts'

function world() {
  const held = new Map<PeerId, HeldPath>()
  const unreachable = new Set<PeerId>()
  const ended: PeerId[] = []
  const onDemand = new PathsOnDemand({
    held,
    isReachable: peer => !unreachable.has(peer),
    end: ({ peerId }) => {
      ended.push(peerId)
      held.delete(peerId)
      onDemand.forget(peerId)
    },
  })
  const add = (number: number, { isUsable = true, isOnDemand = true, now = 0 } = {}) => {
    const peerId = peerNumber(number)
    const { path } = isUsable ? directPath([ONE], peerId) : pathWorld(peerId)
    path.use.want(now)
    const one: HeldPath = { path, isOnDemand, unusableSince: undefined, candidates: { own: [], seen: [] } }
    held.set(peerId, one)
    if (isOnDemand) onDemand.add(peerId, now)
    return one
  }
  /** Lets the time pass until the last path is ended, or this moment; returns when the last look was. */
  const run = (untilMs: number) => {
    let at = 0
    for (let due = onDemand.pollTimeout(); due !== undefined && due.at <= untilMs; due = onDemand.pollTimeout()) {
      at = due.at
      onDemand.handleTimeout(at)
    }
    return at
  }
  return { held, unreachable, ended, onDemand, add, run }
}

t.test('a path that carries nothing ends after PATH_IDLE_MS, one that gets nothing through after PATH_FUTILE_MS', t => {
  for (const [isUsable, limitMs] of [
    [true, PATH_IDLE_MS],
    [false, PATH_FUTILE_MS],
  ] as const) {
    const w = world()
    w.add(1, { isUsable })
    t.equal(w.run(10 * PATH_IDLE_MS), limitMs)
    t.same(w.ended, [peerNumber(1)])
    t.equal(w.onDemand.pollTimeout(), undefined)
  }
  t.end()
})

t.test('one that is wanted goes on for as long after that', t => {
  const w = world()
  const { path } = w.add(1)
  path.use.want(PATH_LOOK_MS + 7)
  t.equal(w.run(10 * PATH_IDLE_MS), PATH_LOOK_MS + 7 + PATH_IDLE_MS)
  t.same(w.ended, [peerNumber(1)])
  t.end()
})

t.test('the last way to a peer is not ended while it works', t => {
  const w = world()
  w.add(1)
  w.add(2, { isUsable: false })
  for (const number of [1, 2]) w.unreachable.add(peerNumber(number))
  w.run(10 * PATH_IDLE_MS)
  t.same(w.ended, [peerNumber(2)])
  w.unreachable.clear()
  w.run(20 * PATH_IDLE_MS)
  t.same(w.ended, [peerNumber(2), peerNumber(1)], 'there are others again')
  t.end()
})

t.test('a path that is kept is not looked at, and counts as wanted when it is kept no longer', t => {
  const w = world()
  const held = w.add(1)
  w.onDemand.keep(held)
  t.equal(held.isOnDemand, false)
  t.equal(w.onDemand.pollTimeout(), undefined)
  w.onDemand.release(held, 500_000)
  t.equal(held.isOnDemand, true)
  t.same(w.onDemand.pollTimeout(), { at: 500_000 + PATH_LOOK_MS, reason: 'path use' })
  t.equal(w.run(1_000_000), 500_000 + PATH_IDLE_MS)
  t.end()
})

t.test(
  'where there are too many the one that was not used for longest makes room, unless all were of use just now',
  t => {
    const w = world()
    for (let number = 1; number < PATHS_ON_DEMAND_MAX; number++) w.add(number, { now: number === 9 ? 100 : 200 })
    w.add(0, { isOnDemand: false })
    t.equal(w.onDemand.makeRoom(200), true, 'those that are kept do not count')
    w.add(PATHS_ON_DEMAND_MAX, { now: 200 })
    t.equal(w.onDemand.makeRoom(100 + PATH_SPARE_MS - 1), false)
    w.held.get(peerNumber(9))!.path.use.want(200)
    w.held.get(peerNumber(5))!.path.use.want(150)
    t.equal(w.onDemand.makeRoom(100 + PATH_SPARE_MS), false, 'it was wanted since')
    t.same(w.ended, [])
    t.equal(w.onDemand.makeRoom(200 + PATH_SPARE_MS), true)
    t.same(w.ended, [peerNumber(5)])
    t.end()
  },
)
