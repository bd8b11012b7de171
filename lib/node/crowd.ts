import type { Millis } from '../base/mod.ts'
import { CROWD_GAP_FIRST_MS, CROWD_GAP_LAST_MS, EAGER_LINKS_MAX } from './constants.ts'

/**
 * When a peer with many edges of the tree says so to one of them. It pushes each record as many times, where others
 * push none; who has a link to somebody else may take that for its edge. Asked is one at a time, ever more seldom while
 * nobody moves.
 */
export class Crowd {
  #askAt: Millis | undefined
  #gapMs = CROWD_GAP_FIRST_MS
  #asked = Infinity

  get askAt(): Millis | undefined {
    return this.#askAt
  }

  /** There are so many eager links now. */
  changed(eager: number, now: Millis): void {
    if (eager <= EAGER_LINKS_MAX) {
      this.#askAt = undefined
      this.#gapMs = CROWD_GAP_FIRST_MS
    } else this.#askAt ??= now + this.#gapMs
  }

  /** True when one of so many eager links is to be asked now. */
  take(eager: number, now: Millis): boolean {
    // Neighbours may have gone meanwhile.
    this.changed(eager, now)
    if (this.#askAt === undefined || now < this.#askAt) return false
    this.#gapMs = eager < this.#asked ? CROWD_GAP_FIRST_MS : Math.min(2 * this.#gapMs, CROWD_GAP_LAST_MS)
    this.#asked = eager
    this.#askAt = now + this.#gapMs
    return true
  }
}
