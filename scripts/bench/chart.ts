import { MEASURES, type MeasureKey } from './measures.ts'
import type { Report, ReportRow } from './report.ts'
import { median } from './statistics.ts'
import { medianText } from './tables.ts'

const LABELS_WIDTH = 150
const BARS_WIDTH = 240
const VALUE_WIDTH = 60
const PANEL_WIDTH = LABELS_WIDTH + BARS_WIDTH + VALUE_WIDTH
const BAR_HEIGHT = 14
const STEP = 20
const HEAD = 34
const MARGIN = 12
const PANELS_PER_ROW = 2

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #222 }
.head { font-weight: 600 }
.ground { fill: #fff }
.bar { fill: #9aa5b1 }
.own { fill: #1f6feb }
.reach { stroke: #222; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd }
  .ground { fill: #0d1117 }
  .bar { fill: #59636e }
  .own { fill: #4493f8 }
  .reach { stroke: #ddd }
}`

/** The drawings of a report, by the name of their file. */
export const CHARTS: Readonly<Record<string, { readonly title: string; readonly keys: readonly MeasureKey[] }>> = {
  'streams.svg': { title: 'TCP between containers', keys: ['tcp', 'tcpReverse', 'tcpEight', 'machinePerByte'] },
  'packets.svg': {
    title: 'Packets between containers',
    keys: ['udpSmall', 'udpLarge', 'requests', 'connects'],
  },
  'latency.svg': { title: 'Round trips between containers', keys: ['ping', 'ping99', 'loaded', 'loaded99'] },
  'cost.svg': { title: 'What daemons cost', keys: ['cpuPerByte', 'cpuPerDatagram', 'rss', 'idle'] },
}

/**
 * Bars of medians between containers, one panel for each measure that was taken; a line over each bar reaches from the
 * least to the largest of the rounds. `own`: systems that begin so are coloured. Undefined where nothing was measured.
 */
export function chart(report: Report, title: string, keys: readonly MeasureKey[], own: string): string | undefined {
  const rows = report.rows.filter(({ where }) => where === 'containers')
  const panels = keys.flatMap(key => {
    const bars = rows.filter(({ values }) => median(values[key] ?? []) !== undefined)
    return bars.length === 0 ? [] : [{ key, bars }]
  })
  if (panels.length === 0) return undefined
  const heights = panels.map(({ bars }) => HEAD + bars.length * STEP + MARGIN)
  const lines: string[] = []
  let top = HEAD
  for (let first = 0; first < panels.length; first += PANELS_PER_ROW) {
    const beside = panels.slice(first, first + PANELS_PER_ROW)
    for (const [i, { key, bars }] of beside.entries())
      lines.push(...panel(bars, key, own, MARGIN + i * (PANEL_WIDTH + MARGIN), top))
    top += Math.max(...heights.slice(first, first + PANELS_PER_ROW))
  }
  const width = MARGIN + Math.min(panels.length, PANELS_PER_ROW) * (PANEL_WIDTH + MARGIN)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${width}" height="${top}"/>`,
    `<text class="head" x="${MARGIN}" y="22">${escaped(title)}</text>`,
    ...lines,
    '</svg>\n',
  ].join('\n')
}

function panel(bars: readonly ReportRow[], key: MeasureKey, own: string, left: number, top: number): string[] {
  const measure = MEASURES.find(one => one.key === key)!
  const most = Math.max(...bars.flatMap(({ values }) => values[key]!))
  const at = (value: number) => left + LABELS_WIDTH + (most === 0 ? 0 : (value / most) * BARS_WIDTH)
  const lines = [
    `<text class="head" x="${left}" y="${top + 18}">${escaped(`${measure.title}, ${measure.unit}`)}: ${measure.better} is better</text>`,
  ]
  for (const [i, row] of bars.entries()) {
    const y = top + HEAD - 6 + i * STEP
    const values = row.values[key]!
    const start = left + LABELS_WIDTH
    const middle = median(values)!
    const kind = row.system.startsWith(own) ? 'own' : 'bar'
    const [least, largest] = [at(Math.min(...values)), at(Math.max(...values))]
    lines.push(
      `<text x="${start - 6}" y="${y + 11}" text-anchor="end">${escaped(row.system)}</text>`,
      `<rect class="${kind}" x="${start}" y="${y}" width="${(at(middle) - start).toFixed(1)}" height="${BAR_HEIGHT}"/>`,
      `<path class="reach" d="M${least.toFixed(1)} ${y + BAR_HEIGHT / 2}H${largest.toFixed(1)}"/>`,
      `<text x="${start + BARS_WIDTH + 6}" y="${y + 11}">${medianText(row, measure)}</text>`,
    )
  }
  return lines
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
