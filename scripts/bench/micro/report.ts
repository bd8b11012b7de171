import { readFileSync } from 'node:fs'
import { table } from '../../scale-table.ts'
import type { Machine } from '../report.ts'

const FORMAT = 1
/** Payloads that micro.cpp measures: what is between them gives the cost of a byte. */
const SMALL_BYTES = 64
const LARGE_BYTES = 1200

/** What one case costs for one datagram (or frame). */
export interface MicroResult {
  readonly name: string
  /** Empty where none is in it. */
  readonly cipher: string
  /** Of UDP in the frame; of the switch those of the frame, which it does not look at. */
  readonly bytes: number
  /** Median and least of the repeats, nanoseconds. */
  readonly ns: number
  readonly nsLeast: number
  /** By callgrind, without the kernel's. */
  readonly instructions?: number
}

export interface MicroReport {
  readonly format: typeof FORMAT
  readonly kind: 'micro'
  readonly at: string
  readonly machine: Machine
  readonly openssl: string
  readonly results: readonly MicroResult[]
}

export function microReportOf(fields: Omit<MicroReport, 'format' | 'kind'>): MicroReport {
  return { format: FORMAT, kind: 'micro', ...fields }
}

/** Throws where the file holds no report of this format. */
export function readMicroReport(path: string): MicroReport {
  const report = JSON.parse(readFileSync(path, 'utf8')) as MicroReport
  if (report.kind !== 'micro') throw new Error(`${path} holds no report of make bench-micro`)
  if (report.format !== FORMAT) throw new Error(`${path} has format ${String(report.format)}, needed is ${FORMAT}`)
  return report
}

/** The lines that micro.cpp prints. Throws at one that is not as expected. */
export function readMicro(text: string): { readonly openssl: string; readonly results: MicroResult[] } {
  const [first, ...lines] = text.trim().split('\n')
  const openssl = /^openssl (\S+)$/.exec(first ?? '')?.[1]
  if (openssl === undefined) throw new Error(`no version of OpenSSL in: ${first ?? ''}`)
  const results = lines.map(line => {
    const [name, cipher, bytes, ns, nsLeast] = line.split(' ')
    const numbers = [bytes, ns, nsLeast].map(Number)
    if (numbers.length !== 3 || numbers.some(value => !(value > 0))) throw new Error(`no figures in: ${line}`)
    return { name: name!, cipher: cipher!, bytes: numbers[0]!, ns: numbers[1]!, nsLeast: numbers[2]! }
  })
  return { openssl, results }
}

/** `events`: what callgrind says on standard error. Instructions for each of so many datagrams. */
export function readCallgrind(events: string, datagrams: number): number {
  const collected = Number(/Collected : (\d+)/.exec(events)?.[1])
  if (!(collected > 0) || !(datagrams > 0)) throw new Error(`callgrind counted nothing: ${events.slice(-200)}`)
  return collected / datagrams
}

const keyOf = ({ name, cipher, bytes }: MicroResult) => `${name} ${cipher} ${bytes}`

/** One row for each case and cipher: the least of the repeats, and what the bare calls of OpenSSL take of it. */
export function microTable({ results }: MicroReport): string[] {
  const found = new Map(results.map(result => [keyOf(result), result]))
  const names = [...new Set(results.map(({ name, cipher }) => `${name} ${cipher}`))]
  const rows = names.map(text => {
    const [name = '', cipher = ''] = text.split(' ')
    const at = (bytes: number, of = name) => found.get(`${of} ${cipher} ${bytes}`)
    const small = at(SMALL_BYTES) ?? results.find(result => result.name === name && result.cipher === cipher)!
    const large = at(LARGE_BYTES)
    const bare = bareOf(name)
    const ratio = (bytes: number) => {
      const own = at(bytes)?.nsLeast
      const other = bare === undefined ? undefined : at(bytes, bare)?.nsLeast
      return own === undefined || other === undefined ? '–' : (own / other).toFixed(2)
    }
    const perByte = large === undefined ? undefined : (large.nsLeast - small.nsLeast) / (LARGE_BYTES - SMALL_BYTES)
    return [
      text.trim(),
      small.nsLeast.toFixed(0),
      large?.nsLeast.toFixed(0) ?? '–',
      perByte?.toFixed(3) ?? '–',
      ratio(SMALL_BYTES),
      ratio(LARGE_BYTES),
      small.instructions?.toFixed(0) ?? '–',
    ]
  })
  return table(
    ['case', 'ns at 64 B', 'ns at 1200 B', 'ns/B', '÷ OpenSSL, 64', '÷ OpenSSL, 1200', 'instructions, 64'],
    rows,
  )
}

/** Which bare call a case has in it once. */
function bareOf(name: string): string | undefined {
  if (name === 'seal' || name === 'send') return 'openssl-seal'
  return name === 'open' || name === 'receive' ? 'openssl-open' : undefined
}

/** What each case takes now divided by what it took before: times, and instructions where both counted them. */
export function microComparison(now: MicroReport, before: MicroReport): string[] {
  const known = new Map(before.results.map(result => [keyOf(result), result]))
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined || b === 0 ? '–' : (a / b).toFixed(3)
  const rows = now.results.flatMap(result => {
    const other = known.get(keyOf(result))
    if (other === undefined) return []
    return [[keyOf(result), ratio(result.nsLeast, other.nsLeast), ratio(result.instructions, other.instructions)]]
  })
  return table(['now divided by before', 'ns', 'instructions'], rows)
}
