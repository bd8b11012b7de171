import fc from 'fast-check'
import t from 'tap'
import { MEASURED_BURST_MAX } from '../../../lib/overlay/constants.ts'
import { Gauge, type GaugeOrder } from '../../../lib/overlay/gauge.ts'
import { SendPace } from '../../../lib/overlay/send-pace.ts'
import { MEASURED_OVERHEAD_BYTES } from '../../../lib/wire/measure-message.ts'

const ORDER: GaugeOrder = {
  ...{ peerIndex: 7, isRaw: false, token: new Uint8Array(8).fill(3) },
  ...{ datagramBytes: 1_000, bytesPerSecond: 1_000_000, ms: 100 },
}

t.test('never more than the rate is due, and all of it when nothing pauses', async t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 125, max: 125_000_000 }),
      fc.integer({ min: 64, max: 9_000 }),
      fc.array(fc.integer({ min: 0, max: 50_000 }), { maxLength: 200 }),
      (bytesPerSecond, datagramBytes, gaps) => {
        const ms = 1_000
        const pace = new SendPace({ bytesPerSecond, datagramBytes, ms }, 5)
        let [now, sent] = [5, 0]
        for (const gap of gaps) {
          now += gap
          const due = pace.due(now)
          sent += due
          const passed = Math.min(now - 5, ms * 1_000)
          if (due > MEASURED_BURST_MAX || sent * datagramBytes > (bytesPerSecond * passed) / 1_000_000) return false
        }
        return true
      },
    ),
  )
  const pace = new SendPace(ORDER, 0)
  let sent = 0
  for (let now = 0; now <= 100_000; now += 1_000) sent += pace.due(now)
  t.equal(sent, 100)
  t.notOk(pace.isOver(99_999))
  t.ok(pace.isOver(100_000))
})

t.test('a gauge sends what is due, numbered on, and ends by itself', async t => {
  const clock = { micros: 0 }
  const calls: number[][] = []
  let begun = 0
  const gauge = new Gauge({
    plane: () => ({
      sendMeasured: (peer, body, first, count) => {
        calls.push([peer, body.length, first, count])
        // The kernel takes all but one.
        return count - 1
      },
      countMeasured: () => ({ counts: () => ({ ...ZERO, received: 5 }), end: () => undefined }),
    }),
    nowMicros: () => clock.micros,
    onSending: () => begun++,
  })
  const ZERO = { received: 0, reordered: 0, jitterMicros: 0, spanMicros: 0 }
  t.equal(gauge.nextTickMs, undefined)
  gauge.send(ORDER)
  t.equal(begun, 1)
  for (clock.micros of [0, 10_000, 10_400, 50_000]) gauge.tick()
  const body = 1_000 - MEASURED_OVERHEAD_BYTES
  t.strictSame(calls, [
    [7, body, 0, 10],
    [7, body, 10, 40],
  ])
  t.equal(gauge.sent, 48)
  t.equal(gauge.nextTickMs, 1)
  clock.micros = 200_000
  gauge.tick()
  t.strictSame(calls[2], [7, body, 50, 50])
  t.notOk(gauge.isSending)
  t.equal(gauge.nextTickMs, undefined)
  t.strictSame(gauge.counts(), ZERO)
  gauge.count(ORDER.token, false)
  t.equal(gauge.counts().received, 5)
  gauge.endCounting()
  t.strictSame(gauge.counts(), ZERO)
})
