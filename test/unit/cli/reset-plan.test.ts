import t from 'tap'
import { networkLine } from '../../../lib/cli/reset-plan.ts'

t.test('a reset says which networks Docker keeps, and how to remove them first', async t => {
  t.strictSame(networkLine([]), [])
  const networks = [
    { id: 'a'.repeat(64), name: 'net' },
    { id: 'b'.repeat(64), name: '' },
  ]
  t.match(networkLine(networks), [/docker network rm net bbbbbbbbbbbb`/])
})
