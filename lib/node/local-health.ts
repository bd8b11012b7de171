import type { Millis } from '../base/mod.ts'
import { HEALTH_CALM_MS, HEALTH_SCORE_MAX, STALL_MS } from './constants.ts'

/**
 * How well this process itself keeps time (Lifeguard's local health). Who wakes late hears late: what it misses of others
 * may be its own fault, so it is slow to suspect them.
 */
export class LocalHealth {
  #score = 0
  #changedAt: Millis = 0
  #attendedAt: Millis = 0
  #dueAt: Millis | undefined

  /** How many times as long as usual others are waited for: 1 … 1 + HEALTH_SCORE_MAX / 2. */
  get patience(): number {
    return 1 + this.#score / 2
  }

  /** The process is to be woken at that time, at the latest. */
  expect(at: Millis | undefined): void {
    this.#dueAt = at === undefined ? undefined : Math.max(at, this.#attendedAt)
  }

  /** The process does something. Returns how long it was not there although it was to be woken; 0 when it was. */
  attend(now: Millis): Millis {
    const lateMs = now - (this.#dueAt ?? now)
    this.#dueAt = undefined
    this.#attendedAt = now
    if (lateMs >= STALL_MS) {
      this.#set(Math.min(this.#score + 1, HEALTH_SCORE_MAX), now)
      return lateMs
    }
    if (this.#score > 0 && now - this.#changedAt >= HEALTH_CALM_MS) this.#set(this.#score - 1, now)
    return 0
  }

  #set(score: number, now: Millis): void {
    this.#score = score
    this.#changedAt = now
  }
}
