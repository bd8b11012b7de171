import { table } from '../scale-table.ts'
import { MEASURES } from './measures.ts'
import { labelOf, type Report } from './report.ts'
import { median, spread } from './statistics.ts'
import { ratioText } from './tables.ts'

/** Beyond what the rounds of either report lie apart. */
const MARKS = { more: ['better', 'worse'], less: ['worse', 'better'] } as const

/**
 * Medians of `now` divided by those of `before`, for rows that both have. `+` is better, `-` is worse, and only where the
 * medians lie farther apart than the rounds of either.
 */
export function compareTable(now: Report, before: Report): string[] {
  const pairs = now.rows.flatMap(row => {
    const other = before.rows.find(({ system, where }) => system === row.system && where === row.where)
    return other === undefined ? [] : [{ row, other }]
  })
  const used = MEASURES.filter(({ key }) =>
    pairs.some(({ row, other }) => row.values[key] !== undefined && other.values[key] !== undefined),
  )
  const cells = pairs.map(({ row, other }) => [
    labelOf(row),
    ...used.map(({ key, better }) => {
      const text = ratioText(row, other, key)
      const mark = markOf(row.values[key] ?? [], other.values[key] ?? [], better)
      return mark === '' ? text : `${text} ${mark}`
    }),
  ])
  return table(['system', ...used.map(({ title, unit }) => `${title}, ${unit}`)], cells)
}

function markOf(now: readonly number[], before: readonly number[], better: 'more' | 'less'): '' | '+' | '-' {
  const a = median(now)
  const b = median(before)
  const noise = Math.max(spread(now) ?? 0, spread(before) ?? 0)
  if (a === undefined || b === undefined || b === 0 || Math.abs(a / b - 1) <= noise) return ''
  return MARKS[better][a > b ? 0 : 1] === 'better' ? '+' : '-'
}
