import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import {
  ACK_AFTER_MS,
  ADOPT_AFTER_MS,
  FAMILIAR_AFTER_MS,
  ORPHAN_TERMS_MAX,
  TERM_LEAP_MAX,
  TERM_UNKNOWN_MAX,
} from './constants.ts'
import type { Register } from './register.ts'
import { blocksIn } from './stretches.ts'
import { overlap, type TakeoverEntry } from './takeover-entry.ts'
import type { Takeover } from './takeover-record.ts'
import type { TakeoverVotes } from './takeover-votes.ts'
import { Verdicts } from './verdicts.ts'

/** What the rules need to know of blocks. */
export interface TakeoverBlocks {
  /** Of the title that counts when a new root is agreed to; see `BlockMap.rightTo`. */
  rightTo(block: number): Register | undefined
  /** Grows whenever a register in force changes. */
  registersVersion(): number
  /** True when a reached peer but its victim and author states a block of the takeover as its own, with a lesser term. */
  isHeldBeside(takeover: Takeover, isReached: (peer: PeerId) => boolean): boolean
  /** Grows whenever somebody states something else. */
  statementsVersion(): number
}

export interface TakeoverRuleParts {
  readonly self: PeerId
  /** All that are known, by id. */
  readonly entries: ReadonlyMap<string, TakeoverEntry>
  readonly votes: TakeoverVotes
  readonly blocks: TakeoverBlocks
  /** The greatest term of takeovers in force of a block, whoever stated it since. */
  readonly termOf: (block: number) => number
  /** Grows whenever one of those changes. */
  readonly termsVersion: () => number
}

/** When a takeover is agreed to, counts, and is taken back (docs/protocol.md §10.5). */
export class TakeoverRules {
  readonly #parts: TakeoverRuleParts
  readonly #fitting = new Verdicts()
  readonly #beside = new Verdicts()
  readonly #heldBeside = new Verdicts()
  readonly #foreign = new Verdicts()
  readonly #leaping = new Verdicts()

  constructor(parts: TakeoverRuleParts) {
    this.#parts = parts
  }

  /** Takeovers of what a peer owned. */
  of(victim: PeerId): TakeoverEntry[] {
    return [...this.#parts.entries.values()].filter(({ takeover }) => takeover.victim === victim)
  }

  /** True when it may be settled now. */
  mayCount(entry: TakeoverEntry, now: Millis): boolean {
    const { votes } = this.#parts
    const { takeover } = entry
    if (this.#isLeap(takeover)) return false
    if (this.#isConceded(takeover)) return true
    if (this.#isObjected(entry)) return false
    if (votes.hasMajority(takeover)) {
      if (!this.#isOvertaken(takeover, takeover.term)) return true
      // Others settled both, one after the other: what they state counts here as well, also with the victim.
      if (votes.hasWitness(takeover) && now - entry.seenAt >= ACK_AFTER_MS) return true
    }
    return this.#mayAdopt(entry, now)
  }

  /**
   * True for a settled one that could not be settled as things are now: this peer counted when it knew less; or for one
   * that it forces, and nobody could agree to.
   */
  isDoubtful({ takeover }: TakeoverEntry): boolean {
    const { self, votes, blocks } = this.#parts
    if (takeover.victim === self) return false
    if (votes.hasMajority(takeover)) return false
    const { presence } = votes
    const { victim, author } = takeover
    if (victim !== author && presence.isReached(victim) && !votes.isConceded(takeover)) return true
    return this.#heldBeside.of(
      takeover,
      `${blocks.statementsVersion()} ${blocks.registersVersion()} ${presence.version}`,
      () => blocks.isHeldBeside(takeover, peer => presence.isReached(peer)),
    )
  }

  /** True when this peer agrees to it now. */
  mayAgree(entry: TakeoverEntry, now: Millis): boolean {
    const { self, votes } = this.#parts
    const { takeover, isSettled } = entry
    if (isSettled) return true
    const { victim, author } = takeover
    if (author === self || victim === self || !votes.presence.isReached(author)) return false
    if (victim !== author && !this.#isLost(victim, now, this.#patience(entry))) return false
    const isOpen = votes.presence.areOthersReached(victim, now)
    if (!this.#fits(takeover, isOpen) || this.#isOvertaken(takeover)) return false
    for (const rival of this.#parts.entries.values()) {
      if (rival === entry || rival.isSettled || !votes.hasOwn(rival.takeover.id)) continue
      if (overlap(rival.takeover, takeover) && !this.#isAuthorGone(rival)) return false
    }
    return true
  }

  /** True when this peer agreed to what is not settled, and has reached the victim for a while now. */
  mustDisagree({ takeover, isSettled }: TakeoverEntry, now: Millis): boolean {
    const { self, votes } = this.#parts
    const { id, author, victim } = takeover
    if (isSettled || author === self || victim === author || !votes.hasOwn(id)) return false
    const since = votes.presence.reachedSince(victim)
    return since !== undefined && now - since >= ACK_AFTER_MS
  }

  /**
   * True for an own one that is not settled when the victim is back, somebody else settled one of its blocks or has it,
   * or there is one of a lesser id that may come to something.
   */
  mustWithdraw(entry: TakeoverEntry, now: Millis): boolean {
    const { self, votes } = this.#parts
    const { takeover, isSettled, publishers } = entry
    const { presence } = votes
    if (isSettled || takeover.author !== self || !publishers.has(self)) return false
    if (takeover.victim !== self && presence.isReached(takeover.victim)) return true
    if (votes.hasWitness(takeover)) return false
    if ((!takeover.isForced && !this.#fits(takeover, true)) || this.#isOvertaken(takeover)) return true
    for (const rival of this.#parts.entries.values()) {
      if (rival.takeover.id >= takeover.id || !overlap(rival.takeover, takeover)) continue
      if (this.isPromising(rival, now)) return true
    }
    return false
  }

  /**
   * True when it is not settled, and this peer could agree to it, as far as it knows: an id is soon found that is less than
   * any other, but what fits nobody's registers comes to nothing.
   */
  isPromising({ takeover, isSettled }: TakeoverEntry, now: Millis): boolean {
    const { self, votes } = this.#parts
    const { victim, author, isForced } = takeover
    const { presence } = votes
    if (isSettled || (author !== self && !presence.isReached(author))) return false
    if (victim !== author && (victim === self || presence.isReached(victim))) return false
    // What this peer forces goes on whoever agrees.
    if (author === self && isForced) return !this.#isOvertaken(takeover)
    return this.#fits(takeover, presence.areOthersReached(victim, now)) && !this.#isOvertaken(takeover)
  }

  /** When time alone may change what follows from an entry. */
  dueAt(entry: TakeoverEntry, now: Millis): Millis | undefined {
    const { votes } = this.#parts
    const { takeover, isSettled, doubtedSince, seenAt } = entry
    const doubtedUntil = doubtedSince === undefined ? undefined : doubtedSince + ACK_AFTER_MS
    if (isSettled) return doubtedUntil
    const { lostSince, reachedSince } = {
      lostSince: votes.presence.lostSince(takeover.victim),
      reachedSince: votes.hasOwn(takeover.id) ? votes.presence.reachedSince(takeover.victim) : undefined,
    }
    const hasWitness = votes.hasWitness(takeover)
    const times = [lostSince, reachedSince, hasWitness ? seenAt : undefined]
      .flatMap(since => (since === undefined ? [] : [since + ACK_AFTER_MS]))
      .concat(lostSince === undefined ? [] : [lostSince + ADOPT_AFTER_MS], doubtedUntil ?? [])
      .filter(at => at > now)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /**
   * True when another member saw it settled, and nothing that this peer knows says otherwise: it came later, and who
   * agreed were more than half of fewer. Two who lie would find here that the victim is there, or that the blocks are
   * of somebody who is.
   */
  #mayAdopt({ takeover, seenAt }: TakeoverEntry, now: Millis): boolean {
    const { self, votes, blocks } = this.#parts
    const { victim, author } = takeover
    if (victim === self || !votes.hasWitness(takeover) || now - seenAt < ACK_AFTER_MS) return false
    if (victim !== author && !this.#isLost(victim, now, ADOPT_AFTER_MS)) return false
    const key = `${blocks.registersVersion()} ${votes.presence.version}`
    return !this.#beside.of(takeover, key, () => this.#isBeside(takeover, owner => votes.presence.isReached(owner)))
  }

  /** The victim says so, and as far as this peer knows it gives away what is its own: two who lie could name any blocks. */
  #isConceded(takeover: Takeover): boolean {
    const { votes, blocks } = this.#parts
    if (!votes.isConceded(takeover)) return false
    return !this.#foreign.of(takeover, `${blocks.registersVersion()}`, () => this.#isBeside(takeover, () => true))
  }

  /** How long its victim must be lost: longer than a restart takes when it was said to be gone while it was there. */
  #patience({ takeover, seenAt }: TakeoverEntry): number {
    const since = this.#parts.votes.presence.lostSince(takeover.victim)
    return since !== undefined && since - seenAt > ACK_AFTER_MS ? ADOPT_AFTER_MS : ACK_AFTER_MS
  }

  /** True when a block of it is, by a lesser term, that of such a peer that is neither victim nor author. */
  #isBeside({ runs, term, victim, author }: Takeover, isSuch: (owner: PeerId) => boolean): boolean {
    const { blocks } = this.#parts
    for (const block of blocksIn(runs)) {
      const register = blocks.rightTo(block)
      if (register === undefined || register.term >= term) continue
      const { owner } = register
      if (owner !== victim && owner !== author && isSuch(owner)) return true
    }
    return false
  }

  #isLost(peer: PeerId, now: Millis, ms = ACK_AFTER_MS): boolean {
    const { presence } = this.#parts.votes
    const since = presence.lostSince(peer)
    return !presence.isReached(peer) && (since === undefined || now - since >= ms)
  }

  /** Its victim is said to be gone by one whom this peer had reached all the time, like the victim. */
  #isObjected({ takeover: { victim, author }, seenAt }: TakeoverEntry): boolean {
    const { self, votes } = this.#parts
    if (author === self || victim === author) return false
    const isFamiliar = (peer: PeerId) => {
      const since = votes.presence.reachedSince(peer)
      return since !== undefined && seenAt - since > FAMILIAR_AFTER_MS
    }
    return isFamiliar(author) && (victim === self || isFamiliar(victim))
  }

  /**
   * True when all its blocks are the victim's, as far as this peer knows, and its term is one more than theirs.
   * `isOpen`: blocks of which no owner is known may be among them.
   */
  #fits(takeover: Takeover, isOpen: boolean): boolean {
    const { blocks, termOf } = this.#parts
    return this.#fitting.of(takeover, `${this.#versions} ${isOpen}`, () => {
      const { runs, victim, term } = takeover
      let hasOrphan = false
      let greatest = runs.length === 0 ? term - 1 : 0
      for (const block of blocksIn(runs)) {
        const register = blocks.rightTo(block)
        if (register === undefined ? !isOpen : register.owner !== victim) return false
        hasOrphan ||= register === undefined
        greatest = Math.max(greatest, register?.term ?? termOf(block))
      }
      return hasOrphan ? term > greatest && term <= greatest + ORPHAN_TERMS_MAX : term === greatest + 1
    })
  }

  /** Of all that terms are compared with. */
  get #versions(): string {
    return `${this.#parts.blocks.registersVersion()} ${this.#parts.termsVersion()}`
  }

  /** True when its term is out of all proportion to those of its blocks: the next ones would come to an end. */
  #isLeap(takeover: Takeover): boolean {
    const { blocks, termOf } = this.#parts
    const { runs, term } = takeover
    if (runs.length === 0 || term <= TERM_LEAP_MAX) return false
    return this.#leaping.of(takeover, this.#versions, () => {
      let greatest = 0
      let isAnyKnown = false
      for (const block of blocksIn(runs)) {
        const register = blocks.rightTo(block)
        isAnyKnown ||= register !== undefined
        greatest = Math.max(greatest, register?.term ?? 0, termOf(block))
      }
      return term > (isAnyKnown || greatest > 0 ? greatest + TERM_LEAP_MAX : TERM_UNKNOWN_MAX)
    })
  }

  /** True when another one of the same blocks is settled that is not older; of no greater term than `termMax`. */
  #isOvertaken(takeover: Takeover, termMax = Infinity): boolean {
    for (const { takeover: other, isSettled } of this.#parts.entries.values()) {
      if (!isSettled || other.id === takeover.id || other.term < takeover.term || other.term > termMax) continue
      if (overlap(other, takeover)) return true
    }
    return false
  }

  #isAuthorGone({ takeover: { author } }: TakeoverEntry): boolean {
    const { votes } = this.#parts
    return !votes.presence.isReached(author) && this.of(author).some(one => votes.hasOwn(one.takeover.id))
  }
}
