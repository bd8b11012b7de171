import t from 'tap'
import { column, duration, labelled } from '../../../lib/cli/table.ts'

t.test('durations are short', t => {
  for (const [seconds, text] of [
    [0, '0s'],
    [0.4, '0s'],
    [59.4, '59s'],
    [59.6, '1m'],
    [130, '2m10s'],
    [3_600, '1h0m'],
    [11_100, '3h5m'],
    [200_000, '55h33m'],
  ] as const)
    t.equal(duration(seconds), text)
  t.end()
})

t.test('columns are filled and never cut', t => {
  t.equal(column('ab', 4), 'ab  ')
  t.equal(column('abcdef', 4), 'abcdef')
  t.equal(labelled('Peers', 3), '          Peers: 3')
  t.end()
})
