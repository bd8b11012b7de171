import t from 'tap'
import type { FindingView } from '../../../lib/api/mod.ts'
import { renderDoctor } from '../../../lib/cli/render-doctor.ts'

function finding(verdict: FindingView['verdict'], check: string, remedy: string | null = null): FindingView {
  return { check, verdict, group: 'host', peer: null, found: `it is ${verdict}`, remedy }
}

function answer(...findings: FindingView[]) {
  const count = (verdict: string) => findings.filter(one => one.verdict === verdict).length
  return { schemaVersion: 1, isDaemonUp: true, problems: count('problem'), warnings: count('warning'), findings }
}

t.test('what to do stands below what was found, and the counts at the end', async t => {
  const text = renderDoctor(
    answer(finding('problem', 'range', 'choose another'), finding('warning', 'status'), finding('ok', 'tun')),
  )
  t.equal(
    text,
    [
      'PROBLEM: range: it is problem',
      '     do: choose another',
      'warning: status: it is warning',
      '     ok: tun: it is ok',
      '',
      '1 problem, 1 warning, 1 of 3 well',
    ].join('\n'),
  )
})

t.test('of many neighbours that are well some are shown, of those in trouble all', async t => {
  const lines = renderDoctor(
    answer(
      ...Array.from({ length: 5 }, () => finding('problem', 'udp', 'mend it')),
      ...Array.from({ length: 5 }, () => finding('ok', 'udp')),
    ),
  ).split('\n')
  t.equal(lines.filter(line => line.startsWith('PROBLEM: ')).length, 5)
  t.equal(lines.filter(line => line === '     ok: udp: it is ok').length, 3)
  t.ok(lines.includes('     ok: udp: 2 more are well'))
  t.equal(lines.at(-1), '5 problems, 0 warnings, 5 of 10 well')
  t.match(renderDoctor(answer(finding('ok', 'udp'))), /^no problem, 0 warnings, 1 of 1 well$/m)
})
