import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { BlockMap } from './block-map.ts'
import {
  ORPHAN_AFTER_MS,
  RENEW_RIVALLED_MS,
  RENEW_EVERY_MS,
  TAKEOVER_KEPT_MS,
  TAKEOVER_RUNS_MAX,
  TERM_MAX,
} from './constants.ts'
import type { Hold } from './hold.ts'
import { blocksIn, joinStretches } from './stretches.ts'
import type { TakeoverProgress } from './takeover-progress.ts'
import type { Takeovers } from './takeovers.ts'
import type { Stretch } from './title.ts'

/** What came of the wish to take over what a peer owned. */
export type PeerRemoval =
  /** This peer gives nothing and takes nothing over now. */
  | { readonly outcome: 'held'; readonly hold: Hold }
  /** `full`: this peer publishes as many takeovers as others listen to; `spent`: there is no greater term for its blocks. */
  | { readonly outcome: 'self' | 'reachable' | 'unknown' | 'full' | 'spent' }
  /** Under way, here or by a peer that began earlier; or settled, now or before. None: taken back at once. */
  | { readonly outcome: 'begun'; readonly takeovers: readonly TakeoverProgress[] }

/** How the blocks of peers that are gone come to others, and titles with many grants get a new root. */
export class Succession {
  readonly #map: BlockMap
  readonly #takeovers: Takeovers
  #version = 0
  #ownersVersion = 0
  /** As of which owners there was nothing to renew. */
  #unrenewedVersion = -1
  #renewedAt: Millis = -Infinity
  #rivalledAt: Millis = -Infinity
  #sweptAt: Millis | undefined
  /** Since when there are blocks of nobody. */
  #orphansSince: Millis | undefined

  constructor(map: BlockMap, takeovers: Takeovers) {
    this.#map = map
    this.#takeovers = takeovers
  }

  /** Takes over what a peer that cannot be reached owned. `isForced`: gives of it before a majority agrees. */
  remove(victim: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    const { presence } = this.#takeovers
    if (victim === this.#map.self) return { outcome: 'self' }
    if (presence.isReached(victim)) return { outcome: 'reachable' }
    const before = this.#takeovers.removals.of(victim)
    const orphans = presence.areOthersReached(victim, now) ? this.#map.orphans() : []
    const isMember = presence.members.has(victim) || this.#map.counts.has(victim)
    const isKnown = isMember || before.length > 0 || orphans.length > 0
    if (!isKnown) return { outcome: 'unknown' }
    const standing = this.#takeovers.removals.standing(victim, now)
    const isUnderWay = standing.some(one => !one.isSettled && (one.isForced || !isForced))
    if (!isUnderWay) {
      for (const { id, isSettled } of before) if (!isSettled) this.#takeovers.withdraw(id)
      // What nobody has whom all others reach was a lost peer's: this one's, or of one that nobody remembers.
      const runs = joinStretches([...this.#map.blocksOf(victim), ...orphans])
      if (this.#termOf(runs) >= TERM_MAX) return { outcome: 'spent' }
      // With nothing to take it still says that the peer is gone, to those who lent it addresses.
      if (runs.length === 0 && this.#takeovers.removals.isRemoved(victim))
        return { outcome: 'begun', takeovers: standing }
      if (this.#takeovers.isFull) return { outcome: 'full' }
      for (let at = 0; at === 0 || at < runs.length; at += TAKEOVER_RUNS_MAX) {
        // The rest is taken when the command is given again.
        if (this.#takeovers.isFull) break
        this.#begin(victim, isForced, runs.slice(at, at + TAKEOVER_RUNS_MAX), now)
      }
    }
    this.advance(now)
    return { outcome: 'begun', takeovers: this.#takeovers.removals.standing(victim, now) }
  }

  /** Carries on what is under way, until nothing changes any more. */
  advance(now: Millis): void {
    this.#renew(now)
    this.#adoptOrphans(now)
    do {
      const before = this.#version
      this.#takeovers.advance(now)
      this.#version = this.#takeovers.version
      const changed = this.#takeovers.takeChanged()
      if (changed.length > 0) this.#map.rootsChanged(changed, now)
      if ((before !== this.#version || this.#ownersVersion !== this.#map.version) && !this.#takeovers.isEmpty) {
        for (const takeover of this.#takeovers.ownInForce()) this.#map.takeOver(takeover)
        this.#takeovers.carry(this.#map.takeoversInForce().own)
        this.#takeovers.carry(this.#takeovers.recentOf(this.#map.replacedBlocks()))
      }
      this.#ownersVersion = this.#map.version
    } while (this.#version !== this.#takeovers.version)
    this.#sweep(now)
  }

  nextTimeout(now: Millis): Millis | undefined {
    const dueAt = this.#orphansDueAt()
    const next = this.#takeovers.nextTimeout(now)
    // An own takeover of them is under way when it is over.
    if (dueAt === undefined || dueAt <= now) return next
    return next === undefined ? dueAt : Math.min(dueAt, next)
  }

  /** A new root for what this peer owns by many grants, before no more may be added. */
  #renew(now: Millis): void {
    if (this.#takeovers.isRenewing || this.#takeovers.isFull) return
    if (this.#renewRivalled(now)) return
    if (now - this.#renewedAt < RENEW_EVERY_MS || this.#unrenewedVersion === this.#map.version) return
    const runs = this.#map.longOwn().slice(0, TAKEOVER_RUNS_MAX)
    if (runs.length === 0 || this.#map.greatestTerm(runs) >= TERM_MAX) {
      this.#unrenewedVersion = this.#map.version
      return
    }
    this.#renewedAt = now
    this.#begin(this.#map.self, false, runs, now)
  }

  /** A new root for what somebody gave to this peer, and later to another one: what he signed is worth nothing then. */
  #renewRivalled(now: Millis): boolean {
    if (now - this.#rivalledAt < RENEW_RIVALLED_MS) return false
    const runs = this.#map.rivalledOwn().slice(0, TAKEOVER_RUNS_MAX)
    if (runs.length === 0 || this.#map.greatestTerm(runs) >= TERM_MAX) return false
    this.#rivalledAt = now
    this.#begin(this.#map.self, false, runs, now)
    return true
  }

  /**
   * Blocks of which nobody knows an owner: a peer that was forgotten had them, or one that lost its store after the others
   * lost what they held of it. The member with the least id takes them over from itself, by the vote of the others. Who
   * handed one on to such a peer does so with that.
   */
  #adoptOrphans(now: Millis): void {
    const { self } = this.#map
    const isFirst = [...this.#takeovers.presence.members].every(peer => peer >= self)
    if (!this.#map.hasLost && !(isFirst && this.#map.hasOrphans)) {
      this.#orphansSince = undefined
      return
    }
    this.#orphansSince ??= now
    const dueAt = this.#orphansDueAt()
    if (dueAt === undefined || now < dueAt || this.#takeovers.isRenewing || this.#takeovers.isFull) return
    // Which ones is looked for only now: while the records of others come in there are some with every one of them.
    const found = isFirst ? [...this.#map.orphans(), ...this.#map.lost()] : this.#map.lost()
    const orphans = joinStretches(found).slice(0, TAKEOVER_RUNS_MAX)
    if (this.#termOf(orphans) >= TERM_MAX) return
    // The next time not at once, if this one is taken back.
    this.#orphansSince = now
    this.#begin(this.#map.self, false, orphans, now)
  }

  #orphansDueAt(): Millis | undefined {
    // Asked with every input, and nearly always there is none.
    if (this.#orphansSince === undefined) return undefined
    const reachedSince = this.#takeovers.presence.allReachedSince(this.#map.self)
    if (reachedSince === undefined) return undefined
    return Math.max(this.#orphansSince, reachedSince) + ORPHAN_AFTER_MS
  }

  #begin(victim: PeerId, isForced: boolean, runs: readonly Stretch[], now: Millis): void {
    this.#takeovers.begin({ victim, term: this.#termOf(runs) + 1, isForced, runs }, now)
  }

  /** The greatest of these blocks; of one that nobody states that of the takeovers that are known. */
  #termOf(runs: readonly Stretch[]): number {
    let greatest = this.#map.greatestTerm(runs)
    for (const block of blocksIn(runs))
      if (this.#map.ownerOf(block) === undefined) greatest = Math.max(greatest, this.#takeovers.termOf(block))
    return greatest
  }

  /** Forgets settled takeovers that no title in force rests on. */
  #sweep(now: Millis): void {
    this.#sweptAt ??= now
    if (now - this.#sweptAt < TAKEOVER_KEPT_MS) return
    this.#sweptAt = now
    const { all } = this.#map.takeoversInForce()
    for (const { id } of [...this.#takeovers.settled()]) if (!all.has(id)) this.#takeovers.drop(id)
  }
}
