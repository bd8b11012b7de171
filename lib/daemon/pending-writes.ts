type Put = readonly [string, Uint8Array]

/** What the disk refused and will be asked for again: the last word for each key. */
export class PendingWrites {
  readonly #changes = new Map<string, Uint8Array | undefined>()
  #byteCount = 0

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  /** Of keys and values. */
  get byteCount(): number {
    return this.#byteCount
  }

  get puts(): Put[] {
    return [...this.#changes].filter((change): change is [string, Uint8Array] => change[1] !== undefined)
  }

  get deletes(): string[] {
    return [...this.#changes].filter(([, value]) => value === undefined).map(([key]) => key)
  }

  /** Takes one write up, behind the earlier ones. A key in both is deleted. */
  add(puts: Iterable<Put>, deletes: Iterable<string>): void {
    for (const [key, value] of puts) this.#set(key, value)
    for (const key of deletes) this.#set(key, undefined)
  }

  clear(): void {
    this.#changes.clear()
    this.#byteCount = 0
  }

  #set(key: string, value: Uint8Array | undefined): void {
    if (this.#changes.has(key)) this.#byteCount -= key.length + (this.#changes.get(key)?.length ?? 0)
    this.#changes.set(key, value)
    this.#byteCount += key.length + (value?.length ?? 0)
  }
}
