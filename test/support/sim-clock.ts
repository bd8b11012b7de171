import { Heap, type Millis } from '../../lib/base/mod.ts'

interface Due {
  readonly at: Millis
  readonly order: number
  readonly run: () => void
}

/** Virtual time: what is due first runs first, of equals what was planned first. */
export class SimClock {
  readonly #heap = new Heap<Due>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  #now: Millis
  #order = 0

  constructor(start: Millis = 0) {
    this.#now = start
  }

  get now(): Millis {
    return this.#now
  }

  get planned(): number {
    return this.#heap.size
  }

  at(time: Millis, run: () => void): void {
    this.#heap.push({ at: Math.max(Math.round(time), this.#now), order: this.#order++, run })
  }

  after(waitMs: number, run: () => void): void {
    this.at(this.#now + waitMs, run)
  }

  /** Runs what is due up to a time, which it then is. */
  runTo(time: Millis): void {
    for (let next = this.#heap.peek(); next !== undefined && next.at <= time; next = this.#heap.peek()) {
      this.#heap.pop()
      this.#now = next.at
      next.run()
    }
    this.#now = Math.max(this.#now, time)
  }
}
