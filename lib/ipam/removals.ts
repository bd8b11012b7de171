import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { TakeoverEntry } from './takeover-entry.ts'
import { progressOf, type TakeoverProgress } from './takeover-progress.ts'
import type { Takeover } from './takeover-record.ts'
import type { TakeoverRules } from './takeover-rules.ts'
import type { TakeoverVotes } from './takeover-votes.ts'

/** Who is gone, or was and came back, by the takeovers that are known. */
export class Removals {
  readonly #entries: ReadonlyMap<string, TakeoverEntry>
  readonly #votes: TakeoverVotes
  readonly #rules: TakeoverRules
  /** Bounded by the takeovers that are known, as long as it is taken after each input. */
  #undone = new Set<PeerId>()

  constructor(entries: ReadonlyMap<string, TakeoverEntry>, votes: TakeoverVotes, rules: TakeoverRules) {
    this.#entries = entries
    this.#votes = votes
    this.#rules = rules
  }

  /** Takeovers of what a peer owned; not what it made a new root for itself. */
  of(victim: PeerId): TakeoverProgress[] {
    return this.#ofOthers(victim).map(entry => progressOf(entry, this.#votes))
  }

  /** Of these those that count: settled, or such that they may be. */
  standing(victim: PeerId, now: Millis): TakeoverProgress[] {
    return this.#standing(this.#ofOthers(victim), now)
  }

  /** Of all peers those that count, as an operator is shown them: not what nobody will agree to, as far as this peer knows. */
  allStanding(now: Millis): TakeoverProgress[] {
    const ofOthers = [...this.#entries.values()].filter(({ takeover }) => takeover.author !== takeover.victim)
    return this.#standing(ofOthers, now)
  }

  /** True when the peer is gone by a settled takeover, and did not come back. */
  isRemoved(peer: PeerId): boolean {
    return this.#rules.of(peer).some(entry => this.#removes(entry))
  }

  /** Who is removed. */
  removed(): Set<PeerId> {
    return new Set([...this.#entries.values()].filter(entry => this.#removes(entry)).map(one => one.takeover.victim))
  }

  /**
   * What became of the victim of each settled takeover: it is gone; it agreed, so has been back; or it is still reached, and
   * one or the other will come.
   */
  *outcomes(): Iterable<{
    readonly id: string
    readonly victim: PeerId
    readonly victimIs: 'gone' | 'back' | 'there'
  }> {
    for (const entry of this.#entries.values()) {
      const { id, author, victim } = entry.takeover
      if (!entry.isSettled || author === victim) continue
      const isBack = this.#votes.hasAgreed(victim, id)
      yield { id, victim, victimIs: isBack ? 'back' : this.#removes(entry) ? 'gone' : 'there' }
    }
  }

  /** Victims of settled takeovers that agreed to them: they have been back since, and may be gone again. */
  returned(): Set<PeerId> {
    const found = new Set<PeerId>()
    for (const { isSettled, takeover } of this.#entries.values())
      if (isSettled && takeover.author !== takeover.victim && this.#votes.hasAgreed(takeover.victim, takeover.id))
        found.add(takeover.victim)
    return found
  }

  /** A settled one counts no longer, and may be forgotten. */
  undo({ author, victim }: Takeover): void {
    if (author !== victim) this.#undone.add(victim)
  }

  /** Victims of takeovers that were settled, and were so no longer, since the last call. */
  takeUndone(): ReadonlySet<PeerId> {
    const undone = this.#undone
    if (undone.size > 0) this.#undone = new Set()
    return undone
  }

  /** Nothing is known of the mesh any more. */
  clear(): void {
    this.#undone.clear()
  }

  #standing(entries: readonly TakeoverEntry[], now: Millis): TakeoverProgress[] {
    const standing = entries.filter(entry => entry.isSettled || this.#rules.isPromising(entry, now))
    return standing.map(entry => progressOf(entry, this.#votes))
  }

  #ofOthers(victim: PeerId): TakeoverEntry[] {
    return this.#rules.of(victim).filter(({ takeover }) => takeover.author !== victim)
  }

  #removes({ isSettled, takeover: { id, author, victim } }: TakeoverEntry): boolean {
    if (!isSettled || author === victim || this.#votes.presence.isReached(victim)) return false
    // Who agreed to it has returned since, and is a member as before.
    return !this.#votes.hasAgreed(victim, id)
  }
}
