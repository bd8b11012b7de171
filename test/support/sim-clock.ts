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

  /** When the next is due; undefined when nothing is planned. */
  get next(): Millis | undefined {
    return this.#heap.peek()?.at
  }

  get planned(): number {
    return this.#heap.size
  }

  /** `order`: below 0 for what comes before all that is planned without one, the least first. */
  at(time: Millis, run: () => void, order = this.#order++): void {
    this.#heap.push({ at: Math.max(Math.round(time), this.#now), order, run })
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
