import t from 'tap'
import { compareTable } from '../../../scripts/bench/compare.ts'
import { MEASURES, STEPS, type Values } from '../../../scripts/bench/measures.ts'
import { reportOf, type ReportRow } from '../../../scripts/bench/report.ts'
import { chosenSystems, SYSTEMS } from '../../../scripts/bench/systems.ts'
import { medianTable, ratioTable, spreadTable } from '../../../scripts/bench/tables.ts'

const machine = { processor: 'x', cores: 2, memoryGib: 4, kernel: '6.1', node: '20.0.0' }

function row(system: string, values: Values, where: ReportRow['where'] = 'containers'): ReportRow {
  return { system, what: system, where, values }
}

function report(...rows: readonly ReportRow[]) {
  const load = { before: 0, after: 0 }
  return reportOf({ at: '2026-01-01T00:00:00.000Z', machine, rounds: 3, secondsEach: 1, load, rows, failures: [] })
}

const cells = (line: string | undefined) =>
  (line ?? '')
    .split('|')
    .map(text => text.trim())
    .slice(1, -1)

t.test('shows medians in their units, and a dash where nothing was measured', t => {
  const lines = medianTable(
    report(row('ours', { tcp: [3e9, 5e9, 4e9], ping: [0.25] }), row('theirs', { tcp: [1e9] }, 'hosts')),
  )
  t.strictSame(lines.map(cells), [
    ['system', 'TCP 1, Gb/s', 'ping, ms'],
    ['-'.repeat('theirs (hosts)'.length), `${'-'.repeat(10)}:`, `${'-'.repeat(7)}:`],
    ['ours', '4.00', '0.250'],
    ['theirs (hosts)', '1.00', '–'],
  ])
  t.end()
})

t.test('shows how far rounds lie apart', t => {
  t.strictSame(cells(spreadTable(report(row('ours', { tcp: [3e9, 5e9, 4e9] }))).at(-1)), ['ours', '50'])
  t.end()
})

t.test('divides by what others have between containers, and leaves out who is not there', t => {
  const both = report(
    row('ours', { tcp: [4e9] }),
    row('theirs', { tcp: [9e9] }, 'hosts'),
    row('theirs', { tcp: [2e9] }),
  )
  const [head, , line] = ratioTable(both, 'ours', ['theirs', 'absent'])
  t.strictSame(cells(head), ['ours divided by', 'theirs'])
  t.strictSame(cells(line), ['TCP 1, Gb/s (more is better)', '2.00'])
  t.strictSame(ratioTable(both, 'nobody', ['theirs']), [])
  t.end()
})

t.test('calls only that better or worse which lies farther apart than the rounds do', t => {
  const before = report(row('ours', { tcp: [1e9, 1.1e9], ping: [1, 1.1], loaded: [1, 3] }), row('gone', { tcp: [1] }))
  const now = report(row('ours', { tcp: [2e9, 2.2e9], ping: [2, 2.2], loaded: [2, 2.2] }), row('new', { tcp: [1] }))
  const [head, , ...rows] = compareTable(now, before).map(cells)
  t.strictSame(head, ['system', 'TCP 1, Gb/s', 'ping, ms', 'loaded, ms'])
  t.strictSame(rows, [['ours', '2.00 +', '2.00 -', '1.05']])
  t.end()
})

t.test('chooses systems by name, by the beginning of names, and else the main ones', t => {
  const names = (text: string) => chosenSystems(text).systems.map(({ name }) => name)
  t.strictSame(names('veth, nebula'), ['veth', 'nebula'])
  t.strictSame(names('ceiling:*'), ['ceiling:aes', 'ceiling:chacha'])
  t.equal(names('*').length, SYSTEMS.length)
  t.ok(names('').includes('weave-ts'))
  t.notOk(names('').includes('weave-ts:no-offloads'))
  t.strictSame(chosenSystems('veth nebular').unknown, ['nebular'])
  t.end()
})

t.test('every step gives a measure, and no name stands for two', t => {
  t.strictSame(
    STEPS.filter(step => !MEASURES.some(measure => measure.step === step)),
    [],
  )
  for (const texts of [MEASURES.map(({ key }) => key), MEASURES.map(({ title, unit }) => `${title}, ${unit}`)])
    t.equal(new Set<string>(texts).size, texts.length)
  t.equal(new Set(SYSTEMS.map(({ name }) => name)).size, SYSTEMS.length)
  t.end()
})
