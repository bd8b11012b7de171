import type { Service } from './service.ts'

/** Its first turn comes within the start, which is not over then; the second comes when it is. */
const FIRST_TURN = 1
/** Turns from one release to the next: ten minutes. */
const TURNS_BETWEEN = 20

/** Gives back memory that the start needed, once it is over; and every ten minutes what was needed now and then since. */
export class LeanMemory implements Service {
  readonly name = 'lean-memory'
  readonly #release: () => void
  #turn = 0

  constructor(release: () => void) {
    this.#release = release
  }

  async reconcile(): Promise<void> {
    if (this.#turn++ % TURNS_BETWEEN === FIRST_TURN) this.#release()
  }
}
