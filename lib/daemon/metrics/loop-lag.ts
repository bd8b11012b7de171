import type { Samples } from './samples.ts'

const LAG_LOOK_MS = 250
const BOUNDS_S = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]

/** How late a timer of this thread is, from when it is started: a stall as long as LAG_LOOK_MS is always seen. */
export class LoopLag {
  readonly #counts = BOUNDS_S.map(() => 0)
  #count = 0
  #sumSeconds = 0
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0

  start(): void {
    if (this.#timer !== undefined) return
    this.#dueAt = performance.now() + LAG_LOOK_MS
    this.#timer = setInterval(() => this.#look(performance.now()), LAG_LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  addTo(samples: Samples): void {
    const buckets = BOUNDS_S.map((upTo, at) => ({ upTo, count: this.#counts[at]! }))
    samples.addHistogram('weave_ts_event_loop_lag_seconds', buckets, { count: this.#count, sum: this.#sumSeconds })
  }

  #look(now: number): void {
    const lateSeconds = Math.max(0, now - this.#dueAt) / 1000
    this.#dueAt = now + LAG_LOOK_MS
    this.#count++
    this.#sumSeconds += lateSeconds
    BOUNDS_S.forEach((bound, at) => {
      if (lateSeconds <= bound) this.#counts[at]!++
    })
  }
}
