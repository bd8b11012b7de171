import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chart, CHARTS } from './chart.ts'
import { machineWords } from './machine.ts'
import { microTable, type MicroReport } from './micro/report.ts'
import { PROJECT } from './project.ts'
import type { Report } from './report.ts'
import { medianTable, ratioTable, spreadTable } from './tables.ts'

const PAGE = 'docs/benchmarks.md'
const CHARTS_DIRECTORY = 'docs/benchmarks'
const BEGIN = '<!-- figures: written by `make bench-page` -->'
const END = '<!-- end of figures -->'
const OWN = 'weave-ts'
export const YARDSTICKS = [
  'nebula',
  'ceiling:aes',
  'ceiling:chacha',
  'wireguard-go',
  'wireguard-go:system',
  'tinc',
  'vxlan',
  'veth',
]

/** Puts figures into the page, and their drawings beside it: those of the first report. Returns what was written. */
export function writePage(reports: readonly Report[], micro: MicroReport | undefined): string[] {
  const written: string[] = []
  const write = (path: string, text: string) => {
    writeFileSync(join(PROJECT, path), text)
    written.push(path)
  }
  const images: string[] = []
  const [first] = reports
  if (first !== undefined) {
    mkdirSync(join(PROJECT, CHARTS_DIRECTORY), { recursive: true })
    for (const [name, { title, keys }] of Object.entries(CHARTS)) {
      const drawing = chart(first, title, keys, OWN)
      if (drawing === undefined) continue
      write(`${CHARTS_DIRECTORY}/${name}`, drawing)
      images.push(`![${title}](benchmarks/${name})`, '')
    }
  }
  const sections = reports.map((report, i) => [...sectionOf(report), ...(i === 0 ? images : [])])
  const lines = [...sections.flat(), ...(micro === undefined ? [] : microSection(micro))]
  write(PAGE, withFigures(readFileSync(join(PROJECT, PAGE), 'utf8'), lines))
  return written
}

/** The text with other lines between the two marks. Throws where it has no marks. */
export function withFigures(page: string, lines: readonly string[]): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`the page has no lines ${BEGIN} and ${END}`)
  return `${page.slice(0, from)}${BEGIN}\n\n${lines.join('\n').trimEnd()}\n\n${page.slice(to)}`
}

function sectionOf(report: Report): string[] {
  const { at, machine, load, rounds, secondsEach, rows, failures } = report
  const systems = new Map(rows.map(({ system, what }) => [system, what]))
  const ratios = ratioTable(report, OWN, YARDSTICKS)
  return [
    `### ${at.slice(0, 10)}, ${systems.size} systems, ${rounds} rounds of ${secondsEach} s`,
    '',
    `${machineWords(machine)}. Load ${load.before.toFixed(2)} before, ${load.after.toFixed(2)} at the end. Medians:`,
    '',
    ...medianTable(report),
    '',
    ...(rounds > 1 ? ['Largest less least of the rounds, in % of the median:', '', ...spreadTable(report), ''] : []),
    ...(ratios.length > 0 ? ['Between containers:', '', ...ratios, ''] : []),
    ...[...systems].map(([system, what]) => `- \`${system}\`: ${what}`),
    '',
    ...(failures.length > 0 ? ['Not measured:', '', ...failures.map(text => `- ${text}`), ''] : []),
  ]
}

function microSection(report: MicroReport): string[] {
  const { at, machine, openssl } = report
  return [
    `### ${at.slice(0, 10)}, the engine alone`,
    '',
    `${machineWords(machine)}, OpenSSL ${openssl}. Least of 25 repeats:`,
    '',
    ...microTable(report),
    '',
  ]
}
