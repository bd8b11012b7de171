import t from 'tap'
import { doctorAnswer, doubt, problem, unknown, well } from '../../../lib/doctor/finding.ts'

t.test('problems come first, then warnings, in the order of the checks, and both are counted', async t => {
  const answer = doctorAnswer(
    [
      well('tcp', 'a'),
      doubt('udp', 'b', 'mend it'),
      unknown('clock', 'c'),
      problem('range', 'd', 'mend it'),
      doubt('secret', 'e', null),
      problem('daemon', 'f', 'mend it'),
    ],
    true,
  )
  t.strictSame(
    answer.findings.map(({ found }) => found),
    ['f', 'd', 'e', 'b', 'c', 'a'],
  )
  t.match(answer, { problems: 2, warnings: 2, isDaemonUp: true })
})

t.test('a finding says where it belongs', async t => {
  t.equal(well('udp', '').group, 'neighbours')
  t.equal(problem('range', '', '').group, 'host')
  t.equal(doubt('resolver', '', '').group, 'containers')
})
