import type { Takeover } from './takeover-record.ts'

/** What was found about takeovers, for as long as nothing changes that it rests on: there may be many, of many blocks. */
export class Verdicts {
  readonly #known = new WeakMap<Takeover, { readonly key: string; readonly verdict: boolean }>()

  of(takeover: Takeover, key: string, find: () => boolean): boolean {
    const known = this.#known.get(takeover)
    if (known?.key === key) return known.verdict
    const verdict = find()
    this.#known.set(takeover, { key, verdict })
    return verdict
  }
}
