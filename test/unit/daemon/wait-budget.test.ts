import t from 'tap'
import { waitBudget } from '../../../lib/daemon/wait-budget.ts'

t.test('all requests together wait as long as they may, and none for less than nothing', t => {
  let now = 1_000.25
  const left = waitBudget(500, () => now)
  t.equal(left(), 500)
  now += 300.4
  t.equal(left(), 200)
  now += 900
  t.equal(left(), 0)
  t.end()
})

t.test('without a time the node decides', t => {
  t.equal(waitBudget(undefined)(), undefined)
  t.end()
})
