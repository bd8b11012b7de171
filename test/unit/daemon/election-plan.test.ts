import t from 'tap'
import { electionPlanOf } from '../../../lib/daemon/election-plan.ts'

t.test('the ways to decide who founds', t => {
  t.strictSame(electionPlanOf('consensus=5'), { type: 'consensus', size: 5 })
  t.strictSame(electionPlanOf('seed=h1,h2'), { type: 'seed', names: ['h1', 'h2'] })
  t.strictSame(electionPlanOf('observer'), { type: 'observer' })
  t.end()
})

for (const text of [
  '',
  'consensus',
  'consensus=0',
  'consensus=513',
  'consensus=1.5',
  'seed=',
  'seed',
  'observer=1',
  'all',
])
  t.test(`${JSON.stringify(text)} is refused`, t => {
    t.throws(() => electionPlanOf(text), { code: 'CONFIG_INVALID', message: /^--ipalloc-init / })
    t.end()
  })
