import type { PeerId } from '../address/mod.ts'
import { TokenBucket, type Millis } from '../base/mod.ts'
import type { Hold } from '../ipam/mod.ts'
import type { LedgerSync } from '../wire/mod.ts'
import { Comparison } from './comparison.ts'
import {
  REUNION_AFTER_MS,
  REUNION_BUDGET_MS,
  REUNION_BUDGET_PER_SECOND_MS,
  REUNION_COMPARED_MS,
  REUNION_HOLD_MS,
  REUNION_PEERS_MAX,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import type { Gossip } from './gossip.ts'
import { LostMembers } from './lost-members.ts'
import type { MemberList } from './member-list.ts'

const HOLD: Hold = {
  reason: 'was cut off from half of the members or more, and asks first whether they took over what it owns',
  remedy: `it goes on by itself within ${REUNION_HOLD_MS / 1000} s; try again then`,
  isBrief: true,
}

/**
 * A peer that was cut off and finds others again: its blocks may have been taken over meanwhile. That takes more than half
 * of the others, so only who could not reach so many has to ask. It compares its ledger with the ones that it finds; until
 * that is done, or for REUNION_HOLD_MS, it gives nothing.
 *
 * Whoever comes and goes again and again, or makes members up, must not keep it from giving addresses: all that time
 * together is bounded by a budget.
 */
export class Reunion {
  readonly #context: NodeContext
  readonly #gossip: Pick<Gossip, 'greet'>
  readonly #members: Pick<MemberList, 'all'>
  readonly #lost: LostMembers
  readonly #budget = new TokenBucket(REUNION_BUDGET_MS, REUNION_BUDGET_PER_SECOND_MS)
  /** With whom it is compared, at most REUNION_PEERS_MAX. */
  readonly #comparisons = new Map<PeerId, Comparison>()
  #held: { readonly since: Millis; until: Millis } | undefined
  #compared: { readonly peer: PeerId; readonly at: Millis } | undefined

  constructor(context: NodeContext, gossip: Pick<Gossip, 'greet'>, members: Pick<MemberList, 'all'>) {
    this.#context = context
    this.#gossip = gossip
    this.#members = members
    this.#lost = new LostMembers(context.config.identity.peerId)
  }

  get hold(): Hold | undefined {
    return this.#held && HOLD
  }

  get dueAt(): Millis | undefined {
    return this.#held?.until
  }

  /** See `LostMembers.lostSince`. */
  lostSince(peer: PeerId): Millis | undefined {
    return this.#lost.lostSince(peer)
  }

  restore(now: Millis): void {
    this.#lost.restore(this.#members.all, now)
  }

  neighbourUp(peer: PeerId, now: Millis): void {
    const isCutOff = this.#context.neighbours.count <= 1 || this.#lost.areMost
    if (this.#held !== undefined || (isCutOff && this.#lost.isLost(peer, now))) this.#compare([peer], now)
  }

  /** `heardAt`: when anything came over the link last. */
  neighbourDown(peer: PeerId, heardAt: Millis, now: Millis): void {
    this.#lost.handleLinkDown(peer, heardAt)
    if (this.#context.neighbours.count === 0) this.#lost.loseAll(now)
  }

  /** This process was not there for so long: as if it had been cut off from all. */
  handleAway(lateMs: Millis, now: Millis): void {
    if (lateMs < REUNION_AFTER_MS) return
    this.#lost.loseAll(now - lateMs)
    if (!this.#lost.areMost) return
    this.#compare(
      this.#context.neighbours.neighbours.map(({ peerId }) => peerId),
      now,
    )
  }

  /** `isFree`: nothing else holds this peer. */
  viewChanged(now: Millis, isFree: boolean): void {
    const { view, neighbours } = this.#context
    const wereMost = this.#lost.areMost
    const returned = this.#lost.look(this.#members.all, view.reachable, now)
    if (!wereMost || !isFree) return
    const ways = new Set<PeerId>()
    for (const peer of returned) {
      const way = neighbours.neighbour(peer) === undefined ? view.controlRoutes.get(peer)?.nextHop : peer
      // Whom its news would come from has told all just now.
      const isAsked = way === this.#compared?.peer && now - (this.#compared?.at ?? now) < REUNION_COMPARED_MS
      if (way !== undefined && !isAsked && !this.#comparisons.has(way)) ways.add(way)
    }
    this.#compare([...ways], now)
  }

  /** A neighbour told of its ledger; `sync`: what it told, unless it sent records. */
  handleTold(from: PeerId, sync: LedgerSync | undefined, now: Millis): void {
    if (this.#held === undefined) return
    const question = sync && this.#comparisons.get(from)?.take(sync)
    if (question !== undefined) this.#gossip.greet(from, now, question)
    for (const [peer, comparison] of this.#comparisons) {
      if (!comparison.isComplete) continue
      this.#comparisons.delete(peer)
      this.#compared = { peer, at: now }
    }
    // What came is worked off before the next timeout.
    if (this.#comparisons.size === 0) this.#held.until = now
  }

  /** True when the hold is over. */
  handleTimeout(now: Millis): boolean {
    if (this.#held === undefined || now < this.#held.until) return false
    const heldMs = Math.min(now - this.#held.since, REUNION_HOLD_MS)
    this.#budget.take(heldMs, now)
    if (this.#comparisons.size === 0) this.#context.log('info', 'reunion-compared', { heldMs }, now)
    else {
      const text = 'a member that was found again did not say in time what it holds; going on'
      this.#context.log('warn', 'reunion-unheard', { peer: [...this.#comparisons.keys()].join(' '), text }, now)
    }
    this.#held = undefined
    this.#comparisons.clear()
    return true
  }

  clear(): void {
    this.#lost.clear()
    this.#comparisons.clear()
    this.#held = undefined
    this.#compared = undefined
  }

  #compare(peers: readonly PeerId[], now: Millis): void {
    if (peers.length === 0 || this.#context.ledger.isListening) return
    if (this.#held === undefined) {
      if (this.#budget.available(now) < REUNION_HOLD_MS) return
      this.#held = { since: now, until: now }
    }
    this.#held.until = this.#held.since + REUNION_HOLD_MS
    for (const peer of peers) {
      if (this.#comparisons.size >= REUNION_PEERS_MAX && !this.#comparisons.has(peer)) return
      const comparison = new Comparison(this.#context.ledger, peer)
      this.#comparisons.set(peer, comparison)
      this.#gossip.greet(peer, now, comparison.begin())
    }
  }
}
