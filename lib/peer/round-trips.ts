import type { Millis } from '../base/mod.ts'
import { ROUND_TRIPS_KEPT } from './constants.ts'

/**
 * The round-trip time of a link: the least of its last ROUND_TRIPS_KEPT. What a busy peer adds to one of them says
 * nothing of the way; a way that became longer shows when all of them are.
 */
export class RoundTrips {
  readonly #last: Millis[] = []
  #ownLeastMs: Millis = Infinity

  /** Takes one that the far side measured and told: never below the least that was measured here, for it may be a lie. */
  told(rttMs: Millis): Millis {
    return this.#keep(Math.max(rttMs, this.#ownLeastMs))
  }

  /** Takes one that was measured here, in milliseconds, and returns the link's. */
  add(rttMs: Millis): Millis {
    this.#ownLeastMs = Math.min(rttMs, this.#ownLeastMs)
    return this.#keep(rttMs)
  }

  #keep(rttMs: Millis): Millis {
    this.#last.push(rttMs)
    if (this.#last.length > ROUND_TRIPS_KEPT) this.#last.shift()
    return Math.min(...this.#last)
  }
}
