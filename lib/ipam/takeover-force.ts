import type { TakeoverEntry } from './takeover-entry.ts'
import type { Takeover } from './takeover-record.ts'
import { TakeoverTerms } from './takeover-terms.ts'

type Standing = Pick<TakeoverEntry, 'isInForce' | 'isRecent'>

/** Which takeovers are in force, for every block that they name; and which of them changed. */
export class TakeoverForce {
  readonly #terms: TakeoverTerms
  readonly #recentTerms: TakeoverTerms
  readonly #changed = new Map<string, Takeover>()
  #version = 0

  constructor(blockCount: number) {
    this.#terms = new TakeoverTerms(blockCount)
    this.#recentTerms = new TakeoverTerms(blockCount)
  }

  /** Grows whenever a takeover comes into force, or is so no longer. */
  get version(): number {
    return this.#version
  }

  /** The greatest term of those in force of a block; 0 when there is none. */
  termOf(block: number): number {
    return this.#terms.of(block)
  }

  /** See `TakeoverRoots`. */
  voids(term: number, block: number): boolean {
    return this.#terms.of(block) > term
  }

  replaces(term: number, block: number): boolean {
    return this.#recentTerms.of(block) > term
  }

  /** `all`: every one that is known, this one maybe among them. */
  set(entry: TakeoverEntry, standing: Standing, all: Iterable<TakeoverEntry>): void {
    const before = { isInForce: entry.isInForce, isRecent: entry.isRecent }
    if (standing.isInForce === before.isInForce && standing.isRecent === before.isRecent) return
    Object.assign(entry, standing)
    this.#version++
    const { takeover } = entry
    const others = [...all]
    for (const [which, terms] of [
      ['isInForce', this.#terms],
      ['isRecent', this.#recentTerms],
    ] as const) {
      if (standing[which] === before[which]) continue
      if (standing[which]) terms.add(takeover)
      else
        terms.remove(
          takeover,
          others.filter(one => one[which]).map(one => one.takeover),
        )
    }
    this.touch(takeover)
  }

  /** What rests on it is to be judged anew. */
  touch(takeover: Takeover): void {
    this.#changed.set(takeover.id, takeover)
  }

  takeChanged(): Takeover[] {
    const changed = [...this.#changed.values()]
    this.#changed.clear()
    return changed
  }

  clear(): void {
    this.#version++
    this.#terms.clear()
    this.#recentTerms.clear()
  }
}
