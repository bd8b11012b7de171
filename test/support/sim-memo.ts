/** Remembers by name, in two generations: what nobody asked for while `entriesMax` others came is forgotten. */
export class SimMemo<V extends object> {
  readonly #entriesMax: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  find(name: string): V | undefined {
    const young = this.#young.get(name)
    if (young !== undefined) return young
    const old = this.#old.get(name)
    if (old !== undefined) this.set(name, old)
    return old
  }

  set(name: string, value: V): void {
    if (this.#young.size >= this.#entriesMax) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(name, value)
  }

  get(name: string, make: () => V): V {
    const known = this.find(name)
    if (known !== undefined) return known
    const value = make()
    this.set(name, value)
    return value
  }
}
