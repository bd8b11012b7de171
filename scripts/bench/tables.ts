import { table } from '../scale-table.ts'
import { MEASURES, type Measure, type MeasureKey } from './measures.ts'
import { labelOf, type Report, type ReportRow } from './report.ts'
import { median, spread } from './statistics.ts'

const headOf = ({ title, unit }: Measure) => `${title}, ${unit}`

/** Medians of all rounds, one row for each line. A measure that no row has gets no column. */
export function medianTable(report: Report): string[] {
  return tableOf(report, (row, measure) => medianText(row, measure))
}

/** How far the rounds lie apart: largest less least, in % of the median. */
export function spreadTable(report: Report): string[] {
  return tableOf(report, (row, { key }) => {
    const share = spread(row.values[key as MeasureKey] ?? [])
    return share === undefined ? '–' : (share * 100).toFixed(0)
  })
}

/**
 * What `row` has, divided by what each of the others has: above 1 is better where more is better, below 1 where less is.
 * Named by the systems; those without a row are left out.
 */
export function ratioTable(report: Report, name: string, others: readonly string[]): string[] {
  const rowOf = (system: string) => report.rows.find(row => row.system === system && row.where === 'containers')
  const own = rowOf(name)
  const found = others.flatMap(other => rowOf(other) ?? [])
  if (own === undefined || found.length === 0) return []
  const cells = MEASURES.filter(({ key }) => own.values[key] !== undefined).map(measure => [
    `${headOf(measure)} (${measure.better} is better)`,
    ...found.map(other => ratioText(own, other, measure.key)),
  ])
  return table([`${name} divided by`, ...found.map(({ system }) => system)], cells)
}

export function ratioText(own: ReportRow, other: ReportRow, key: MeasureKey): string {
  const a = median(own.values[key] ?? [])
  const b = median(other.values[key] ?? [])
  return a === undefined || b === undefined || b === 0 ? '–' : (a / b).toFixed(2)
}

export function medianText(row: ReportRow, { key, scale, digits }: Measure): string {
  const value = median(row.values[key as MeasureKey] ?? [])
  return value === undefined ? '–' : (value / scale).toFixed(digits)
}

function tableOf(report: Report, cell: (row: ReportRow, measure: Measure) => string): string[] {
  const used = MEASURES.filter(({ key }) => report.rows.some(row => row.values[key] !== undefined))
  const rows = report.rows.map(row => [labelOf(row), ...used.map(measure => cell(row, measure))])
  return table(['system', ...used.map(headOf)], rows)
}
