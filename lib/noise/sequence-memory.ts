/** Starts of the remote that are remembered. */
const INCARNATIONS_MAX = 4

/** The highest initiation seen of each of the last few incarnations of a remote peer. */
export class SequenceMemory {
  readonly #highest = new Map<string, number>()

  isFresh(incarnation: string, sequence: number): boolean {
    return sequence > (this.#highest.get(incarnation) ?? 0)
  }

  /** Notes one that was answered. The live incarnation is never the one to be forgotten. */
  note(incarnation: string, sequence: number, live: string | undefined): void {
    this.#highest.delete(incarnation)
    this.#highest.set(incarnation, sequence)
    for (const old of this.#highest.keys()) {
      if (this.#highest.size <= INCARNATIONS_MAX) break
      if (old !== live) this.#highest.delete(old)
    }
  }
}
