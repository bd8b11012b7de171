import t from 'tap'
import { LoopLag } from '../../../lib/daemon/metrics/loop-lag.ts'
import { Samples } from '../../../lib/daemon/metrics/samples.ts'
import { waitFor } from '../../support/testbed-command.ts'

function seen(lag: LoopLag) {
  const samples = new Samples()
  lag.addTo(samples)
  const [[, values] = []] = [...samples.families()]
  const value = (suffix: string, le?: string) =>
    values!.find(one => one.suffix === suffix && (le === undefined || one.labels['le'] === le))!.value
  return {
    count: value('_count'),
    sum: value('_sum'),
    all: value('_bucket', '+Inf'),
    upTo: (le: string) => value('_bucket', le),
  }
}

t.test('a stall of the main thread is counted above its length, and stays counted', async t => {
  const lag = new LoopLag()
  t.teardown(() => lag.stop())
  t.equal(seen(lag).count, 0, 'nobody looks before it is started')
  lag.start()
  lag.start()
  await waitFor('a look', 5_000, () => seen(lag).count > 0)
  const before = seen(lag)
  const until = performance.now() + 600
  while (performance.now() < until);
  await waitFor('the next look', 5_000, () => seen(lag).count > before.count)
  const after = seen(lag)
  t.ok(after.sum - before.sum >= 0.34, `${after.sum - before.sum} s late`)
  t.ok(after.all - after.upTo('0.2') > before.all - before.upTo('0.2'), 'it was later than 0.2 s')
  t.equal(after.all, after.count)
  t.ok(after.upTo('5') >= after.upTo('0.01'), 'buckets hold what smaller ones do')
})
