import t from 'tap'
import { chart } from '../../../scripts/bench/chart.ts'
import { withFigures } from '../../../scripts/bench/page.ts'
import { reportOf } from '../../../scripts/bench/report.ts'

const machine = { processor: 'x', cores: 2, memoryGib: 4, kernel: '6.1', node: '20.0.0' }
const rows = [
  { system: 'ours', what: '', where: 'containers' as const, values: { tcp: [2e9, 4e9, 3e9] } },
  { system: 'theirs <&>', what: '', where: 'containers' as const, values: { tcp: [1e9] } },
  { system: 'hosts', what: '', where: 'hosts' as const, values: { tcp: [9e9] } },
]
const load = { before: 0, after: 0 }
const report = reportOf({ at: '2026-01-01T00:00:00Z', machine, rounds: 3, secondsEach: 1, load, rows, failures: [] })

t.test('draws a bar of the median and a line from the least to the largest', t => {
  const drawing = chart(report, 'a title', ['tcp', 'ping'], 'ours')!
  t.equal(drawing.match(/<rect class="own"/g)?.length, 1)
  t.equal(drawing.match(/<rect class="bar"/g)?.length, 1)
  t.match(drawing, /<rect class="own" x="162" y="\d+" width="180\.0"/)
  t.match(drawing, /d="M282\.0 \d+H402\.0"/)
  t.match(drawing, />3\.00</)
  t.match(drawing, />theirs &lt;&amp;></)
  t.notMatch(drawing, 'hosts')
  t.equal(chart(report, 'nothing', ['ping'], 'ours'), undefined)
  t.end()
})

t.test('puts figures between the marks and leaves what is around them', t => {
  const page = '# Title\n\n<!-- figures: written by `make bench-page` -->\n\nold\n\n<!-- end of figures -->\n\nnotes\n'
  const written = withFigures(page, ['new', ''])
  t.equal(written, page.replace('old', 'new'))
  t.equal(withFigures(written, ['new']), written)
  t.throws(() => withFigures('# Title\n', []), /no lines/)
  t.end()
})
