import t from 'tap'
import type { PerfAnswer } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { measurePeer, perfOptions } from '../../../lib/cli/perf.ts'
import { rateOf } from '../../../lib/cli/rate.ts'
import { perfSvg } from '../../../lib/cli/perf-svg.ts'
import { plotted, renderPerf, renderPerfHistory } from '../../../lib/cli/render-perf.ts'

const GIVEN = { rate: '20M', seconds: '2', direction: 'both', underlay: false }
const PATH: NonNullable<PerfAnswer['path']> = {
  ...{ kind: 'direct', endpoint: '192.0.2.2:6783', via: null, rttMs: 1, cipher: null, keyAgeSeconds: null },
  ...{ lossPercent: null, mtu: null, carries: null, why: null },
}
const ANSWER: PerfAnswer = {
  ...{ time: '2026-01-31T12:00:00.123Z', peer: { id: '4vqk2mzt6rimy74rrbpcx2wru5', nickname: 'host2' }, path: PATH },
  ...{ way: 'overlay', direction: 'to', rate: 20_000_000, seconds: 2, datagramBytes: 1_472 },
  ...{ sent: 3_396, received: 3_000, lossPercent: 11.66, reordered: 2, jitterMs: 0.31 },
  ...{ sentBitsPerSecond: 19_997_000, receivedBitsPerSecond: 17_664_000 },
  idle: { sent: 5, answered: 5, rttMs: { min: 0.4, average: 0.5, max: 0.6 } },
  loaded: { sent: 9, answered: 8, rttMs: { min: 1, average: 12.34, max: 20 } },
  series: [0, 10e6, 20e6, 30e6].map((receivedBitsPerSecond, i) => ({ seconds: i / 2, receivedBitsPerSecond })),
}

t.test('rates are written with a unit', async t => {
  for (const [text, rate] of [
    ['500', 500],
    ['1k', 1_000],
    ['2.5M', 2_500_000],
    ['1G', 1e9],
    ['', undefined],
    ['G', undefined],
    ['1T', undefined],
    ['1 M', undefined],
    ['-1M', undefined],
    ['1e9', undefined],
    ['1'.repeat(13), undefined],
  ] as const)
    t.equal(rateOf(text), rate, text)
})

t.test('options are judged', async t => {
  t.strictSame(perfOptions(GIVEN), { rate: 20e6, seconds: 2, directions: ['to', 'from'], ways: ['overlay'] })
  t.strictSame(perfOptions({ ...GIVEN, direction: 'from' }).directions, ['from'])
  t.strictSame(perfOptions({ ...GIVEN, underlay: true }).ways, ['overlay', 'underlay'])
  for (const wrong of [{ rate: 'much' }, { rate: '100' }, { rate: '101G' }, { seconds: '0' }, { seconds: '61' }])
    t.throws(() => perfOptions({ ...GIVEN, ...wrong }), { code: 'USAGE' })
})

t.test('each way is asked for in turn, and one that fails leaves the others', async t => {
  const asked: string[] = []
  const client = (fails: readonly string[]) => ({
    call: async (_name: string, { direction }: { direction: string }) => {
      asked.push(direction)
      if (fails.includes(direction)) throw new WeaveError('PERF_FAILED', 'it was lost', 'look')
      return { ...ANSWER, direction }
    },
  })
  const measured = (fails: readonly string[]) => measurePeer(client(fails) as never, 'host2', perfOptions(GIVEN))
  t.match(await measured([]), { measured: [{ direction: 'to' }, { direction: 'from' }], gaps: [] })
  t.match(await measured(['to']), {
    measured: [{ direction: 'from' }],
    gaps: [{ way: 'overlay', direction: 'to', why: 'it was lost: look' }],
  })
  await t.rejects(measured(['to', 'from']), { code: 'PERF_FAILED' })
  t.strictSame(asked, ['to', 'from', 'to', 'from', 'to', 'from'])
  const down = { call: async () => Promise.reject(new WeaveError('DAEMON_DOWN', 'it is down', 'launch it')) }
  await t.rejects(measurePeer(down as never, 'host2', perfOptions(GIVEN)), { code: 'DAEMON_DOWN' })
})

t.test('a table shows what was measured, and how it went over time', async t => {
  t.equal(plotted(ANSWER), '▁▅██')
  const gaps = [{ way: 'overlay', direction: 'from', why: 'it was lost: look' }] as const
  t.equal(
    renderPerf([ANSWER], gaps),
    [
      '4vqk2mzt(host2) direct 192.0.2.2:6783, datagrams of 1472 bytes',
      'WAY      DIRECTION  ASKED  SENT  ARRIVED  LOST     REORDERED  JITTER   RTT IDLE  RTT LOADED',
      'overlay  to         20M    20M   17.7M    11.66 %  2          0.31 ms  0.50 ms   12.3 ms (1 lost)  ▁▅██',
      'overlay from: it was lost: look',
    ].join('\n'),
  )
  const none = { ...ANSWER, lossPercent: null, idle: { sent: 0, answered: 0, rttMs: null }, series: [] }
  t.match(renderPerf([none], []), /20M +17\.7M +- +2 +0\.31 ms +- +12\.3 ms/)
  t.equal(
    renderPerfHistory([ANSWER]),
    [
      'TIME                  PEER             WAY      DIRECTION  ASKED  ARRIVED  LOST     JITTER   RTT IDLE  RTT LOADED',
      '2026-01-31T12:00:00Z  4vqk2mzt(host2)  overlay  to         20M    17.7M    11.66 %  0.31 ms  0.50 ms   12.3 ms (1 lost)  ▁▅██',
    ].join('\n'),
  )
  t.equal(renderPerfHistory([]), '')
})

t.test('a drawing has a line for each measurement, within its bounds, and no word of a peer is markup', async t => {
  const peer = { id: 'p'.repeat(26), nickname: '<b>&"' }
  const svg = perfSvg([
    { ...ANSWER, peer },
    { ...ANSWER, peer, way: 'underlay', direction: 'from', series: [], lossPercent: null },
  ])
  const lines = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map(point => point.split(',').map(Number) as [number, number]),
  )
  t.strictSame(
    lines.map(points => points.length),
    [5, 2],
  )
  t.ok(
    lines.flat().every(([x, y]) => x >= 70 && x <= 700 && y >= 40 && y <= 320),
    JSON.stringify(lines),
  )
  t.match(svg, /overlay to: 17\.7M of 20M bit\/s, 11\.66 % lost, round trip 12\.34 ms/)
  t.match(svg, /underlay from: 17\.7M of 20M bit\/s, round trip/)
  t.notMatch(svg, '<b>')
  const opened = [...svg.matchAll(/<([a-z]+)[ >]/g)].map(match => match[1]!).sort()
  const closed = [...svg.matchAll(/<\/([a-z]+)>|<([a-z]+)[^>]*\/>/g)].map(match => match[1] ?? match[2]!).sort()
  t.strictSame(closed, opened, 'it is well formed')
})
