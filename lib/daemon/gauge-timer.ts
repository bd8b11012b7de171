import { Gauge, type DataPlane } from '../overlay/mod.ts'

/** A gauge on the data plane, driven by a timer of this thread while it sends. */
export function timedGauge(plane: () => DataPlane): Gauge {
  let isTicking = false
  const gauge: Gauge = new Gauge({
    plane,
    nowMicros: () => performance.now() * 1_000,
    onSending: () => {
      // An order that follows another finds its timer.
      if (isTicking) return
      isTicking = true
      setImmediate(run)
    },
  })
  const run = () => {
    gauge.tick()
    isTicking = gauge.nextTickMs !== undefined
    if (isTicking) setTimeout(run, gauge.nextTickMs).unref()
  }
  return gauge
}
