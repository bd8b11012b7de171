import type { PerfAnswer } from '../api/mod.ts'
import { peerName } from './render.ts'
import { shortNumber } from './table.ts'

const PLOT_WIDTH = 720
const PLOT_HEIGHT = 360
/** Around what is drawn. */
const PLOT_MARGIN = { left: 70, right: 20, top: 40, bottom: 40 } as const
const LEGEND_LINE = 18
const GRID_STEPS = 4
/** Told apart by dashes, too. */
const STROKES: Readonly<Record<string, string>> = {
  'overlay to': 'stroke="#0b6e99"',
  'overlay from': 'stroke="#0b6e99" stroke-dasharray="6 3"',
  'underlay to': 'stroke="#b35900"',
  'underlay from': 'stroke="#b35900" stroke-dasharray="6 3"',
}

/** A drawing of what arrived as time went on, a line for each measurement; SVG 1.1. There is one at least. */
export function perfSvg(measured: readonly [PerfAnswer, ...PerfAnswer[]]): string {
  const [first] = measured
  const seconds = Math.max(...measured.map(one => one.seconds))
  const most = Math.max(...measured.flatMap(one => [one.rate, ...one.series.map(at => at.receivedBitsPerSecond)]))
  const bottom = PLOT_HEIGHT - PLOT_MARGIN.bottom
  const x = (at: number) =>
    round(PLOT_MARGIN.left + (Math.min(at, seconds) / seconds) * (PLOT_WIDTH - PLOT_MARGIN.left - PLOT_MARGIN.right))
  const y = (bits: number) => round(bottom - (bits / most) * (bottom - PLOT_MARGIN.top))
  const steps = Array.from({ length: GRID_STEPS + 1 }, (_, step) => step / GRID_STEPS)
  const height = PLOT_HEIGHT + LEGEND_LINE * measured.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${PLOT_WIDTH}" height="${height}" viewBox="0 0 ${PLOT_WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(`weave-ts perf ${peerName(first.peer)}, ${first.time}`)}</title>`,
    `<rect width="${PLOT_WIDTH}" height="${height}" fill="#fff"/>`,
    text(PLOT_MARGIN.left, 22, `bit/s that arrived, to and from ${peerName(first.peer)}`, 'start'),
    ...steps.flatMap(part => [
      `<line x1="${PLOT_MARGIN.left}" x2="${PLOT_WIDTH - PLOT_MARGIN.right}" y1="${y(part * most)}" y2="${y(part * most)}" stroke="#ddd"/>`,
      text(PLOT_MARGIN.left - 8, y(part * most) + 4, shortNumber(part * most), 'end'),
      text(x(part * seconds), bottom + 18, `${shortNumber(part * seconds)} s`, 'middle'),
    ]),
    ...measured.flatMap((one, i) => {
      const name = `${one.way} ${one.direction}`
      const points = pointsOf(one).map(({ at, bits }) => `${x(at)},${y(bits)}`)
      const line = `fill="none" stroke-width="2" ${STROKES[name] ?? 'stroke="#000"'}`
      const at = PLOT_HEIGHT + LEGEND_LINE * i
      return [
        `<polyline points="${points.join(' ')}" ${line}/>`,
        `<line x1="${PLOT_MARGIN.left}" x2="${PLOT_MARGIN.left + 30}" y1="${at}" y2="${at}" ${line}/>`,
        text(PLOT_MARGIN.left + 38, at + 4, legendOf(one), 'start'),
      ]
    }),
    '</svg>',
    '',
  ].join('\n')
}

/** From the beginning on; where there is no series, the mean. */
function pointsOf({ series, seconds, receivedBitsPerSecond }: PerfAnswer): { at: number; bits: number }[] {
  if (series.length === 0) return [0, seconds].map(at => ({ at, bits: receivedBitsPerSecond }))
  const points = series.map(one => ({ at: one.seconds, bits: one.receivedBitsPerSecond }))
  return [{ at: 0, bits: points[0]!.bits }, ...points]
}

function legendOf({ way, direction, receivedBitsPerSecond, rate, lossPercent, loaded }: PerfAnswer): string {
  const loss = lossPercent === null ? '' : `, ${lossPercent.toFixed(2)} % lost`
  const rtt = loaded.rttMs === null ? '' : `, round trip ${loaded.rttMs.average.toFixed(2)} ms`
  return `${way} ${direction}: ${shortNumber(receivedBitsPerSecond)} of ${shortNumber(rate)} bit/s${loss}${rtt}`
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)
}
