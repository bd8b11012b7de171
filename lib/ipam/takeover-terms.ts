import { blocksIn } from './stretches.ts'
import type { Takeover } from './takeover-record.ts'

/** Per block, the greatest term of some takeovers: titles with a lesser one are worth nothing. */
export class TakeoverTerms {
  readonly #terms: Uint32Array

  constructor(blockCount: number) {
    this.#terms = new Uint32Array(blockCount)
  }

  /** 0 for none. */
  of(block: number): number {
    return this.#terms[block]!
  }

  add({ runs, term }: Pick<Takeover, 'runs' | 'term'>): void {
    for (const block of blocksIn(runs)) if (this.#terms[block]! < term) this.#terms[block] = term
  }

  /** `rest`: those that still count. */
  remove({ runs }: Pick<Takeover, 'runs'>, rest: Iterable<Pick<Takeover, 'runs' | 'term'>>): void {
    for (const { first, count } of runs) this.#terms.fill(0, first, first + count)
    for (const other of rest) this.add(other)
  }

  clear(): void {
    this.#terms.fill(0)
  }
}
