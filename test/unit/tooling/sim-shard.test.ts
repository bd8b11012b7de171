import { extname } from 'node:path'
import t from 'tap'
import type { ScaleOrder, ScaleRun } from '../../../scripts/scale-run.ts'
import { playTogether } from '../../support/sim-team-start.ts'

const PROGRAM = new URL(`../../../scripts/scale-run${extname(import.meta.url)}`, import.meta.url).href

/** What two runs of one seed have in common, however many threads there are. */
function figuresOf(run: ScaleRun): unknown {
  const times = new Set(['cpuSeconds', 'wallSeconds', 'residentBytes'])
  return JSON.parse(JSON.stringify(run, (key, value: unknown) => (times.has(key) ? undefined : value)))
}

void t.test('a mesh lives through the same in one thread and in two', async t => {
  const order: ScaleOrder = { peers: 8, seed: 3, steadyMinutes: 1, isTold: false }
  const [one, two] = [
    await playTogether<ScaleOrder, ScaleRun>(PROGRAM, order, 1),
    await playTogether<ScaleOrder, ScaleRun>(PROGRAM, order, 2),
  ]
  t.ok(
    one.agreedMs !== undefined && one.killed.agreedMs !== undefined,
    'they agree after the start, and after the loss',
  )
  t.equal(one.broadcast.reached, order.peers - 1)
  t.same(figuresOf(two), figuresOf(one))
})
