import fc from 'fast-check'
import t from 'tap'
import { MEASURED_MEMORY_BYTES, MeasuredCounter, measuredCounts } from '../../../lib/overlay/measured-counter.ts'
import { DATAGRAM_KIND } from '../../../lib/wire/datagram.ts'
import { MEASURED_AT, MEASURE_KIND, encodeMeasured } from '../../../lib/wire/measure-message.ts'
import { expectDrop, setUp } from './forwarder-fixture.ts'

const token = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1)

function datagram(number: number, sentAt: number, bytes = 40): Uint8Array {
  const made = encodeMeasured(MEASURE_KIND.measured, token, bytes, sentAt)
  new DataView(made.buffer).setUint32(MEASURED_AT.number, number, true)
  return made
}

function counter(beganAt = 0) {
  const clock = { micros: beganAt }
  const memory = new SharedArrayBuffer(MEASURED_MEMORY_BYTES)
  const counting = new MeasuredCounter(token, memory, () => clock.micros)
  const take = (number: number, sentAt: number, at: number) => {
    clock.micros = at
    const bytes = datagram(number, sentAt)
    return counting.take(bytes, 0, bytes.length)
  }
  return { take, counting, counts: () => measuredCounts(memory) }
}

t.test('counts what comes, what is late, and from the first to the last', async t => {
  const { take, counts } = counter(5_000)
  for (const [number, at] of [
    [0, 6_000],
    [2, 7_000],
    [1, 8_000],
    [3, 9_500],
  ] as const)
    t.ok(take(number, at, at))
  t.strictSame(counts(), { received: 4, reordered: 1, jitterMicros: 0, spanMicros: 3_500 })
})

t.test('jitter is how the transit differs from one burst to the next, over the wrap of the clock', async t => {
  const { take, counts } = counter()
  const first = 2 ** 32 - 1_000
  for (let burst = 0; burst < 400; burst++) {
    const sentAt = first + burst * 2_000
    // The transit goes to and fro by 800 microseconds.
    const at = 10 + burst * 2_000 + (burst % 2) * 800
    for (let i = 0; i < 3; i++) take(burst * 3 + i, sentAt >>> 0, at + i)
  }
  t.ok(Math.abs(counts().jitterMicros - 800) < 10, `${counts().jitterMicros}`)
  const even = counter()
  for (let i = 0; i < 100; i++) even.take(i, (first + i * 1_000) >>> 0, 77 + i * 1_000)
  t.equal(even.counts().jitterMicros, 0, 'clocks that differ make none')
})

t.test('takes only what has its token, whatever comes', async t => {
  const { counting, counts } = counter()
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => !counting.take(bytes, 0, bytes.length)))
  const bytes = datagram(0, 0)
  t.notOk(counting.take(bytes, 0, 19), 'too short')
  t.equal(counts().received, 0)
})

t.test('a forwarder keeps test datagrams from the main thread, and drops them where nobody counts', async t => {
  const { forwarder, lane, inward, controls } = setUp()
  const row = { frame: datagram(0, 0), kind: DATAGRAM_KIND.control, from: 1 }
  inward(row)
  expectDrop(t, lane, 'measure-unasked')
  const memory = new ArrayBuffer(MEASURED_MEMORY_BYTES)
  forwarder.measured = new MeasuredCounter(token, memory, () => 0)
  const other = encodeMeasured(MEASURE_KIND.measured, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 40, 0)
  inward(row, row, { ...row, frame: other })
  t.equal(measuredCounts(memory).received, 2)
  expectDrop(t, lane, 'measure-unasked', 2)
  t.same(controls, [])
})
