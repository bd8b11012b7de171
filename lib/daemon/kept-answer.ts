import type { Millis } from '../base/mod.ts'
import { STATUS_KEPT_FACTOR } from './constants.ts'

/**
 * An answer that costs milliseconds in a large mesh. It is given again for some times as long as it took to make, so whoever
 * asks, however often, takes at most a part of the time.
 */
export class KeptAnswer<T> {
  readonly #make: (now: Millis) => T
  readonly #now: () => Millis
  #kept: { readonly answer: T; readonly until: Millis } | undefined

  constructor(make: (now: Millis) => T, now: () => Millis) {
    this.#make = make
    this.#now = now
  }

  /** Made anew, or still good. */
  current(): T {
    const begun = this.#now()
    if (this.#kept !== undefined && begun < this.#kept.until) return this.#kept.answer
    const answer = this.#make(begun)
    const now = this.#now()
    this.#kept = { answer, until: now + STATUS_KEPT_FACTOR * (now - begun) }
    return answer
  }

  /** Something was changed. */
  forget(): void {
    this.#kept = undefined
  }
}
