import type { Millis } from '../base/mod.ts'
import { ROUND_TRIPS_KEPT } from './constants.ts'

/**
 * The round-trip time of a link: the least of its last ROUND_TRIPS_KEPT. What a busy peer adds to one of them says
 * nothing of the way; a way that became longer shows when all of them are.
 */
export class RoundTrips {
  readonly #last: Millis[] = []

  /** Takes one more, in milliseconds, and returns the link's. */
  add(rttMs: Millis): Millis {
    this.#last.push(rttMs)
    if (this.#last.length > ROUND_TRIPS_KEPT) this.#last.shift()
    return Math.min(...this.#last)
  }
}
