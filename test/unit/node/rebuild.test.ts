import t from 'tap'
import {
  REBUILD_CALM_FACTOR,
  REBUILD_CALM_LAST_MS,
  REBUILD_REST_FACTOR,
  VIEW_CALM_MS,
  VIEW_DELAY_MS,
  WORK_PER_SLICE,
} from '../../../lib/node/constants.ts'
import { Rebuild } from '../../../lib/node/rebuild.ts'
import { WORK_PER_MS, type WorkMeter } from '../../../lib/topology/mod.ts'

/** A job of so much work, done in steps of a thousand; its result is what was there when it began. */
function world(work: number) {
  const state = { input: 0 }
  const rebuild = new Rebuild<number>(function* (meter: WorkMeter) {
    const { input } = state
    for (let done = 0; done < work; done += 1_000) {
      if (meter.work >= meter.pauseAt) yield
      meter.work += 1_000
    }
    return input
  })
  return { state, rebuild }
}

t.test('a small job is done in one slice, after the changes of a moment were gathered', async t => {
  const { state, rebuild } = world(5_000)
  t.equal(rebuild.pollTimeout(), undefined)
  rebuild.want(100)
  rebuild.want(120)
  t.equal(rebuild.pollTimeout()?.at, 100 + VIEW_DELAY_MS)
  t.equal(rebuild.handleTimeout(149), undefined)
  state.input = 7
  t.equal(rebuild.handleTimeout(150), 7)
  t.equal(rebuild.pollTimeout(), undefined)
})

t.test('a restless mesh is looked at less often, unless it is urgent, until it was calm', async t => {
  const { rebuild } = world(1_000)
  let now = 0
  for (const delayMs of [50, 100, 200, 400, 400]) {
    rebuild.want(now)
    t.equal(rebuild.pollTimeout()?.at, now + delayMs)
    now += delayMs
    rebuild.handleTimeout(now)
  }
  rebuild.want(now)
  rebuild.want(now + 10, true)
  t.equal(rebuild.pollTimeout()?.at, now + 10 + VIEW_DELAY_MS)
  now += 10 + VIEW_DELAY_MS
  rebuild.handleTimeout(now)
  rebuild.want(now + VIEW_CALM_MS)
  t.equal(rebuild.pollTimeout()?.at, now + VIEW_CALM_MS + VIEW_DELAY_MS)
})

t.test('a large job is done a slice at a time, and what changes meanwhile is for the next', async t => {
  const { state, rebuild } = world(10 * WORK_PER_SLICE)
  rebuild.want(0)
  let now = VIEW_DELAY_MS
  for (let slice = 1; slice < 10; slice++) {
    const before = rebuild.work
    t.equal(rebuild.handleTimeout(now), undefined)
    t.equal(rebuild.work - before, WORK_PER_SLICE)
    now = rebuild.pollTimeout()!.at
  }
  t.equal(now, VIEW_DELAY_MS + 9)
  state.input = 9
  rebuild.want(now)
  t.equal(rebuild.handleTimeout(now), 0, 'what was there when it began')
  const restMs = Math.min((10 * WORK_PER_SLICE * REBUILD_CALM_FACTOR) / WORK_PER_MS, REBUILD_CALM_LAST_MS)
  t.equal(rebuild.pollTimeout()?.at, now + restMs, 'then it rests')
  t.equal(rebuild.handleTimeout(now + restMs - 1), undefined)
  t.equal(rebuild.slices, 10)
})

t.test('a rest is kept also when nothing was wanted at its beginning, and is shorter for what is urgent', async t => {
  const { rebuild } = world(4 * WORK_PER_SLICE)
  rebuild.want(0)
  for (let now = VIEW_DELAY_MS; now < VIEW_DELAY_MS + 4; now++) rebuild.handleTimeout(now)
  const restMs = (factor: number) => VIEW_DELAY_MS + 3 + (4 * WORK_PER_SLICE * factor) / WORK_PER_MS
  rebuild.want(60)
  t.equal(rebuild.pollTimeout()?.at, restMs(REBUILD_CALM_FACTOR))
  rebuild.want(61, true)
  t.equal(rebuild.pollTimeout()?.at, restMs(REBUILD_REST_FACTOR))
})

t.test('what is urgent while a job is done is urgent after it', async t => {
  const { rebuild } = world(2 * WORK_PER_SLICE)
  rebuild.want(0)
  rebuild.handleTimeout(VIEW_DELAY_MS)
  rebuild.want(VIEW_DELAY_MS, true)
  rebuild.want(VIEW_DELAY_MS)
  const end = VIEW_DELAY_MS + 1
  t.equal(rebuild.handleTimeout(end), 0)
  t.equal(rebuild.pollTimeout()?.at, end + (2 * WORK_PER_SLICE * REBUILD_REST_FACTOR) / WORK_PER_MS)
})

t.test('what cannot wait is done at once, all of it, and an older job is given up', async t => {
  const { state, rebuild } = world(3 * WORK_PER_SLICE)
  rebuild.want(0)
  rebuild.handleTimeout(50)
  state.input = 4
  t.equal(rebuild.runNow(), 4)
  t.equal(rebuild.pollTimeout(), undefined)
})
