import type { ScaleRun } from './scale-run.ts'

interface Row {
  readonly name: string
  readonly unit: string
  readonly digits: number
  /** Undefined: it never came to be, which breaks any bound, and those without one too. */
  readonly value: (run: ScaleRun) => number | undefined
  /** What it must stay below, by number of peers. */
  readonly bounds?: Readonly<Record<number, number>>
}

const MEGA = 1e6
const KILO = 1e3
const perPeerSecond = (run: ScaleRun, bytes: number) => bytes / run.peers / (run.steady.virtualMs / 1000)
const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000)
const both = ({ tcpBytes, udpBytes }: { readonly tcpBytes: number; readonly udpBytes: number }) => tcpBytes + udpBytes

export const ROWS: readonly Row[] = [
  { name: 'start: TCP', unit: 'MB', digits: 2, value: run => run.start.tcpBytes / MEGA },
  { name: 'start: UDP', unit: 'MB', digits: 2, value: run => run.start.udpBytes / MEGA },
  { name: 'start: both', unit: 'MB', digits: 2, value: run => both(run.start) / MEGA, bounds: { 100: 30 } },
  {
    name: 'start and the minute after',
    unit: 'MB',
    digits: 2,
    value: run => (both(run.start) + both(run.settling)) / MEGA,
    bounds: { 100: 30 },
  },
  {
    name: 'all agree after the first launch',
    unit: 's',
    digits: 1,
    value: run => (run.agreedMs === undefined ? undefined : seconds(run.start.virtualMs)),
    bounds: { 10: 30, 50: 30, 100: 30, 300: 30, 500: 30 },
  },
  {
    name: 'processor until then',
    unit: 's',
    digits: 1,
    value: run => run.start.cpuSeconds,
    bounds: { 100: 40 },
  },
  {
    name: 'time on the wall until then',
    unit: 's',
    digits: 1,
    value: run => run.start.wallSeconds,
    bounds: { 500: 600 },
  },
  { name: 'links per peer: least', unit: '', digits: 0, value: run => run.links.min },
  { name: 'links per peer: mean', unit: '', digits: 1, value: run => run.links.mean },
  { name: 'links per peer: most', unit: '', digits: 0, value: run => run.links.max },
  {
    name: 'steady, sent per peer',
    unit: 'B/s',
    digits: 0,
    value: run => perPeerSecond(run, both(run.steady)),
    bounds: { 100: 500, 300: 1_000, 500: 2_000, 1_000: 2_000 },
  },
  {
    name: 'processor for a steady minute',
    unit: 's',
    digits: 1,
    value: run => run.steady.cpuSeconds / (run.steady.virtualMs / 60_000),
    bounds: { 100: 10 },
  },
  {
    name: 'one change: all have it after',
    unit: 's',
    digits: 2,
    value: run => seconds(run.change.reachedMs),
    bounds: { 10: 5, 50: 5, 100: 5, 300: 5, 500: 5, 1_000: 5 },
  },
  { name: 'broadcast of 1,000 bytes: hosts that have it', unit: '', digits: 1, value: run => run.broadcast.reached },
  { name: 'sent for it: mean', unit: 'B', digits: 0, value: run => run.broadcast.meanBytes },
  { name: 'sent for it: most', unit: 'B', digits: 0, value: run => run.broadcast.mostBytes },
  { name: 'one attach', unit: 'kB', digits: 1, value: run => run.attach.bytes / KILO, bounds: { 100: 150 } },
  { name: 'one attach: address after', unit: 's', digits: 2, value: run => seconds(run.attach.allocatedMs) },
  { name: 'one attach: all agree after', unit: 's', digits: 2, value: run => seconds(run.attach.agreedMs) },
  { name: 'one on a host without addresses', unit: 'kB', digits: 1, value: run => run.firstAttach.bytes / KILO },
  {
    name: 'one on a host without addresses: address after',
    unit: 's',
    digits: 2,
    value: run => seconds(run.firstAttach.allocatedMs),
  },
  { name: 'half killed: all agree after', unit: 's', digits: 1, value: run => seconds(run.killed.agreedMs) },
  { name: 'memory of them all', unit: 'MB', digits: 0, value: run => run.residentBytes / MEGA },
]

/** One column for each size; a bound stands in brackets beside its value. */
export function scaleTable(runs: readonly ScaleRun[]): string[] {
  const cells = ROWS.map(row => [
    `${row.name}${row.unit === '' ? '' : `, ${row.unit}`}`,
    ...runs.map(run => cellOf(row, run)),
  ])
  return table(['peers', ...runs.map(run => String(run.peers))], cells)
}

/** What is not as it must be, in words; empty when all is. */
export function brokenBounds(runs: readonly ScaleRun[]): string[] {
  return runs.flatMap(run => ROWS.filter(row => isBroken(row, run)).map(row => wordsOf(row, run)))
}

/** Bytes by kind of message: until all agreed, and in the steady minute. */
export function kindTable(runs: readonly ScaleRun[]): string[] {
  const kinds = new Set(runs.flatMap(run => [...Object.keys(run.start.kinds), ...Object.keys(run.steady.kinds)]))
  const last = runs.at(-1)
  const weight = (kind: string) => last?.start.kinds[kind]?.bytes ?? 0
  const cells = [...kinds]
    .sort((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1))
    .map(kind => [
      kind,
      ...runs.flatMap(run => {
        const atStart = run.start.kinds[kind]
        const rate = perPeerSecond(run, run.steady.kinds[kind]?.bytes ?? 0)
        return [((atStart?.bytes ?? 0) / KILO).toFixed(1), String(atStart?.count ?? 0), rate.toFixed(1)]
      }),
    ])
  const heads = runs.flatMap(({ peers }) => [`${peers}: start, kB`, 'messages', 'steady, B/s'])
  return table(['kind', ...heads], cells)
}

function cellOf(row: Row, run: ScaleRun): string {
  const value = row.value(run)
  const bound = row.bounds?.[run.peers]
  const text = value === undefined ? 'never' : value.toFixed(row.digits)
  return `${text}${bound === undefined ? '' : ` (< ${bound})`}${isBroken(row, run) ? ' !' : ''}`
}

function isBroken(row: Row, run: ScaleRun): boolean {
  const value = row.value(run)
  return value === undefined || value >= (row.bounds?.[run.peers] ?? Infinity)
}

function wordsOf(row: Row, run: ScaleRun): string {
  const value = row.value(run)
  const bound = row.bounds?.[run.peers]
  const is = value === undefined ? 'never' : `${value.toFixed(row.digits)} ${row.unit}`
  return `${run.peers} peers: ${row.name}: ${is}${bound === undefined ? '' : `, not below ${bound}`}`
}

/** In the form of Markdown, with even columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map(row => row[i]!.length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)]
}
