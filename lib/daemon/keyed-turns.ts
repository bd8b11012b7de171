/** One change at a time for each key, in the order of the calls. */
export class KeyedTurns {
  readonly #turns = new Map<string, Promise<unknown>>()

  /** True while a change of that key is under way or waits. */
  has(key: string): boolean {
    return this.#turns.has(key)
  }

  async take<T>(key: string, change: () => Promise<T>): Promise<T> {
    const previous = this.#turns.get(key) ?? Promise.resolve()
    const turn = previous.then(change)
    const ended = turn.catch(() => undefined)
    this.#turns.set(key, ended)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === ended) this.#turns.delete(key)
    }
  }
}
