import type { PeerId } from '../address/mod.ts'
import { isDrop, toHex, Drop, type Millis } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { ACK_AFTER_MS, RENEW_EVERY_MS, TAKEOVERS_MAX, TAKEOVERS_PER_PEER_MAX, TAKEOVER_KEPT_MS } from './constants.ts'
import { OwnTakeovers, type TakeoverPublish } from './own-takeovers.ts'
import type { Presence } from './presence.ts'
import { Removals } from './removals.ts'
import { overlap, type TakeoverEntry } from './takeover-entry.ts'
import { progressOf, type TakeoverProgress } from './takeover-progress.ts'
import { TakeoverForce } from './takeover-force.ts'
import { coversStretch, makeTakeover, readTakeover, type Takeover, type TakeoverPlan } from './takeover-record.ts'
import type { TakeoverRoots } from './takeover-roots.ts'
import { TakeoverRules, type TakeoverBlocks } from './takeover-rules.ts'
import { whoGivesWay } from './takeover-room.ts'
import { TakeoverVotes } from './takeover-votes.ts'
import type { Giver, GrantScope, Stretch, TakeoverTitle } from './title.ts'

export interface TakeoversOptions {
  readonly self: Giver
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly scope: () => GrantScope
  readonly blockCount: number
  readonly blocks: TakeoverBlocks
}

const NO_KEY = new Uint8Array(0)

/**
 * Takeovers of blocks whose owner is gone, and who agrees to them (docs/protocol.md §10.5).
 *
 * A takeover counts once a majority of the members but its victim agrees; or once one who is not its author says that
 * it saw it settled: so the peers do not part over who was a member when. A peer agrees when it cannot reach the victim
 * either, knows of no other owner of the blocks, and has not agreed to another takeover of them. So of two at once at
 * most one is settled; the author with the greater id gives way to the other.
 */
export class Takeovers implements TakeoverRoots {
  readonly #self: PeerId
  readonly #options: TakeoversOptions
  readonly removals: Removals
  readonly #entries = new Map<string, TakeoverEntry>()
  readonly #votes: TakeoverVotes
  readonly #rules: TakeoverRules
  readonly #own = new OwnTakeovers()
  readonly #force: TakeoverForce
  #version = 0
  #advancedAt: Millis = 0
  #renewing: readonly TakeoverEntry[] = []
  /** As of which state and time those are. */
  #renewalsOf = { version: -1, at: 0 }

  constructor(options: TakeoversOptions) {
    this.#options = options
    this.#self = options.self.peerId
    this.#votes = new TakeoverVotes(this.#self)
    this.#rules = new TakeoverRules({
      self: this.#self,
      entries: this.#entries,
      votes: this.#votes,
      blocks: options.blocks,
      termOf: block => this.#force.termOf(block),
      termsVersion: () => this.#force.version,
    })
    this.#force = new TakeoverForce(options.blockCount)
    this.removals = new Removals(this.#entries, this.#votes, this.#rules)
  }

  get presence(): Presence {
    return this.#votes.presence
  }

  /** Grows when takeovers become known or vanish, come into force, or are so no longer. */
  get version(): number {
    return this.#version
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  titleOf(id: string): TakeoverTitle | undefined {
    return this.#entries.get(id)?.title
  }

  covers(id: string, stretch: Stretch): boolean {
    const takeover = this.#entries.get(id)?.takeover
    return takeover !== undefined && coversStretch(takeover, stretch)
  }

  isInForce(id: string): boolean {
    return this.#entries.get(id)?.isInForce === true
  }

  voids(term: number, block: number): boolean {
    return this.#force.voids(term, block)
  }

  replaces(term: number, block: number): boolean {
    return this.#force.replaces(term, block)
  }

  /** Recent takeovers in force of any of these blocks. */
  recentOf(stretches: readonly Stretch[]): Set<string> {
    const recent = [...this.#entries.values()].filter(({ isRecent }) => isRecent)
    const found = recent.filter(({ takeover }) => overlap(takeover, { runs: stretches }))
    return new Set(found.map(({ takeover }) => takeover.id))
  }

  /** Takeovers of this peer that are in force. */
  ownInForce(): Takeover[] {
    return [...this.#entries.values()]
      .filter(({ takeover, isInForce }) => isInForce && takeover.author === this.#self)
      .map(({ takeover }) => takeover)
  }

  /** The greatest term of takeovers in force of a block, whoever stated it since. */
  termOf(block: number): number {
    return this.#force.termOf(block)
  }

  /**
   * Takes what the ledger holds of `publisher` under a key of kind `takeover`. Drops: those of `readTakeover`, and
   * `takeover-many`.
   */
  setRecord(publisher: PeerId, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const id = toHex(key)
    if (value === undefined) {
      this.#withdrawn(id, publisher)
      return undefined
    }
    const known = this.#entries.get(id)
    if (known !== undefined) {
      known.publishers.add(publisher)
      if (publisher === this.#self) this.#own.note(id)
      return undefined
    }
    if (publisher !== this.#self && this.#isFull(publisher)) return new Drop('takeover-many')
    const { suite, scope, blockCount } = this.#options
    const takeover = readTakeover(suite, scope(), blockCount, key, value)
    if (isDrop(takeover)) return takeover
    if (this.#entries.size >= TAKEOVERS_MAX && !this.#makeRoom(takeover.author)) return new Drop('takeover-many')
    this.#enter(takeover, publisher, now)
    return undefined
  }

  /** Takes what the ledger holds of `voter` of kind `acks`. Drops: `acks-malformed`. */
  setAcks(voter: PeerId, value: Uint8Array | undefined): Drop | undefined {
    const drop = this.#votes.set(voter, value)
    if (voter === this.#self)
      for (const entry of this.#entries.values()) {
        if (this.#votes.hasSettled(entry.takeover.id)) this.#settle(entry)
        this.#track(entry)
      }
    return drop
  }

  /** Gives up all that is known of the mesh; own records are to be removed. */
  clear(): void {
    this.#own.clear()
    for (const { takeover } of this.#entries.values()) this.#force.touch(takeover)
    this.#entries.clear()
    this.#force.clear()
    this.#votes.clear()
    this.removals.clear()
    this.#version++
  }

  /** Publishes a takeover of this peer. */
  begin(plan: TakeoverPlan, now: Millis): Takeover {
    const { suite, self, scope } = this.#options
    const takeover = makeTakeover(suite, self, scope(), plan)
    if (this.#entries.has(takeover.id)) return takeover
    this.#enter(takeover, this.#self, now)
    this.#ack(takeover.id, false)
    this.#own.publish(takeover.id, takeover.value)
    this.advance(now)
    return takeover
  }

  /** Takes back a takeover of this peer; false when it is not known. */
  withdraw(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.takeover.author !== this.#self) return false
    this.#countNoLonger(entry)
    this.#own.remove(id)
    this.#votes.takeBack(id)
    this.#track(entry)
    this.#withdrawn(id, this.#self)
    return true
  }

  /** Agrees to what can be agreed to, counts, and takes back what must not go on. */
  advance(now: Millis): void {
    this.#advancedAt = now
    for (const entry of this.#entries.values()) if (entry.isRecent) this.#track(entry)
    for (let isChanged = true; isChanged;) {
      isChanged = false
      for (const entry of this.#entries.values()) isChanged = this.#advanceOne(entry, now) || isChanged
    }
  }

  #advanceOne(entry: TakeoverEntry, now: Millis): boolean {
    const { id, author } = entry.takeover
    if (this.#rules.mustWithdraw(entry, now) || this.#isGivenUp(entry, now)) {
      if (author === this.#self) return this.withdraw(id)
      this.#unsettle(entry)
      return true
    }
    if (!entry.isSettled && this.#rules.mayCount(entry, now)) {
      this.#settle(entry)
      this.#ack(id, true)
      if (author === this.#self) this.carry(new Set([id]))
      return true
    }
    if (!this.#votes.hasOwn(id)) {
      if (!this.#rules.mayAgree(entry, now)) return false
      this.#ack(id, entry.isSettled)
      return true
    }
    if (!this.#rules.mustDisagree(entry, now)) return false
    this.#votes.takeBack(id)
    this.#track(entry)
    this.#version++
    return true
  }

  /**
   * True when a settled one, or one that this peer forces, has been doubtful for a while: what this peer knows is then no
   * accident of the order.
   */
  #isGivenUp(entry: TakeoverEntry, now: Millis): boolean {
    const { isSettled, takeover, publishers } = entry
    // One that was taken back already may be known by another peer still, which saw it settled.
    const isForcedHere = takeover.isForced && takeover.author === this.#self && publishers.has(this.#self)
    if (!(isSettled || isForcedHere) || !this.#rules.isDoubtful(entry)) {
      entry.doubtedSince = undefined
      return false
    }
    entry.doubtedSince ??= now
    return now - entry.doubtedSince >= ACK_AFTER_MS
  }

  /** When time alone may change something. */
  nextTimeout(now: Millis): Millis | undefined {
    let next: Millis | undefined
    for (const entry of this.#entries.values()) {
      const at = this.#rules.dueAt(entry, now)
      if (at !== undefined && at > now && (next === undefined || at < next)) next = at
    }
    return next
  }

  /** True while a new root for what this peer owns is not settled; one that nobody agrees to is in the way of no other. */
  get isRenewing(): boolean {
    return this.#renewals().length > 0
  }

  /** The same of a block. */
  isRenewingBlock(block: number): boolean {
    const blocks = { runs: [{ first: block, count: 1 }] }
    return this.#renewals().some(({ takeover }) => overlap(takeover, blocks))
  }

  /** True when others would not listen to one more. */
  get isFull(): boolean {
    return this.#own.isFull
  }

  all(): TakeoverProgress[] {
    return [...this.#entries.values()].map(entry => progressOf(entry, this.#votes))
  }

  /** Own records that changed since the last call. */
  takePublishes(): TakeoverPublish[] {
    const publishes = this.#own.takeChanges()
    const acks = this.#votes.takePublish(id => this.#entries.has(id))
    return acks === undefined ? publishes : [...publishes, { kind: 'acks', key: NO_KEY, ...acks }]
  }

  /** Publishes settled takeovers of somebody else too, for own blocks rest on them. */
  carry(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || !entry.isSettled || this.#own.has(id)) continue
      entry.publishers.add(this.#self)
      this.#own.publish(id, entry.takeover.value)
    }
  }

  /** Stops publishing a settled takeover on which nothing rests any more, unless it is young. */
  drop(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#isRecent(entry) || !this.#own.remove(id)) return
    this.#withdrawn(id, this.#self)
  }

  /** Takeovers that became known, came into force, grew old or vanished since the last call. */
  takeChanged(): Takeover[] {
    return this.#force.takeChanged()
  }

  /** Those that are settled. */
  *settled(): Iterable<Takeover> {
    for (const { takeover, isSettled } of this.#entries.values()) if (isSettled) yield takeover
  }

  /** Asked for each block that may be given: found once for as long as nothing changes. */
  #renewals(): readonly TakeoverEntry[] {
    const { version, at } = this.#renewalsOf
    if (version === this.#version && at === this.#advancedAt) return this.#renewing
    this.#renewalsOf = { version: this.#version, at: this.#advancedAt }
    const isOwn = ({ author }: Takeover) => author === this.#self
    const isYoung = ({ seenAt }: TakeoverEntry) => this.#advancedAt - seenAt < RENEW_EVERY_MS
    this.#renewing = this.#rules.of(this.#self).filter(one => isOwn(one.takeover) && !one.isSettled && isYoung(one))
    return this.#renewing
  }

  /** Notes whether it is in force now, for the blocks that are named in it. */
  #track(entry: TakeoverEntry, isKnown = true): void {
    const { takeover, isSettled } = entry
    const isInForce = isKnown && (isSettled || (takeover.isForced && this.#votes.hasOwn(takeover.id)))
    this.#force.set(entry, { isInForce, isRecent: isInForce && this.#isRecent(entry) }, this.#entries.values())
  }

  #isRecent({ seenAt }: TakeoverEntry): boolean {
    return this.#advancedAt - seenAt < TAKEOVER_KEPT_MS
  }

  #enter(takeover: Takeover, publisher: PeerId, now: Millis): void {
    const isSettled = this.#votes.hasSettled(takeover.id)
    const { id, term, author: owner } = takeover
    const title = { type: 'takeover', term, seq: 0, owner, takeover: id } as const
    const publishers = new Set([publisher])
    const state = { isSettled, isInForce: false, isRecent: false, doubtedSince: undefined }
    const entry = { takeover, title, publishers, seenAt: now, ...state }
    this.#entries.set(id, entry)
    if (publisher === this.#self) this.#own.note(id)
    this.#track(entry)
    this.#force.touch(takeover)
    this.#version++
  }

  #withdrawn(id: string, publisher: PeerId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.publishers.delete(publisher)
    if (publisher === this.#self) this.#own.forget(id)
    const { author } = entry.takeover
    // Whoever saw it settled holds on to it: its author may have taken it back before it heard of that.
    if (entry.isSettled && this.#isRecent(entry) && author !== this.#self && entry.publishers.size === 0)
      this.carry(new Set([id]))
    // While it is not settled its author alone says whether it goes on.
    const isTakenBack = publisher === author && author !== this.#self && !entry.isSettled
    if (entry.publishers.size > 0 && !isTakenBack) {
      this.#version++
      return
    }
    this.#forget(entry)
  }

  #isFull(publisher: PeerId): boolean {
    let count = 0
    for (const { publishers } of this.#entries.values()) if (publishers.has(publisher)) count++
    return count >= TAKEOVERS_PER_PEER_MAX
  }

  /** False when all others have a better right to be known. */
  #makeRoom(author: PeerId): boolean {
    const others = [...this.#entries.values()].filter(one => !this.#own.has(one.takeover.id))
    const isReached = (peer: PeerId) => peer === this.#self || this.presence.isReached(peer)
    const entry = whoGivesWay(author, others, isReached)
    if (entry === undefined) return false
    this.#forget(entry)
    return true
  }

  #forget(entry: TakeoverEntry): void {
    const { id } = entry.takeover
    this.#entries.delete(id)
    this.#votes.takeBack(id)
    this.#track(entry, false)
    this.#force.touch(entry.takeover)
    this.#version++
  }

  #settle(entry: TakeoverEntry): void {
    if (entry.isSettled) return
    entry.isSettled = true
    this.#track(entry)
    this.#version++
  }

  /** It counts no longer. What this peer stated before counts again; who publishes it goes on until its author does not. */
  #unsettle(entry: TakeoverEntry): void {
    const { id } = entry.takeover
    this.#countNoLonger(entry)
    entry.doubtedSince = undefined
    this.#votes.takeBack(id)
    this.#track(entry)
    this.#version++
    if (!this.#own.remove(id)) return
    this.#withdrawn(id, this.#self)
  }

  #countNoLonger(entry: TakeoverEntry): void {
    if (entry.isSettled) this.removals.undo(entry.takeover)
    entry.isSettled = false
  }

  #ack(id: string, isSettled: boolean): void {
    if (!this.#votes.agree(id, isSettled)) return
    this.#version++
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#track(entry)
  }
}
