import type { Chance, Millis } from './seams.ts'

export const BEAT_MS = 1_000
/** Beats from one to the next of those that a peer at rest keeps to. */
const REST_BEATS = 2

/**
 * When what need not be punctual is done, all of it together: waking up costs a process more than the work. Each peer
 * has a beat of its own, so that not all of them work at one moment.
 */
export class Beat {
  readonly #phaseMs: Millis

  constructor(chance: Chance) {
    this.#phaseMs = Math.floor(BEAT_MS * chance())
  }

  /** The first beat that is not before this time. */
  after(at: Millis): Millis {
    return this.#first(at, BEAT_MS)
  }

  /** The same for what has a second more: the first of every other beat, on which all such things fall together. */
  resting(at: Millis): Millis {
    return this.#first(at, REST_BEATS * BEAT_MS)
  }

  /** The first beat that is after this time: who is woken on a beat a little late has the next one all the same. */
  next(now: Millis): Millis {
    return this.after(Math.floor(now) + 1)
  }

  #first(at: Millis, everyMs: Millis): Millis {
    return Math.ceil((at - this.#phaseMs) / everyMs) * everyMs + this.#phaseMs
  }
}
