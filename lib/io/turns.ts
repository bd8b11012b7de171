/** What one turn of the event loop may take of what neighbours sent, before timers and other sockets have theirs. */
export const TURN_MS_MAX = 10
/** So often one of those who wait has its go in one turn. */
export const TURN_GOES_MAX = 4

/**
 * Shares the main thread among those who have work that others sent them: each has one go after the other, and after
 * some milliseconds the event loop has a turn for everything else.
 */
export class Turns {
  readonly #waiting = new Set<() => boolean>()
  readonly #clock: () => number
  #isScheduled = false

  /** `clock`: milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Calls `go` in a later turn, and again as long as it returns true; once in the queue, it is not taken in twice. */
  add(go: () => boolean): void {
    this.#waiting.add(go)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      try {
        this.#turn()
      } finally {
        this.#schedule()
      }
    })
  }

  #turn(): void {
    const until = this.#clock() + TURN_MS_MAX
    for (let round = 0; round < TURN_GOES_MAX; round++) {
      for (const go of [...this.#waiting]) {
        // Out first: whoever has more is last then.
        this.#waiting.delete(go)
        if (go()) this.#waiting.add(go)
        if (this.#clock() >= until) return
      }
    }
  }
}
