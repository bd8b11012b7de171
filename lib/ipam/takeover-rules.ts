import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { ACK_AFTER_MS, FAMILIAR_AFTER_MS } from './constants.ts'
import type { Register } from './register.ts'
import { overlap, type TakeoverEntry } from './takeover-entry.ts'
import type { Takeover } from './takeover-record.ts'
import type { TakeoverVotes } from './takeover-votes.ts'

export interface TakeoverRuleParts {
  readonly self: PeerId
  /** All that are known, by id. */
  readonly entries: ReadonlyMap<string, TakeoverEntry>
  readonly votes: TakeoverVotes
  /** The register in force of a block. */
  readonly registerOf: (block: number) => Register | undefined
}

/** When a takeover is agreed to, counts, and is taken back (docs/protocol.md §10.5). */
export class TakeoverRules {
  readonly #parts: TakeoverRuleParts

  constructor(parts: TakeoverRuleParts) {
    this.#parts = parts
  }

  /** Takeovers of what a peer owned. */
  of(victim: PeerId): TakeoverEntry[] {
    return [...this.#parts.entries.values()].filter(({ takeover }) => takeover.victim === victim)
  }

  /** True when it may be settled now. */
  mayCount(entry: TakeoverEntry): boolean {
    const { votes } = this.#parts
    if (this.#isObjected(entry)) return false
    // Two parts of a mesh that each removed the other's peers may both have settled one: registers tell which counts.
    if (votes.isWitnessed(entry.takeover)) return true
    return votes.hasMajority(entry.takeover) && !this.#isOvertaken(entry.takeover, entry.takeover.term)
  }

  /** True when this peer agrees to it now. */
  mayAgree(entry: TakeoverEntry, now: Millis): boolean {
    const { self, votes } = this.#parts
    const { takeover, isSettled } = entry
    if (isSettled) return true
    const { victim, author } = takeover
    const { electorate } = votes
    if (author === self || victim === self || !electorate.isReached(author)) return false
    if (victim !== author) {
      const since = electorate.lostSince(victim)
      if (electorate.isReached(victim) || (since !== undefined && now - since < ACK_AFTER_MS)) return false
    }
    if (!this.#fits(takeover) || this.#isOvertaken(takeover)) return false
    return !this.#rivals(entry).some(rival => votes.hasOwn(rival.takeover.id) && !this.#isAuthorGone(rival))
  }

  /**
   * An own one that is not settled gives way to one of a lesser id, to a settled one, and to the victim's return; to
   * that even when it is, if this peer alone saw a majority, which is none with those who came back.
   */
  mustWithdraw(entry: TakeoverEntry): boolean {
    const { self, votes } = this.#parts
    const { takeover, isSettled, publishers } = entry
    const { electorate } = votes
    if (takeover.author !== self || !publishers.has(self)) return false
    const isBack = takeover.victim !== self && electorate.isReached(takeover.victim)
    if (isSettled) return isBack && !votes.hasMajority(takeover) && !votes.isWitnessed(takeover)
    if (votes.isWitnessed(takeover)) return false
    if (isBack) return true
    if ((!takeover.isForced && !this.#fits(takeover)) || this.#isOvertaken(takeover)) return true
    return this.#rivals(entry).some(
      ({ takeover: other }) => other.id < takeover.id && electorate.isReached(other.author),
    )
  }

  /** This peer is said to be gone by one that reached it all the time. */
  #isObjected({ takeover, seenAt }: TakeoverEntry): boolean {
    const { self, votes } = this.#parts
    if (takeover.victim !== self || takeover.author === self) return false
    const since = votes.electorate.reachedSince(takeover.author)
    return since !== undefined && seenAt - since > FAMILIAR_AFTER_MS
  }

  /** True when all its blocks are the victim's, as far as this peer knows, and its term is one more than theirs. */
  #fits({ runs, victim, term }: Takeover): boolean {
    let greatest = runs.length === 0 ? term - 1 : 0
    for (const { first, count } of runs) {
      for (let block = first; block < first + count; block++) {
        const register = this.#parts.registerOf(block)
        if (register?.owner !== victim) return false
        greatest = Math.max(greatest, register.term)
      }
    }
    return term === greatest + 1
  }

  /** True when another one of the same blocks is settled that is not older; of no greater term than `termMax`. */
  #isOvertaken(takeover: Takeover, termMax = Infinity): boolean {
    for (const { takeover: other, isSettled } of this.#parts.entries.values()) {
      if (!isSettled || other.id === takeover.id || other.term < takeover.term || other.term > termMax) continue
      if (overlap(other, takeover)) return true
    }
    return false
  }

  /** Others of the same blocks that are not settled. */
  #rivals({ takeover }: TakeoverEntry): TakeoverEntry[] {
    return [...this.#parts.entries.values()].filter(
      other => other.takeover.id !== takeover.id && !other.isSettled && overlap(other.takeover, takeover),
    )
  }

  #isAuthorGone({ takeover }: TakeoverEntry): boolean {
    const { electorate } = this.#parts.votes
    const { author } = takeover
    return !electorate.isReached(author) && this.of(author).some(one => this.#parts.votes.hasOwn(one.takeover.id))
  }
}
