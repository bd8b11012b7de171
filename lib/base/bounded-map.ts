import { assert } from './assert.ts'

/** A map that forgets: to make room, what was set least recently goes. */
export class BoundedMap<K, V> {
  readonly limit: number
  readonly #entries = new Map<K, V>()

  constructor(limit: number) {
    assert(limit > 0, 'a map needs room')
    this.limit = limit
  }

  /** What is held, the one that was set least recently first. */
  get entries(): ReadonlyMap<K, V> {
    return this.#entries
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Returns what went for it, if anything did. */
  set(key: K, value: V): { readonly key: K; readonly value: V } | undefined {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.limit) return undefined
    for (const [oldest, gone] of this.#entries) {
      this.#entries.delete(oldest)
      return { key: oldest, value: gone }
    }
    return undefined
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }
}
