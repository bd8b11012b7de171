import type { Millis } from '../base/mod.ts'

const NANOS_PER_MILLI = 1_000_000n

/** The monotonic clock in whole milliseconds; the same for every thread and process of this boot. */
export function monotonicMillis(): Millis {
  return Number(process.hrtime.bigint() / NANOS_PER_MILLI)
}
