import type { Millis } from '../base/mod.ts'
import { LOSS_PROBES_MAX, LOSS_PROBES_MIN, LOSS_SPAN_MS, PROBE_ANSWER_MAX_MS } from './constants.ts'

/** A probe over the way that frames take. */
export interface LossSample {
  readonly sentAt: Millis
  isAnswered: boolean
}

/** How many of the probes over one way were not answered of late. */
export class PathLoss {
  #samples: LossSample[] = []

  /** One more was sent; whoever gets its answer marks it. */
  add(now: Millis): LossSample {
    const sample = { sentAt: now, isAnswered: false }
    this.#samples.push(sample)
    if (this.#samples.length > LOSS_PROBES_MAX) this.#samples.shift()
    return sample
  }

  /** What is sent from now on goes another way. */
  clear(): void {
    this.#samples = []
  }

  /** Of the last minute, in whole percent; undefined while there were too few to say. */
  percent(now: Millis): number | undefined {
    const recent = this.#samples.filter(({ sentAt }) => now - sentAt < LOSS_SPAN_MS)
    // What was sent just now may be answered yet.
    const known = recent.filter(({ sentAt, isAnswered }) => isAnswered || now - sentAt >= PROBE_ANSWER_MAX_MS)
    if (known.length < LOSS_PROBES_MIN) return undefined
    return Math.round((100 * known.filter(({ isAnswered }) => !isAnswered).length) / known.length)
  }
}
