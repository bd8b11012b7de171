import { REPLAY_COUNTER_HIGH_MAX, REPLAY_WINDOW_BITS, REPLAY_WINDOW_REFILLED } from './constants.ts'

/**
 * Which counters of a session were received (RFC 6479, four times WireGuard's size): a ring of bits, cleared word by word as
 * the highest counter grows, never shifted. A counter is a pair of unsigned 32-bit halves, below 2^60.
 */
export class ReplayWindow {
  readonly #words: Uint32Array
  #high = 0
  #low = 0
  #isEmpty = true

  /** `bits`: a power of two. */
  constructor(bits = REPLAY_WINDOW_BITS) {
    this.#words = new Uint32Array(bits / 32)
  }

  /** How far below the highest counter one can be accepted. */
  get usable(): number {
    return 32 * this.#words.length - REPLAY_WINDOW_REFILLED
  }

  /** True for a counter that is neither seen nor too old. Changes nothing: the datagram is not authenticated yet. */
  check(high: number, low: number): boolean {
    if (high >= REPLAY_COUNTER_HIGH_MAX) return false
    const ahead = this.#ahead(high, low)
    if (ahead > 0) return true
    if (ahead < -this.usable) return false
    return (this.#words[(low >>> 5) & this.#mask]! & (1 << (low & 31))) === 0
  }

  /** Marks the counter of an authenticated datagram; false when it must be dropped after all, as `check` says. */
  accept(high: number, low: number): boolean {
    if (!this.check(high, low)) return false
    const ahead = this.#ahead(high, low)
    if (ahead > 0) {
      this.#clear(low, ahead)
      this.#high = high
      this.#low = low
      this.#isEmpty = false
    }
    this.#words[(low >>> 5) & this.#mask]! |= 1 << (low & 31)
    return true
  }

  get #mask(): number {
    return this.#words.length - 1
  }

  /** How far above the highest counter; exact wherever it is compared with the window's size. */
  #ahead(high: number, low: number): number {
    if (this.#isEmpty) return 1
    return (high - this.#high) * 0x1_0000_0000 + (low - this.#low)
  }

  #clear(low: number, ahead: number): void {
    const word = this.#low >>> 5
    const { length } = this.#words
    const count = ahead >= 32 * (length - 1) ? length : ((low >>> 5) - word) & this.#mask
    for (let i = 1; i <= count; i++) this.#words[(word + i) & this.#mask] = 0
  }
}
