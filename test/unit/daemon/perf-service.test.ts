import t from 'tap'
import type { CallContext, CallRequest, PerfAnswer } from '../../../lib/api/mod.ts'
import { PERF_HISTORY_MAX, PERF_IDLE_PINGS } from '../../../lib/daemon/constants.ts'
import { PerfHistory } from '../../../lib/daemon/perf-history.ts'
import { PerfService } from '../../../lib/daemon/perf-service.ts'
import type { MeasureEnd, MeasureQuestion, PingEnd } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { endpoint, nodeReport, path, peer } from '../../support/node-reports.ts'

const FAR = peerNumber(1)
const REQUEST: CallRequest<'perf'> = { peer: 'n1', way: 'overlay', direction: 'to', rate: 999_500, seconds: 2 }
const DONE: MeasureEnd = {
  ...{
    isDone: true,
    sent: 100,
    datagramBytes: 1_000,
    path: path(FAR, { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 1 }),
  },
  counts: { received: 90, reordered: 1, jitterMicros: 250, spanMicros: 4_000_000 },
  series: [
    { ms: 500, received: 25 },
    { ms: 1_000, received: 50 },
  ],
}

/** A service on a node whose measurements end as the test says, and whose pings are answered. */
function service(given: { whyNot?: string; pingsMax?: number } = {}) {
  const questions: MeasureQuestion[] = []
  const ends: ((end: MeasureEnd) => void)[] = []
  let cancelled = 0
  let pings = 0
  const node = {
    view: { nicknameOf: () => 'n1' },
    ping: (_id: string, _waitMs: number, onEnd: (end: PingEnd) => void) => {
      if (++pings > (given.pingsMax ?? Infinity)) return false
      onEnd({ rttMs: 1, sentAt: 0, path: undefined })
      return true
    },
    measure: (question: MeasureQuestion, onEnd: (end: MeasureEnd) => void) => {
      questions.push(question)
      ends.push(onEnd)
    },
    cancelMeasure: () => {
      cancelled++
      ends.at(-1)?.({ isDone: false, reason: 'asked' })
    },
  }
  const kept: PerfAnswer[] = []
  const warned: string[] = []
  const { calls } = new PerfService({
    runner: {
      node,
      report: () => nodeReport({ peers: [peer(1)] }),
      input: (give: (from: typeof node, now: number) => unknown) => give(node, 0),
    } as never,
    peersAt: () => undefined,
    history: {
      all: () => kept,
      add: answer => {
        if (given.whyNot !== undefined) throw new Error(given.whyNot)
        kept.push(answer)
      },
    },
    log: { warn: (_fields, text) => warned.push(text) },
    exactNow: () => 0,
    wallNow: () => Date.UTC(2026, 0, 31),
    wait: () => new Promise(resolve => setImmediate(resolve)),
  })
  const caller = new AbortController()
  const context: CallContext = { signal: caller.signal, afterAnswer: () => undefined }
  const perf = (request: Partial<CallRequest<'perf'>> = {}) =>
    Promise.resolve(calls.perf({ ...REQUEST, ...request }, context))
  const asked = async () => {
    while (ends.length === 0) await new Promise(resolve => setImmediate(resolve))
  }
  return { perf, asked, questions, ends, kept, warned, caller, calls, context, cancelled: () => cancelled }
}

t.test('a result has rates, loss and round trips, and is kept', async t => {
  const { perf, asked, questions, ends, kept } = service()
  const answer = perf()
  await asked()
  t.strictSame(questions, [{ peer: FAR, way: 'overlay', isSending: true, kbits: 1_000, ms: 2_000 }])
  ends[0]!(DONE)
  t.match(await answer, {
    ...{ time: '2026-01-31T00:00:00.000Z', peer: { id: FAR, nickname: 'n1' }, path: { kind: 'direct' } },
    ...{ sent: 100, received: 90, lossPercent: 10, reordered: 1, jitterMs: 0.25 },
    ...{ sentBitsPerSecond: 400_000, receivedBitsPerSecond: 180_000 },
    idle: { sent: PERF_IDLE_PINGS, answered: PERF_IDLE_PINGS, rttMs: { min: 0, average: 0, max: 0 } },
    series: [
      { seconds: 0.5, receivedBitsPerSecond: 400_000 },
      { seconds: 1, receivedBitsPerSecond: 400_000 },
    ],
  })
  t.strictSame(kept, [await answer])
})

t.test('what cannot be kept was measured all the same, and nothing sent is no loss', async t => {
  const { perf, asked, ends, warned } = service({ whyNot: 'the disk is full' })
  const answer = perf({ direction: 'from' })
  await asked()
  ends[0]!({ ...DONE, sent: 0, counts: { received: 0, reordered: 0, jitterMicros: 0, spanMicros: 0 }, path: undefined })
  t.match(await answer, { lossPercent: null, path: null, receivedBitsPerSecond: 0 })
  t.equal(warned.length, 1)
})

t.test('a ping that the node does not take fails neither the measurement nor the daemon', async t => {
  for (const [pingsMax, loaded] of [
    [0, 0],
    [PERF_IDLE_PINGS + 1, 1],
  ] as const) {
    const { perf, asked, ends } = service({ pingsMax })
    const answer = perf()
    await asked()
    // Long enough that a failure nobody waits for would be told of.
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    ends[0]!(DONE)
    t.match(await answer, { sent: 100, loaded: { sent: loaded, answered: loaded } })
  }
})

t.test('each reason has words and a code', async t => {
  const far = ['busy', 'rate', 'forbidden', 'way', 'often', 'time'] as const
  const failures = ['way', 'silence', 'no-answer', 'no-way', 'asked'] as const
  for (const [end, code] of [
    ...far.map(reason => [{ reason, limitKbits: 500 }, 'PERF_REFUSED'] as const),
    ...(['busy-here', 'forbidden'] as const).map(reason => [{ reason }, 'PERF_REFUSED'] as const),
    ...failures.map(reason => [{ reason }, 'PERF_FAILED'] as const),
  ]) {
    const { perf, asked, ends } = service()
    const answer = perf()
    await asked()
    ends[0]!({ isDone: false, ...end })
    await t.rejects(answer, { code }, end.reason)
  }
  const { perf, asked, ends } = service()
  const answer = perf()
  await asked()
  ends[0]!({ isDone: false, reason: 'rate', limitKbits: 500 })
  await t.rejects(answer, { message: /^999500 bit\/s were asked for, and \w+\(n1\) allows 500000$/ })
  await t.rejects(service().perf({ peer: 'nobody' }), { code: 'PEER_UNKNOWN' })
})

t.test('whoever goes ends what it asked for, and nothing else', async t => {
  const { perf, asked, caller, cancelled } = service()
  const answer = perf()
  await asked()
  caller.abort()
  await t.rejects(answer, { code: 'PERF_FAILED' })
  t.equal(cancelled(), 1)
  const over = service()
  const done = over.perf()
  await over.asked()
  over.ends[0]!(DONE)
  await done
  over.caller.abort()
  t.equal(over.cancelled(), 0)
})

t.test('what was measured is found by peer, the oldest first, and so many are kept', async t => {
  const entries = new Map<string, Uint8Array>()
  const history = new PerfHistory({
    range: (prefix: string) =>
      [...entries].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)),
    write: (puts, deletes) => {
      for (const [key, value] of puts) entries.set(key, value)
      for (const key of deletes ?? []) entries.delete(key)
    },
  })
  const made = (n: number) =>
    ({ ...REQUEST, time: String(n), peer: { id: 'p', nickname: 'n' } }) as unknown as PerfAnswer
  for (let n = 0; n < PERF_HISTORY_MAX + 3; n++) history.add(made(n))
  const all = history.all()
  t.equal(all.length, PERF_HISTORY_MAX)
  t.same([all[0]!.time, all.at(-1)!.time], ['3', String(PERF_HISTORY_MAX + 2)])
  entries.set('perf/0000000000', Uint8Array.of(1))
  t.equal(history.all().length, PERF_HISTORY_MAX, 'what cannot be read is left out')

  const { kept, calls, context } = service()
  kept.push(
    made(1),
    { ...made(2), peer: { id: FAR, nickname: 'n1' } },
    { ...made(3), peer: { id: 'gone', nickname: 'g' } },
  )
  const times = async (name?: string) =>
    (await calls['perf-history'](name === undefined ? {} : { peer: name }, context)).measurements.map(
      ({ time }) => time,
    )
  t.same(await times(), ['1', '2', '3'])
  t.same(await times('n1'), ['2'])
  t.same(await times(FAR.slice(0, 8)), ['2'])
  t.same(await times('g'), ['3'], 'of one that is gone, too')
  await t.rejects(times('nobody'), { code: 'PEER_UNKNOWN' })
})
