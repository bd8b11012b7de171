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
  t.strictSame(plan.take(2_000), ['graph'])
  plan.done('graph', true, 2_005)
  t.strictSame(plan.take(4_000), ['graph', 'status'])
  for (const name of ['graph', 'status'] as const) plan.done(name, true, 4_005)
  t.strictSame(plan.take(10_000), ['graph', 'status', 'containers', 'history'])
  t.strictSame(plan.take(60_000), ['ipam'])
  t.strictSame(plan.take(120_000), ['doctor'])
})

t.test('news hasten what may have changed, once for many, and what costs more not too often', async t => {
  const plan = begun()
  plan.news(1_000)
  plan.news(1_001)
  t.strictSame(plan.take(1_002), ['graph', 'status', 'containers'])
  plan.news(1_003)
  for (const name of ['graph', 'status', 'containers'] as const) plan.done(name, true, 1_010)
  t.equal(plan.next(), 1_252, 'what was under way is asked again, after a gap')
  t.strictSame(plan.take(1_252), ['graph', 'status'])
  for (const name of ['graph', 'status'] as const) plan.done(name, true, 1_260)
  t.notOk(plan.take(9_999).includes('ipam'))
  t.ok(plan.take(10_000).includes('ipam'))
  t.notOk(plan.take(29_999).includes('doctor'))
  t.ok(plan.take(30_000).includes('doctor'))
})

t.test('a daemon whose answers take long is asked more rarely, and one that does not answer is not', async t => {
  const plan = new AskingPlan()
  plan.take(0)
  plan.done('graph', true, 200)
  plan.done('status', false, 200)
  t.equal(plan.next(), 4_000)
  t.strictSame(plan.take(4_000), ['status'])
  t.strictSame(plan.take(10_199), [])
  t.strictSame(plan.take(10_200), ['graph'])
})

t.test('what is wanted is asked now', async t => {
  const plan = begun()
  plan.want('doctor', 100)
  t.strictSame(plan.take(100), ['doctor'])
  plan.want('doctor', 110)
  plan.done('doctor', true, 200)
  t.notOk(plan.take(300).includes('doctor'), 'it was under way already')
})
