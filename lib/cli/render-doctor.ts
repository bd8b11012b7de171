import type { DoctorAnswer, FindingView } from '../api/mod.ts'
import { counted } from '../base/mod.ts'

/** Of one check so many are shown that are well, with a mesh of hundreds in mind. */
const WELL_SHOWN_MAX = 3

const MARKS: Readonly<Record<FindingView['verdict'], string>> = {
  problem: 'PROBLEM',
  warning: 'warning',
  unknown: 'unknown',
  ok: '     ok',
}

/** What was found, a line each, and what to do below it; problems first, and how many at the end. */
export function renderDoctor({ problems, warnings, findings }: DoctorAnswer): string {
  const wellOf = new Map<string, number>()
  const lines = findings.flatMap(({ check, verdict, found, remedy }) => {
    if (verdict === 'ok') {
      const count = (wellOf.get(check) ?? 0) + 1
      wellOf.set(check, count)
      if (count > WELL_SHOWN_MAX) return []
    }
    return [`${MARKS[verdict]}: ${check}: ${found}`, ...(remedy === null ? [] : [`     do: ${remedy}`])]
  })
  const more = [...wellOf].flatMap(([check, count]) =>
    count > WELL_SHOWN_MAX
      ? [`${MARKS.ok}: ${check}: ${counted(count - WELL_SHOWN_MAX, 'more is', 'more are')} well`]
      : [],
  )
  const well = findings.filter(({ verdict }) => verdict === 'ok').length
  const summary = `${problems === 0 ? 'no problem' : counted(problems, 'problem')}, ${counted(warnings, 'warning')}, ${well} of ${findings.length} well`
  return [...lines, ...more, '', summary].join('\n')
}
