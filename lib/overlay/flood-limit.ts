import { assert, type Millis } from '../base/mod.ts'
import { FLOOD_BURST_MS } from './constants.ts'

/**
 * How much each source may have flooded: a token bucket for each of so many sources, kept as the time at which it is full
 * again. Does not allocate after construction.
 */
export class FloodLimit {
  readonly #fullAt: Float64Array
  readonly #msPerFrame: number

  /** `perSecond`: frames; 0 for no limit. `sources`: how many are told apart. */
  constructor(perSecond: number, sources: number) {
    assert(perSecond >= 0 && sources > 0, `${perSecond} frames a second of ${sources} sources`)
    this.#fullAt = new Float64Array(perSecond === 0 ? 1 : sources)
    this.#msPerFrame = perSecond === 0 ? 0 : 1000 / perSecond
  }

  /** Takes so many frames of the source, or none; false when it had too many. Sources beyond the number share. */
  take(source: number, frames: number, now: Millis): boolean {
    if (this.#msPerFrame === 0) return true
    const slot = (source >>> 0) % this.#fullAt.length
    const from = Math.max(now, this.#fullAt[slot]!)
    if (from - now > FLOOD_BURST_MS) return false
    this.#fullAt[slot] = from + frames * this.#msPerFrame
    return true
  }
}
