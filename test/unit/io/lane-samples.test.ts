import t from 'tap'
import type { LaneOrder } from '../../../lib/io/lane-messages.ts'
import { LaneSamples } from '../../../lib/io/lane-samples.ts'
import { FRAME_SAMPLES_MAX } from '../../../lib/overlay/mod.ts'

const tally = (seen: number) => ({ talks: [], others: { frames: 0, bytes: 0 }, seen })

t.test('a sample is what all lanes saw', async t => {
  const orders: LaneOrder[] = []
  const samples = new LaneSamples(2, order => void orders.push(order))
  const ended = samples.begin()!.end()
  const { id } = orders[0] as { id: number }
  t.strictSame(orders, [
    { kind: 'sample', id },
    { kind: 'end-sample', id },
  ])
  samples.handle(id + 1, tally(99))
  samples.handle(id, tally(1))
  samples.handle(id, tally(2))
  t.equal((await ended).seen, 3)
})

t.test('so many are taken at once, and one that has ended makes room', async t => {
  const samples = new LaneSamples(1, () => undefined)
  const begun = Array.from({ length: FRAME_SAMPLES_MAX }, () => samples.begin()!)
  t.equal(samples.begin(), undefined)
  const ended = begun[0]!.end()
  samples.handle(1, tally(0))
  await ended
  t.ok(samples.begin())
})

t.test('the end of the lanes ends what is waited for', async t => {
  const samples = new LaneSamples(2, () => undefined)
  const [one, other] = [samples.begin()!, samples.begin()!]
  const ended = one.end()
  samples.handle(1, tally(5))
  samples.stop()
  t.equal((await ended).seen, 5, 'by what came')
  t.equal((await other.end()).seen, 0)
})
