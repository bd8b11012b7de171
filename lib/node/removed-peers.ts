import type { PeerId } from '../address/mod.ts'
import { BoundedMap, type Millis } from '../base/mod.ts'
import type { Ipam } from '../ipam/mod.ts'
import { COLLECT_INTERVAL_MS, REMOVED_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { MemberList } from './member-list.ts'

/** That this peer was removed, as it heard when it was back. */
export interface OwnRemoval {
  /** Who took over its blocks. */
  readonly author: PeerId
  readonly blocks: number
  /** When it was done no record says. */
  readonly heardAt: Millis
}

/** Peers that a settled takeover removed, and those that left for good: what the ledger and others lent them ends. */
export class RemovedPeers {
  readonly #context: NodeContext
  readonly #ipam: Ipam
  readonly #members: Pick<MemberList, 'remove'>
  #version = 0
  readonly #names = new BoundedMap<PeerId, string>(REMOVED_MAX)
  /** Removed peers whose records were dropped, and whether some were there again at the last look. */
  readonly #forgotten = new Map<PeerId, boolean>()
  /** Who came back after its removal, of which the ledger was told in this run. Bounded by the takeovers that are known. */
  readonly #returned = new Set<PeerId>()
  /** Until then a start may not have heard yet that a removed peer came back: nothing is dropped. */
  #coldUntil: Millis = -Infinity
  /** By takeover, what was heard of the own removal; undefined for what an earlier run had heard. */
  readonly #ofSelf = new BoundedMap<string, OwnRemoval | undefined>(REMOVED_MAX)
  /** When it is looked again for them. */
  #forgetAt: Millis | undefined

  constructor(context: NodeContext, ipam: Ipam, members: Pick<MemberList, 'remove'>) {
    this.#context = context
    this.#members = members
    this.#ipam = ipam
  }

  /** Nicknames of peers that were removed, and are known no more. */
  get names(): ReadonlyMap<PeerId, string> {
    return this.#names.entries
  }

  /** What this peer heard of its own removal since it started, the oldest first. */
  get ofSelf(): readonly OwnRemoval[] {
    return [...this.#ofSelf.entries.values()].filter(one => one !== undefined)
  }

  /** What an earlier run knew is read in pieces. */
  restored(now: Millis): void {
    this.#coldUntil = now + COLLECT_INTERVAL_MS
  }

  get dueAt(): Millis | undefined {
    return this.#forgetAt
  }

  /** True when takeovers changed since the last look. */
  get isStale(): boolean {
    return this.#version !== this.#ipam.takeovers.version
  }

  /**
   * Neighbours that have not heard of it yet bring the records of a removed peer back, so it is looked again and again. It
   * brings them itself when it returns, and is reached a moment later: so they are left alone at first.
   */
  look(now: Millis): void {
    this.#version = this.#ipam.takeovers.version
    const { view, ledger, neighbours } = this.#context
    this.#reclaimLeft(now)
    this.#tellOfSelf(now)
    const removed = this.#ipam.takeovers.removals.removed()
    const isDue = this.#forgetAt === undefined || now >= this.#forgetAt
    for (const peer of this.#forgotten.keys()) if (!removed.has(peer)) this.#forgotten.delete(peer)
    this.#members.remove(removed)
    this.#welcomeReturned(removed)
    this.#welcomeUndone(removed)
    for (const peer of removed) {
      const isHeld = ledger.lastSeqOf(peer) > 0 && neighbours.neighbour(peer) === undefined
      const isBack = this.#forgotten.get(peer)
      if (isBack === undefined && now < this.#coldUntil) this.#forgotten.set(peer, isHeld)
      else if (isBack === undefined || (isBack && isHeld && isDue)) {
        if (view.members.has(peer)) this.#remember(peer)
        ledger.forgetOwner(peer)
        this.#forgotten.set(peer, false)
      } else if (isDue) this.#forgotten.set(peer, isHeld)
    }
    if (isDue) this.#forgetAt = removed.size === 0 ? undefined : now + COLLECT_INTERVAL_MS
  }

  /**
   * Who agreed to its own removal has been back since, though it may be gone again: so its records are kept wherever that
   * is known, those from before its removal too.
   */
  #welcomeReturned(removed: ReadonlySet<PeerId>): void {
    const returned = this.#ipam.takeovers.removals.returned()
    for (const peer of this.#returned) if (!returned.has(peer) || removed.has(peer)) this.#returned.delete(peer)
    for (const peer of returned) {
      if (removed.has(peer) || this.#returned.has(peer)) continue
      this.#returned.add(peer)
      this.#context.ledger.welcome(peer)
    }
  }

  /** Who was removed by what counts no longer: others never dropped its records, for they know of no removal. */
  #welcomeUndone(removed: ReadonlySet<PeerId>): void {
    for (const peer of this.#ipam.takeovers.removals.takeUndone())
      if (!removed.has(peer)) this.#context.ledger.welcome(peer)
  }

  /**
   * Whoever was removed while nobody reached it hears of it over a link when it is back; what an earlier run heard is read
   * before there is one.
   */
  #tellOfSelf(now: Millis): void {
    const { config, neighbours, view } = this.#context
    const ofSelf = this.#ipam.takeovers.removals.of(config.identity.peerId).filter(({ isSettled }) => isSettled)
    for (const { id, author, blocks } of ofSelf) {
      if (this.#ofSelf.has(id)) continue
      const isNews = neighbours.count > 0
      this.#ofSelf.set(id, isNews ? { author, blocks, heardAt: now } : undefined)
      if (!isNews) continue
      const text = 'while it was not reached this peer was removed (rmpeer), and another one has its address blocks'
      this.#context.log('warn', 'removed', { peer: author, nickname: view.nicknameOf(author), blocks, text }, now)
    }
  }

  /** Who left for good said so by a tombstone of what it is; there was no time to give back what it had borrowed. */
  #reclaimLeft(now: Millis): void {
    const { view } = this.#context
    this.#ipam.endLoans(peer => !view.reachable.has(peer) && view.hasLeft(peer), now)
  }

  #remember(peer: PeerId): void {
    this.#names.set(peer, this.#context.view.nicknameOf(peer))
  }
}
