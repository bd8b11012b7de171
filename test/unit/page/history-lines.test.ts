import t from 'tap'
import { LINES_MAX, plotsOf } from '../../../lib/page/history-lines.ts'
import { madeUpHistory, madeUpRef } from '../../support/page-answers.ts'

const rates = (inbound: (number | null)[]) => ({ inBytesPerSecond: inbound, outBytesPerSecond: [null, 20] })
const END = '2026-01-31T12:00:00.000Z'

t.test('points lie a step apart, the newest at the end', async t => {
  const { rates: plot, rtts } = plotsOf({ stepSeconds: 10, end: END, total: rates([1, 3]), peers: [] }, null)
  t.strictSame(plot.seconds, [Date.parse(END) / 1_000 - 10, Date.parse(END) / 1_000])
  t.strictSame(plot.lines, [
    { name: 'in', values: [1, 3], figures: '3 B/s, at most 3 B/s' },
    { name: 'out', values: [null, 20], figures: '20 B/s, at most 20 B/s' },
  ])
  t.strictSame(rtts.lines, [])
  t.equal(rtts.end, Date.parse(END) / 1_000, 'the hour is the same where nothing was measured')
  t.equal(rtts.note, 'Nothing was measured yet.')
})

t.test('of many peers those that are farthest are drawn, and it is said', async t => {
  const { rtts } = plotsOf(madeUpHistory({ hosts: 40 }), null)
  t.equal(rtts.lines.length, LINES_MAX)
  t.match(rtts.note, /^The farthest 5 of 39 are shown\.$/)
})

t.test('one peer is drawn alone', async t => {
  const peer = madeUpRef(3)
  const history = {
    stepSeconds: 10,
    end: END,
    total: rates([9]),
    peers: [{ ...peer, ...rates([null]), rttMs: [2, null] }],
  }
  const { rates: plot, rtts } = plotsOf(history, peer.id)
  t.strictSame(plot.lines[0]!.values, [null])
  t.strictSame(rtts.lines, [{ name: 'host3', values: [2, null], figures: '2.0 ms, at most 2.0 ms' }])
  t.equal(rtts.note, '')
  t.equal(plot.lines[0]!.figures, 'not measured')
  t.equal(plotsOf(history, 'gone').rates.lines[0]!.values[0], 9, 'all, where it is not known any more')
})

t.test('lists of different lengths end together', async t => {
  const peers = [
    { ...madeUpRef(2), ...rates([]), rttMs: [1, 2, 3] },
    { ...madeUpRef(3), ...rates([]), rttMs: [9] },
  ]
  const { rtts } = plotsOf({ stepSeconds: 10, end: END, total: rates([]), peers }, null)
  t.strictSame(
    rtts.lines.map(({ values }) => values),
    [
      [null, null, 9],
      [1, 2, 3],
    ],
  )
  t.equal(rtts.seconds.length, 3)
})
