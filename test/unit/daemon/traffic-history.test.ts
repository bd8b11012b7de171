import fc from 'fast-check'
import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { HISTORY_PEERS_MAX, HISTORY_STEPS, HISTORY_STEP_MS } from '../../../lib/daemon/constants.ts'
import { TrafficHistory, type PeerSample } from '../../../lib/daemon/traffic-history.ts'
import { peerNumber } from '../../support/graphs.ts'

const [A, B] = [peerNumber(1), peerNumber(2)] as [PeerId, PeerId]
const START = 5_000

function of(peer: PeerId, sentBytes: number, receivedBytes = 0, rttMs?: number): PeerSample {
  return { peer, sentBytes, receivedBytes, rttMs, isRelayed: false }
}

/** A history, and a sample of it at the end of a step. */
function world() {
  const history = new TrafficHistory(START)
  const at = (step: number, ...samples: PeerSample[]) => history.sample(samples, START + step * HISTORY_STEP_MS)
  const one = (peer: PeerId) => history.peers.find(series => series.peer === peer)
  return { history, at, one }
}

t.test('bytes per second and round trips stand in the step in which they were', t => {
  const { history, at, one } = world()
  t.strictSame([history.length, history.total, history.peers], [0, { inBytesPerSecond: [], outBytesPerSecond: [] }, []])
  at(1, of(A, 1_000, 20_000, 1.234_5))
  at(2, of(A, 1_000, 20_050, undefined), of(B, 70))
  t.strictSame(one(A), {
    peer: A,
    inBytesPerSecond: [2_000, 5],
    outBytesPerSecond: [100, 0],
    rttMs: [1.23, null],
  })
  t.strictSame(one(B), { peer: B, inBytesPerSecond: [null, 0], outBytesPerSecond: [null, 7], rttMs: [null, null] })
  t.strictSame(history.total, { inBytesPerSecond: [2_000, 5], outBytesPerSecond: [100, 7] })
  t.end()
})

t.test('what a relay carries to a peer is in the total once', t => {
  const { history, at, one } = world()
  at(1, of(A, 1_100), { ...of(B, 1_000), isRelayed: true })
  t.strictSame(one(B)?.outBytesPerSecond, [100])
  t.strictSame(history.total.outBytesPerSecond, [110])
  t.end()
})

t.test('a step that was missed is null, and what it carried is of the next, over the time that it took', t => {
  const { history, at, one } = world()
  at(1, of(A, 100))
  at(4, of(A, 400))
  t.strictSame(one(A)?.outBytesPerSecond, [10, null, null, 10])
  t.strictSame(history.total.outBytesPerSecond, [10, null, null, 10])
  history.sample([of(A, 500)], START + 4.4 * HISTORY_STEP_MS)
  t.strictSame(history.total.outBytesPerSecond, [10, null, null, 10], 'a step that is not over')
  at(5, of(A, 600))
  t.strictSame(history.total.outBytesPerSecond, [10, null, null, 10, 20])
  t.end()
})

t.test('after an hour the oldest goes, and after more than an hour of nothing all of it', t => {
  const { history, at, one } = world()
  for (let step = 1; step <= HISTORY_STEPS + 2; step++) at(step, of(A, 10 * step * (step + 1)))
  t.equal(history.length, HISTORY_STEPS)
  t.equal(one(A)?.outBytesPerSecond[0], 6)
  t.equal(one(A)?.outBytesPerSecond.at(-1), 2 * (HISTORY_STEPS + 2))
  at(3 * HISTORY_STEPS, of(A, 0))
  t.strictSame(history.total.outBytesPerSecond, [...Array<null>(HISTORY_STEPS - 1).fill(null), 0])
  t.end()
})

t.test('a peer that is gone is shown for an hour, and one that counts anew goes on', t => {
  const { history, at, one } = world()
  at(1, of(A, 500), of(B, 10))
  at(2, of(B, 10))
  t.strictSame(one(A)?.outBytesPerSecond, [50, null])
  at(3, of(A, 20), of(B, 10))
  t.strictSame(one(A)?.outBytesPerSecond, [50, null, 2], 'less than before: it was forgotten meanwhile')
  at(4, of(B, 10))
  at(HISTORY_STEPS + 2, of(B, 10))
  t.ok(one(A), 'its last step is among those that are shown')
  at(HISTORY_STEPS + 3, of(B, 10))
  t.notOk(one(A))
  t.strictSame(
    history.peers.map(({ peer }) => peer),
    [B],
  )
  t.end()
})

t.test('of many peers the busiest have a series, and all of them are in the total', t => {
  const { history, at, one } = world()
  const many = Array.from({ length: HISTORY_PEERS_MAX }, (_, i) => of(peerNumber(10 + i), 1_000 * (1 + i)))
  at(1, ...many, of(A, 500))
  t.equal(history.peers.length, HISTORY_PEERS_MAX)
  t.notOk(one(A), 'it is the least busy')
  const sum = many.reduce((all, { sentBytes }) => all + sentBytes, 500)
  t.strictSame(history.total.outBytesPerSecond, [Math.fround(sum / 10)])
  at(2, ...many, of(A, 1_800))
  t.notOk(one(A), 'a little busier is not enough: who comes has no past to show')
  at(3, ...many, of(A, 500_000))
  t.ok(one(A), 'much busier is')
  t.notOk(one(peerNumber(10)), 'in the place of the least busy one')
  t.equal(history.peers.length, HISTORY_PEERS_MAX)
  t.equal(history.peers[0]?.peer, A, 'the busiest stands first')
  t.strictSame(one(A)?.outBytesPerSecond, [null, null, 49_820], 'its series begins with this step')
  at(4, ...many, of(A, 500_100))
  t.strictSame(one(A)?.outBytesPerSecond, [null, null, 49_820, 10])
  t.end()
})

t.test('who was busy long ago gives way to who is now', t => {
  const { at, one } = world()
  const many = Array.from({ length: HISTORY_PEERS_MAX }, (_, i) => of(peerNumber(10 + i), 1_000_000))
  at(1, ...many, of(A, 0))
  let sent = 0
  let step = 1
  while (one(A) === undefined && step < HISTORY_STEPS) at(++step, ...many, of(A, (sent += 10_000)))
  t.ok(step > 20 && step < HISTORY_STEPS, `after ${step} steps`)
  t.end()
})

t.test('all lists are of one length, no longer than an hour, of few peers, without holes or nonsense', t => {
  const event = fc.record({
    wait: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.integer({ min: 0, max: 2 * HISTORY_STEPS })),
    present: fc.uniqueArray(fc.nat(2 * HISTORY_PEERS_MAX), { maxLength: 2 * HISTORY_PEERS_MAX }),
    bytes: fc.nat(1_000_000),
    rttMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), events => {
      const { history, at } = world()
      let step = 0
      for (const { wait, present, bytes, rttMs } of events) {
        step += wait
        at(step, ...present.map(number => of(peerNumber(number), bytes * (1 + number), bytes, rttMs)))
        const { length, total, peers } = history
        if (length !== Math.min(step, HISTORY_STEPS) || peers.length > HISTORY_PEERS_MAX) return false
        const lists = [total, ...peers].flatMap(({ inBytesPerSecond, outBytesPerSecond }) => [
          inBytesPerSecond,
          outBytesPerSecond,
        ])
        for (const list of [...lists, ...peers.map(one => one.rttMs)])
          if (list.length !== length || !list.every(value => value === null || (Number.isFinite(value) && value >= 0)))
            return false
      }
      return true
    }),
    { numRuns: 60 },
  )
  t.end()
})
