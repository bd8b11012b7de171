import t from 'tap'
import { AskingPlan, QUESTION_NAMES } from '../../../lib/page/asking-plan.ts'

/** Everything was asked at 0, and answered 10 ms later. */
function begun(): AskingPlan {
  const plan = new AskingPlan()
  for (const name of plan.take(0)) plan.done(name, true, 10)
  return plan
}

t.test('all is asked at first, and nothing twice at once', async t => {
  const plan = new AskingPlan()
  t.strictSame(plan.take(0), QUESTION_NAMES)
  t.strictSame(plan.take(1), [])
  t.equal(plan.next(), undefined)
})

t.test('each has its own pace', async t => {
  const plan = begun()
  t.equal(plan.next(), 2_000)
  t.strictSame(plan.take(1_999), [])
  t.strictSame(plan.take(2_000), ['status', 'graph'])
  for (const name of ['status', 'graph'] as const) plan.done(name, true, 2_005)
  t.strictSame(plan.take(10_000).sort(), ['containers', 'graph', 'history', 'ipam', 'status'])
})

t.test('news hasten what may have changed, once for many, and doctor not too often', async t => {
  const plan = begun()
  plan.news(1_000)
  plan.news(1_001)
  t.strictSame(plan.take(1_002).sort(), ['containers', 'graph', 'ipam', 'status'])
  plan.news(1_003)
  for (const name of ['status', 'graph', 'containers', 'ipam'] as const) plan.done(name, true, 1_010)
  t.equal(plan.next(), 1_252, 'what was under way is asked again, after a gap')
  t.strictSame(plan.take(1_252).length, 4)
  for (const name of ['status', 'graph', 'containers', 'ipam'] as const) plan.done(name, true, 1_260)
  t.notOk(plan.take(29_999).includes('doctor'))
  t.ok(plan.take(30_000).includes('doctor'))
})

t.test('a daemon whose answers take long is asked more rarely, and one that does not answer is not', async t => {
  const plan = new AskingPlan()
  plan.take(0)
  plan.done('status', true, 500)
  plan.done('graph', false, 500)
  t.equal(plan.next(), 2_000)
  t.strictSame(plan.take(2_000), ['graph'])
  t.strictSame(plan.take(10_499), [])
  t.strictSame(plan.take(10_500), ['status'])
})

t.test('what is wanted is asked now', async t => {
  const plan = begun()
  plan.want('doctor', 100)
  t.strictSame(plan.take(100), ['doctor'])
  plan.want('doctor', 110)
  plan.done('doctor', true, 200)
  t.notOk(plan.take(300).includes('doctor'), 'it was under way already')
})
