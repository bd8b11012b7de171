import { Heap } from './heap.ts'
import type { Millis } from './seams.ts'

interface Entry {
  readonly at: Millis
  readonly key: string
  readonly order: number
}

/** Deadlines that were moved or cancelled wait in the heap, up to so many more than there are live ones. */
const STALE_ENTRIES_MAX = 64

/**
 * Named deadlines on virtual time: one per key, setting a key again moves it. Equal deadlines leave in the order set.
 */
export class Timers {
  #heap = new Heap<Entry>(leavesFirst)
  readonly #live = new Map<string, Entry>()
  #order = 0

  get size(): number {
    return this.#live.size
  }

  /** Entries in memory, those that were moved or cancelled included: at most twice `size` and a constant. */
  get heldEntries(): number {
    return this.#heap.size
  }

  set(key: string, at: Millis): void {
    const entry = { at, key, order: this.#order++ }
    this.#live.set(key, entry)
    this.#heap.push(entry)
    if (this.#heap.size > 2 * this.#live.size + STALE_ENTRIES_MAX) this.#forgetStale()
  }

  has(key: string): boolean {
    return this.#live.has(key)
  }

  at(key: string): Millis | undefined {
    return this.#live.get(key)?.at
  }

  cancel(key: string): void {
    this.#live.delete(key)
  }

  next(): { at: Millis; reason: string } | undefined {
    for (;;) {
      const top = this.#heap.peek()
      if (top === undefined) return undefined
      if (this.#live.get(top.key) === top) return { at: top.at, reason: top.key }
      this.#heap.pop()
    }
  }

  /** Removes and returns the next key whose deadline is not after `now`. */
  popDue(now: Millis): string | undefined {
    const next = this.next()
    if (next === undefined || next.at > now) return undefined
    this.#heap.pop()
    this.#live.delete(next.reason)
    return next.reason
  }

  #forgetStale(): void {
    this.#heap = new Heap<Entry>(leavesFirst)
    for (const entry of this.#live.values()) this.#heap.push(entry)
  }
}

function leavesFirst(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** The earliest of several machines' next deadlines. */
export function soonest(
  parts: Iterable<{ readonly at: Millis; readonly reason: string } | undefined>,
): { at: Millis; reason: string } | undefined {
  let first: { at: Millis; reason: string } | undefined
  for (const part of parts) if (part !== undefined && (first === undefined || part.at < first.at)) first = part
  return first
}
