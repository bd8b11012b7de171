import { assert } from './assert.ts'
import type { Millis } from './seams.ts'

/**
 * A rate with a burst: full at first, it refills continuously. Time that goes backwards refills nothing.
 */
export class TokenBucket {
  readonly capacity: number
  readonly ratePerSecond: number
  #tokens: number
  #at: Millis | undefined

  /** `capacity`: the largest burst. `ratePerSecond`: how many tokens come back each second. Both above 0. */
  constructor(capacity: number, ratePerSecond: number) {
    assert(capacity > 0 && ratePerSecond > 0, `a bucket of ${capacity} with ${ratePerSecond} per second`)
    this.capacity = capacity
    this.ratePerSecond = ratePerSecond
    this.#tokens = capacity
  }

  /** Takes all of `amount` (0 or more), or nothing. False when so much is not there. */
  take(amount: number, now: Millis): boolean {
    this.#refill(now)
    if (amount > this.#tokens) return false
    this.#tokens -= amount
    return true
  }

  available(now: Millis): number {
    this.#refill(now)
    return this.#tokens
  }

  /**
   * When `take` of so much will succeed if nothing else is taken: `now` if it would at once. More than the capacity
   * never succeeds; for that it is when the bucket is full.
   */
  nextAt(amount: number, now: Millis): Millis {
    this.#refill(now)
    const missing = Math.min(amount, this.capacity) - this.#tokens
    return missing <= 0 ? now : this.#at! + Math.ceil((missing * 1000) / this.ratePerSecond)
  }

  #refill(now: Millis): void {
    if (this.#at === undefined) this.#at = now
    if (now <= this.#at) return
    this.#tokens = Math.min(this.capacity, this.#tokens + ((now - this.#at) * this.ratePerSecond) / 1000)
    this.#at = now
  }
}
