import { assert } from './assert.ts'

/** A first-in first-out queue that refuses what exceeds its limit. */
export class BoundedQueue<T> {
  readonly limit: number
  #items: T[] = []
  #head = 0
  #refused = 0

  constructor(limit: number) {
    assert(limit > 0, 'a queue needs room')
    this.limit = limit
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  /** How many items were refused for want of room. */
  get refused(): number {
    return this.#refused
  }

  push(item: T): boolean {
    if (this.size >= this.limit) {
      this.#refused++
      return false
    }
    this.#items.push(item)
    return true
  }

  shift(): T | undefined {
    if (this.#head >= this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined as T
    this.#head++
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
