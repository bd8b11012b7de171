import { REPLAY_COUNTER_HIGH_MAX, REPLAY_WINDOW_BITS, REPLAY_WINDOW_USABLE } from './constants.ts'

const WORDS = REPLAY_WINDOW_BITS / 32
const WORD_MASK = WORDS - 1

/**
 * Which counters of a session were received (RFC 6479, with WireGuard's sizes): a ring of bits, cleared word by word as
 * the highest counter grows, never shifted. A counter is a pair of unsigned 32-bit halves, below 2^60.
 */
export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS)
  #high = 0
  #low = 0
  #isEmpty = true

  /** True for a counter that is neither seen nor too old. Changes nothing: the datagram is not authenticated yet. */
  check(high: number, low: number): boolean {
    if (high >= REPLAY_COUNTER_HIGH_MAX) return false
    const ahead = this.#ahead(high, low)
    if (ahead > 0) return true
    if (ahead < -REPLAY_WINDOW_USABLE) return false
    return (this.#words[(low >>> 5) & WORD_MASK]! & (1 << (low & 31))) === 0
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
    this.#words[(low >>> 5) & WORD_MASK]! |= 1 << (low & 31)
    return true
  }

  /** How far above the highest counter; exact wherever it is compared with the window's size. */
  #ahead(high: number, low: number): number {
    if (this.#isEmpty) return 1
    return (high - this.#high) * 0x1_0000_0000 + (low - this.#low)
  }

  #clear(low: number, ahead: number): void {
    const word = this.#low >>> 5
    const count = ahead >= REPLAY_WINDOW_BITS - 32 ? WORDS : ((low >>> 5) - word) & WORD_MASK
    for (let i = 1; i <= count; i++) this.#words[(word + i) & WORD_MASK] = 0
  }
}
