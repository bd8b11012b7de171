import { BoundedMap, type Millis } from '../base/mod.ts'

/** What was seen, and when: `since` is the first of those that came each within the time that it is shown. */
export type Sighting<Facts> = Facts & { readonly since: Millis; readonly lastAt: Millis }

/**
 * What comes again and again, to be logged once and shown while it lasts: what is not seen for `shownMs` is over, and new
 * when it comes again. Bounded: what was seen least recently goes first.
 */
export class Sightings<Facts extends object> {
  readonly #seen: BoundedMap<string, Sighting<Facts>>
  readonly #shownMs: number

  /** `limit`: so many are remembered. */
  constructor(limit: number, shownMs: number) {
    this.#seen = new BoundedMap(limit)
    this.#shownMs = shownMs
  }

  /** The facts replace those that were noted under this key. True when it is new. */
  note(key: string, facts: Facts, now: Millis): boolean {
    const before = this.#seen.get(key)
    const isNew = before === undefined || !this.#lasts(before, now)
    this.#seen.set(key, { ...facts, since: isNew ? now : before.since, lastAt: now })
    return isNew
  }

  /** Those that last, the one that was seen least recently first. */
  report(now: Millis): readonly Sighting<Facts>[] {
    return [...this.#seen.entries.values()].filter(one => this.#lasts(one, now))
  }

  #lasts({ lastAt }: Sighting<Facts>, now: Millis): boolean {
    return now - lastAt < this.#shownMs
  }
}
