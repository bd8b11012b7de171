import { readFileSync } from 'node:fs'
import type { Values } from './measures.ts'

const FORMAT = 1

/** The machine, as far as a reader of figures needs it. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
}

/** One line of one system. */
export interface ReportRow {
  readonly system: string
  readonly what: string
  readonly where: 'hosts' | 'containers'
  readonly values: Values
}

export interface Report {
  readonly format: typeof FORMAT
  /** When it began, ISO 8601. */
  readonly at: string
  readonly machine: Machine
  readonly rounds: number
  readonly secondsEach: number
  /** Load averages over a minute: before anything was started, and at the end. */
  readonly load: { readonly before: number; readonly after: number }
  readonly rows: readonly ReportRow[]
  /** What went wrong, in words. */
  readonly failures: readonly string[]
}

export function reportOf(fields: Omit<Report, 'format'>): Report {
  return { format: FORMAT, ...fields }
}

/** Throws where the file holds no report of this format. */
export function readReport(path: string): Report {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report
  if (!Array.isArray(report.rows)) throw new Error(`${path} holds no report of make bench`)
  if (report.format !== FORMAT) throw new Error(`${path} has format ${String(report.format)}, needed is ${FORMAT}`)
  return report
}

/** The name of a row: that of its system, and where its ends are. */
export function labelOf({ system, where }: ReportRow): string {
  return where === 'hosts' ? `${system} (hosts)` : system
}
