import type { Service } from './service.ts'

/** Its first turn comes within the start, which is not over then; the second comes when it is. */
const FIRST_TURN = 1
/** Turns from one release to the next, at most: ten minutes. */
const TURNS_BETWEEN_MAX = 20

/**
 * Gives back memory that the start needed, once it is over, and what was needed since: at first soon again, for a mesh comes
 * together in the minutes after a start, then every ten minutes.
 */
export class LeanMemory implements Service {
  readonly name = 'lean-memory'
  readonly #release: () => void
  #turn = 0
  #nextAt = FIRST_TURN
  #turnsBetween = 1

  constructor(release: () => void) {
    this.#release = release
  }

  async reconcile(): Promise<void> {
    if (this.#turn++ < this.#nextAt) return
    this.#release()
    this.#nextAt += this.#turnsBetween
    this.#turnsBetween = Math.min(2 * this.#turnsBetween, TURNS_BETWEEN_MAX)
  }
}
