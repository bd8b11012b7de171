import { BoundedMap, type Chance, type Millis } from '../base/mod.ts'

/** A probe that was sent, with what its sender wants to know when it is answered. */
export type SentProbe<T> = T & { readonly sentAt: Millis }

const NONE_TAKEN: ReadonlySet<number> = new Set()

/** A number that nobody guesses whom the probe did not reach. `taken`: those that it is to be none of. */
export function drawToken(chance: Chance, taken: { has(token: number): boolean } = NONE_TAKEN): number {
  for (;;) {
    const token = Math.floor(chance() * 0x1_0000_0000)
    if (!taken.has(token)) return token
  }
}

/** Probes whose answers are awaited, by token; the oldest is forgotten first. */
export class PathProbes<T extends object> {
  readonly #chance: Chance
  readonly #probes: BoundedMap<number, SentProbe<T>>

  constructor(chance: Chance, limit: number) {
    this.#chance = chance
    this.#probes = new BoundedMap(limit)
  }

  /** The token of one more. */
  add(probe: T, now: Millis): number {
    const token = drawToken(this.#chance)
    this.#probes.set(token, { ...probe, sentAt: now })
    return token
  }

  /** The probe that is answered; undefined when nobody asked, or it was answered before. */
  take(token: number): SentProbe<T> | undefined {
    const probe = this.#probes.get(token)
    this.#probes.delete(token)
    return probe
  }

  /** Whether one of those that are awaited is such. */
  some(isSuch: (probe: SentProbe<T>) => boolean): boolean {
    for (const probe of this.#probes.entries.values()) if (isSuch(probe)) return true
    return false
  }

  clear(): void {
    this.#probes.clear()
  }
}
