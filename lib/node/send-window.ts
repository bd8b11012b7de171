import type { Millis } from '../base/mod.ts'
import { TAKEN_SPAN } from '../wire/mod.ts'
import {
  DATAGRAM_DELAY_MS,
  DATAGRAM_LEAST_SPAN_MS,
  DATAGRAM_WINDOW_KEPT_MAX,
  DATAGRAM_WINDOW_KEPT_MIN,
  DATAGRAM_WINDOW_FIRST_BYTES,
  DATAGRAM_WINDOW_MAX_BYTES,
  DATAGRAM_WINDOW_MIN_BYTES,
} from './constants.ts'

interface Flight {
  /** How much had been sent with it. */
  readonly upTo: number
  readonly sentAt: Millis
}

/**
 * How many bytes of datagrams may be under way on one link, so that control messages find its queues short (as LEDBAT,
 * RFC 6817, keeps behind other traffic): the window grows while they are taken about as soon as at rest, and shrinks
 * when that takes DATAGRAM_DELAY_MS longer.
 */
export class SendWindow {
  #bytes = DATAGRAM_WINDOW_FIRST_BYTES
  #sent = 0
  #taken = 0
  readonly #flights: Flight[] = []
  #leastMs = Infinity
  #leastSince: Millis | undefined
  /** Until so much is taken nothing is added to it. */
  #emptyUpTo = 0
  #shrunkUpTo = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Whether one more message may go now. One always may when nothing is under way. */
  hasRoom(bytes: number): boolean {
    const underWay = this.#sent - this.#taken
    if (this.#taken < this.#emptyUpTo) return false
    return underWay === 0 || underWay + bytes <= this.#bytes
  }

  noteSent(bytes: number, now: Millis): void {
    this.#sent += bytes
    this.#flights.push({ upTo: this.#sent, sentAt: now })
  }

  /** The far side says how many bytes it has taken in all, modulo 2^32. False when that cannot be. */
  handleTaken(total: number, now: Millis): boolean {
    const news = (((total - this.#taken) % TAKEN_SPAN) + TAKEN_SPAN) % TAKEN_SPAN
    if (news > this.#sent - this.#taken) return false
    this.#taken += news
    let last: Flight | undefined
    while (this.#flights[0] !== undefined && this.#flights[0].upTo <= this.#taken) last = this.#flights.shift()
    if (last !== undefined && last.upTo > this.#emptyUpTo) this.#adapt(news, now - last.sentAt, now)
    return true
  }

  #adapt(news: number, tookMs: Millis, now: Millis): void {
    this.#leastSince ??= now
    if (now - this.#leastSince >= DATAGRAM_LEAST_SPAN_MS) {
      this.#leastSince = undefined
      this.#leastMs = Infinity
      this.#emptyUpTo = this.#sent
      return
    }
    this.#leastMs = Math.min(this.#leastMs, tookMs)
    const queuedMs = tookMs - this.#leastMs
    if (queuedMs < DATAGRAM_DELAY_MS / 2) this.#bytes = Math.min(DATAGRAM_WINDOW_MAX_BYTES, this.#bytes + news)
    else if (queuedMs > DATAGRAM_DELAY_MS && this.#taken > this.#shrunkUpTo) {
      // Once for all that is under way now: it was sent by the larger window.
      const kept = Math.max(DATAGRAM_WINDOW_KEPT_MIN, Math.min(DATAGRAM_WINDOW_KEPT_MAX, DATAGRAM_DELAY_MS / queuedMs))
      this.#bytes = Math.max(DATAGRAM_WINDOW_MIN_BYTES, Math.floor(this.#bytes * kept))
      this.#shrunkUpTo = this.#sent
    }
  }
}
