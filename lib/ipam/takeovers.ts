import type { PeerId } from '../address/mod.ts'
import { fromHex, isDrop, toHex, Drop, type Millis } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { decodeAcks, encodeAcks, type Ack } from './acks-record.ts'
import {
  ACKS_MAX,
  ACK_AFTER_MS,
  FAMILIAR_AFTER_MS,
  TAKEOVERS_MAX,
  TAKEOVERS_PER_PEER_MAX,
  TAKEOVER_KEPT_MS,
} from './constants.ts'
import { Electorate } from './electorate.ts'
import type { Register } from './register.ts'
import type { TakeoverRoots } from './takeover-roots.ts'
import { coversStretch, makeTakeover, readTakeover, type Takeover, type TakeoverPlan } from './takeover-record.ts'
import type { Giver, GrantScope, Stretch, TakeoverTitle } from './title.ts'

/** A change of this peer's own records; undefined removes it. */
export interface TakeoverPublish {
  readonly kind: 'takeover' | 'acks'
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** How far a takeover is. */
export interface TakeoverProgress {
  readonly id: string
  readonly author: PeerId
  readonly victim: PeerId
  readonly blocks: number
  readonly isForced: boolean
  readonly isSettled: boolean
  /** Peers that agreed, and how many are needed. */
  readonly agreed: number
  readonly needed: number
  /** Who has not agreed, while it is not settled. */
  readonly waitsFor: readonly PeerId[]
}

export interface TakeoversOptions {
  readonly self: Giver
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly scope: () => GrantScope
  readonly blockCount: number
  /** The register in force of a block. */
  readonly registerOf: (block: number) => Register | undefined
}

interface Entry {
  readonly takeover: Takeover
  /** One for all blocks, so that those of one title are stated as one run. */
  readonly title: TakeoverTitle
  /** Whose records hold it. */
  readonly publishers: Set<PeerId>
  readonly seenAt: Millis
  isSettled: boolean
}

const NO_KEY = new Uint8Array(0)

/**
 * Takeovers of blocks whose owner is gone, and who agrees to them (docs/protocol.md §10.5).
 *
 * A takeover counts once a majority of the members but its victim agrees; or once one who is not its author says that
 * it saw it settled: so the peers do not part over who was a member when. A peer agrees when it cannot reach the victim
 * either, knows of no other owner of
 * the blocks, and has not agreed to another takeover of them. So of two at once at most one is settled; the author with
 * the greater id gives way to the other.
 */
export class Takeovers implements TakeoverRoots {
  readonly electorate: Electorate
  readonly #self: PeerId
  readonly #options: TakeoversOptions
  readonly #entries = new Map<string, Entry>()
  readonly #acks = new Map<PeerId, ReadonlyMap<string, boolean>>()
  /** This peer's acks: whether it saw the takeover settled. */
  readonly #ownAcks = new Map<string, boolean>()
  readonly #own = new Set<string>()
  readonly #publishes = new Map<string, TakeoverPublish>()
  #version = 0
  #advancedAt: Millis = 0

  constructor(options: TakeoversOptions) {
    this.#options = options
    this.#self = options.self.peerId
    this.electorate = new Electorate(this.#self)
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
    const entry = this.#entries.get(id)
    if (entry === undefined) return false
    return entry.isSettled || (entry.takeover.isForced && this.#ownAcks.has(id))
  }

  voids(term: number, block: number): boolean {
    return this.#replacing(term, { first: block, count: 1 }).length > 0
  }

  replaces(term: number, block: number): boolean {
    return this.#replacing(term, { first: block, count: 1 }).some(entry => this.#isRecent(entry))
  }

  /** Recent takeovers in force of any of these blocks. */
  recentOf(stretches: readonly Stretch[]): Set<string> {
    const recent = [...this.#entries.values()].filter(
      entry => this.#isRecent(entry) && this.isInForce(entry.takeover.id),
    )
    const found = recent.filter(({ takeover }) => overlap(takeover, { runs: stretches }))
    return new Set(found.map(({ takeover }) => takeover.id))
  }

  /** Takeovers of this peer that are in force. */
  ownInForce(): Takeover[] {
    return [...this.#entries.values()]
      .map(({ takeover }) => takeover)
      .filter(({ id, author }) => author === this.#self && this.isInForce(id))
  }

  /** True when the peer is gone by a settled takeover, and did not come back. */
  isRemoved(peer: PeerId): boolean {
    if (this.electorate.isReached(peer)) return false
    // Who agreed to it has returned since, and is a member as before.
    return this.#of(peer).some(
      ({ isSettled, takeover: { id, author } }) => isSettled && author !== peer && !this.#hasAgreed(peer, id),
    )
  }

  /** Who is removed. */
  removed(): Set<PeerId> {
    const victims = new Set([...this.#entries.values()].map(({ takeover }) => takeover.victim))
    return new Set([...victims].filter(victim => this.isRemoved(victim)))
  }

  /**
   * Takes what the ledger holds of `owner` under a key of kind `takeover`. Drops: those of `readTakeover`, and
   * `takeover-many`.
   */
  setRecord(owner: PeerId, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const id = toHex(key)
    if (value === undefined) {
      this.#withdrawn(id, owner)
      return undefined
    }
    const known = this.#entries.get(id)
    if (known !== undefined) {
      known.publishers.add(owner)
      if (owner === this.#self) this.#own.add(id)
      return undefined
    }
    if (owner !== this.#self && this.#isFull(owner)) return new Drop('takeover-many')
    const { suite, scope, blockCount } = this.#options
    const takeover = readTakeover(suite, scope(), blockCount, key, value)
    if (isDrop(takeover)) return takeover
    this.#enter(takeover, owner, now)
    return undefined
  }

  /** Takes what the ledger holds of `owner` of kind `acks`. Drops: `acks-malformed`. */
  setAcks(owner: PeerId, value: Uint8Array | undefined): Drop | undefined {
    const acks = value === undefined ? [] : decodeAcks(value)
    const list: readonly Ack[] = isDrop(acks) ? [] : acks
    if (owner === this.#self) {
      // What an earlier run agreed to: it does not take that back.
      for (const { takeover, isSettled } of list)
        this.#ownAcks.set(takeover, isSettled || this.#ownAcks.get(takeover) === true)
      for (const [id, isSettled] of this.#ownAcks) if (isSettled) this.#settle(this.#entries.get(id))
    } else {
      this.#acks.set(owner, new Map(list.map(({ takeover, isSettled }) => [takeover, isSettled])))
      if (list.length === 0) this.#acks.delete(owner)
    }
    return isDrop(acks) ? acks : undefined
  }

  /** Gives up all that is known of the mesh; own records are to be removed. */
  clear(): void {
    for (const id of this.#own) this.#publish('takeover', id, undefined)
    if (this.#ownAcks.size > 0) this.#publishes.set('acks', { kind: 'acks', key: NO_KEY, value: undefined })
    this.#entries.clear()
    this.#acks.clear()
    this.#ownAcks.clear()
    this.#own.clear()
    this.#version++
  }

  /** Publishes a takeover of this peer. */
  begin(plan: TakeoverPlan, now: Millis): Takeover {
    const { suite, self, scope } = this.#options
    const takeover = makeTakeover(suite, self, scope(), plan)
    if (this.#entries.has(takeover.id)) return takeover
    this.#enter(takeover, this.#self, now)
    this.#ownAcks.set(takeover.id, false)
    this.#publish('takeover', takeover.id, takeover.value)
    this.#publishAcks()
    this.advance(now)
    return takeover
  }

  /** Takes back a takeover of this peer; false when it is not known. */
  withdraw(id: string): boolean {
    const entry = this.#entries.get(id)
    if (entry === undefined || entry.takeover.author !== this.#self) return false
    entry.isSettled = false
    this.#publish('takeover', id, undefined)
    this.#own.delete(id)
    if (this.#ownAcks.delete(id)) this.#publishAcks()
    this.#withdrawn(id, this.#self)
    return true
  }

  /** Agrees to what can be agreed to, counts, and takes back what must not go on. */
  advance(now: Millis): void {
    this.#advancedAt = now
    for (let isChanged = true; isChanged;) {
      isChanged = false
      for (const entry of this.#entries.values()) {
        if (this.#mustWithdraw(entry)) isChanged = this.withdraw(entry.takeover.id) || isChanged
        else if (!entry.isSettled && this.#mayCount(entry)) {
          this.#settle(entry)
          this.#ack(entry.takeover.id, true)
          if (entry.takeover.author === this.#self) this.carry(new Set([entry.takeover.id]))
          isChanged = true
        } else if (!this.#ownAcks.has(entry.takeover.id) && this.#mayAgree(entry, now)) {
          this.#ack(entry.takeover.id, entry.isSettled)
          isChanged = true
        }
      }
    }
  }

  /** When somebody that is looked for has been away for long enough. */
  nextTimeout(now: Millis): Millis | undefined {
    let next: Millis | undefined
    for (const { takeover, isSettled } of this.#entries.values()) {
      const since = this.electorate.lostSince(takeover.victim)
      if (isSettled || since === undefined || this.#ownAcks.has(takeover.id)) continue
      const at = since + ACK_AFTER_MS
      if (at > now && (next === undefined || at < next)) next = at
    }
    return next
  }

  /** Takeovers of what a peer owned; not what it made a new root for itself. */
  of(victim: PeerId): TakeoverProgress[] {
    const entries = this.#of(victim).filter(({ takeover }) => takeover.author !== victim)
    return entries.map(entry => this.#progress(entry))
  }

  /** True while a new root for what this peer owns is not settled. */
  get isRenewing(): boolean {
    return this.#of(this.#self).some(({ takeover, isSettled }) => takeover.author === this.#self && !isSettled)
  }

  /** True when others would not listen to one more. */
  get isFull(): boolean {
    return this.#own.size >= TAKEOVERS_PER_PEER_MAX
  }

  all(): TakeoverProgress[] {
    return [...this.#entries.values()].map(entry => this.#progress(entry))
  }

  /** Own records that changed since the last call. */
  takePublishes(): TakeoverPublish[] {
    const publishes = [...this.#publishes.values()]
    this.#publishes.clear()
    return publishes
  }

  /** Publishes settled takeovers of somebody else too, for own blocks rest on them. */
  carry(ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || !entry.isSettled || this.#own.has(id)) continue
      this.#own.add(id)
      entry.publishers.add(this.#self)
      this.#publish('takeover', id, entry.takeover.value)
    }
  }

  /** Stops publishing a settled takeover on which nothing rests any more, unless it is young. */
  drop(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || this.#isRecent(entry) || !this.#own.delete(id)) return
    this.#publish('takeover', id, undefined)
    this.#withdrawn(id, this.#self)
  }

  /** Those in force that make titles of this term worth nothing. */
  #replacing(term: number, stretch: Stretch): Entry[] {
    const found: Entry[] = []
    for (const entry of this.#entries.values()) {
      const { takeover } = entry
      if (takeover.term > term && this.isInForce(takeover.id) && coversStretch(takeover, stretch)) found.push(entry)
    }
    return found
  }

  #isRecent({ seenAt }: Entry): boolean {
    return this.#advancedAt - seenAt < TAKEOVER_KEPT_MS
  }

  #enter(takeover: Takeover, publisher: PeerId, now: Millis): void {
    const isSettled = this.#ownAcks.get(takeover.id) === true
    const { id, term, author: owner } = takeover
    const title = { type: 'takeover', term, seq: 0, owner, takeover: id } as const
    this.#entries.set(id, { takeover, title, publishers: new Set([publisher]), seenAt: now, isSettled })
    if (publisher === this.#self) this.#own.add(id)
    this.#version++
  }

  #withdrawn(id: string, publisher: PeerId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.publishers.delete(publisher)
    if (publisher === this.#self) this.#own.delete(id)
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
    this.#entries.delete(id)
    if (this.#ownAcks.delete(id)) this.#publishAcks()
    this.#version++
  }

  #isFull(owner: PeerId): boolean {
    if (this.#entries.size >= TAKEOVERS_MAX) return true
    let count = 0
    for (const { publishers } of this.#entries.values()) if (publishers.has(owner)) count++
    return count >= TAKEOVERS_PER_PEER_MAX
  }

  #of(victim: PeerId): Entry[] {
    return [...this.#entries.values()].filter(({ takeover }) => takeover.victim === victim)
  }

  #settle(entry: Entry | undefined): void {
    if (entry === undefined || entry.isSettled) return
    entry.isSettled = true
    this.#version++
  }

  #ack(id: string, isSettled: boolean): void {
    if (this.#ownAcks.get(id) === isSettled) return
    this.#ownAcks.set(id, isSettled)
    this.#version++
    this.#publishAcks()
  }

  #publishAcks(): void {
    // Those that are known are fewer: what gives way is of takeovers that are forgotten.
    for (const id of this.#ownAcks.keys()) {
      if (this.#ownAcks.size <= ACKS_MAX) break
      if (!this.#entries.has(id)) this.#ownAcks.delete(id)
    }
    const acks = [...this.#ownAcks].map(([takeover, isSettled]) => ({ takeover, isSettled }))
    this.#publishes.set('acks', {
      kind: 'acks',
      key: NO_KEY,
      value: acks.length === 0 ? undefined : encodeAcks(acks),
    })
  }

  #publish(kind: 'takeover', id: string, value: Uint8Array | undefined): void {
    this.#publishes.set(id, { kind, key: fromHex(id)!, value })
  }

  /** Who decides about a takeover: the members, but its victim. */
  #voters({ takeover: { victim, author } }: Entry): PeerId[] {
    return [...this.electorate.members].filter(peer => peer !== victim || victim === author)
  }

  #hasAgreed(peer: PeerId, id: string): boolean {
    return peer === this.#self ? this.#ownAcks.has(id) : (this.#acks.get(peer)?.has(id) ?? false)
  }

  #mayCount(entry: Entry): boolean {
    if (this.#isObjected(entry)) return false
    // Two parts of a mesh that each removed the other's peers may both have settled one: registers tell which counts.
    if (this.#isWitnessed(entry)) return true
    return this.#hasMajority(entry) && !this.#isOvertaken(entry.takeover, entry.takeover.term)
  }

  /** A member besides the author, who is one too, saw it settled; the victim may be that. */
  #isWitnessed({ takeover: { id, author } }: Entry): boolean {
    const { members } = this.electorate
    if (!members.has(author)) return false
    for (const [peer, acks] of this.#acks)
      if (peer !== author && acks.get(id) === true && members.has(peer)) return true
    return false
  }

  #hasMajority(entry: Entry): boolean {
    const voters = this.#voters(entry)
    const agreed = voters.filter(peer => this.#hasAgreed(peer, entry.takeover.id)).length
    return agreed > voters.length / 2
  }

  /** This peer is said to be gone by one that reached it all the time. */
  #isObjected({ takeover, seenAt }: Entry): boolean {
    if (takeover.victim !== this.#self || takeover.author === this.#self) return false
    const since = this.electorate.reachedSince(takeover.author)
    return since !== undefined && seenAt - since > FAMILIAR_AFTER_MS
  }

  #mayAgree(entry: Entry, now: Millis): boolean {
    const { takeover, isSettled } = entry
    if (isSettled) return true
    const { victim, author } = takeover
    if (author === this.#self || victim === this.#self || !this.electorate.isReached(author)) return false
    if (victim !== author) {
      const since = this.electorate.lostSince(victim)
      if (this.electorate.isReached(victim) || (since !== undefined && now - since < ACK_AFTER_MS)) return false
    }
    if (!this.#fits(takeover) || this.#isOvertaken(takeover)) return false
    return !this.#rivals(entry).some(rival => this.#ownAcks.has(rival.takeover.id) && !this.#isAuthorGone(rival))
  }

  /** True when all its blocks are the victim's, as far as this peer knows, and its term is one more than theirs. */
  #fits({ runs, victim, term }: Takeover): boolean {
    let greatest = runs.length === 0 ? term - 1 : 0
    for (const { first, count } of runs) {
      for (let block = first; block < first + count; block++) {
        const register = this.#options.registerOf(block)
        if (register?.owner !== victim) return false
        greatest = Math.max(greatest, register.term)
      }
    }
    return term === greatest + 1
  }

  /** True when another one of the same blocks is settled that is not older; of no greater term than `termMax`. */
  #isOvertaken(takeover: Takeover, termMax = Infinity): boolean {
    for (const { takeover: other, isSettled } of this.#entries.values()) {
      if (!isSettled || other.id === takeover.id || other.term < takeover.term || other.term > termMax) continue
      if (overlap(other, takeover)) return true
    }
    return false
  }

  /** Others of the same blocks that are not settled. */
  #rivals({ takeover }: Entry): Entry[] {
    return [...this.#entries.values()].filter(
      other => other.takeover.id !== takeover.id && !other.isSettled && overlap(other.takeover, takeover),
    )
  }

  #isAuthorGone({ takeover }: Entry): boolean {
    const { author } = takeover
    return !this.electorate.isReached(author) && this.#of(author).some(one => this.#ownAcks.has(one.takeover.id))
  }

  /**
   * An own one that is not settled gives way to one of a lesser id, to a settled one, and to the victim's return; to
   * that even when it is, if this peer alone saw a majority, which is none with those who came back.
   */
  #mustWithdraw(entry: Entry): boolean {
    const { takeover, isSettled } = entry
    if (takeover.author !== this.#self || !this.#own.has(takeover.id)) return false
    if (isSettled) {
      const isBack = takeover.victim !== this.#self && this.electorate.isReached(takeover.victim)
      return isBack && !this.#hasMajority(entry) && !this.#isWitnessed(entry)
    }
    if (this.#isWitnessed(entry)) return false
    if (takeover.victim !== this.#self && this.electorate.isReached(takeover.victim)) return true
    if ((!takeover.isForced && !this.#fits(takeover)) || this.#isOvertaken(takeover)) return true
    return this.#rivals(entry).some(
      ({ takeover: other }) => other.id < takeover.id && this.electorate.isReached(other.author),
    )
  }

  #progress(entry: Entry): TakeoverProgress {
    const { id, author, victim, isForced, runs } = entry.takeover
    const voters = this.#voters(entry)
    const agreed = voters.filter(peer => this.#hasAgreed(peer, id))
    const waitsFor = entry.isSettled ? [] : voters.filter(peer => !agreed.includes(peer))
    return {
      id,
      author,
      victim,
      blocks: runs.reduce((sum, { count }) => sum + count, 0),
      isForced,
      isSettled: entry.isSettled,
      agreed: agreed.length,
      needed: Math.floor(voters.length / 2) + 1,
      waitsFor: waitsFor.sort(),
    }
  }
}

function overlap(a: Pick<Takeover, 'runs'>, b: Pick<Takeover, 'runs'>): boolean {
  if (a.runs.length === 0 || b.runs.length === 0) return false
  return a.runs.some(one => b.runs.some(two => one.first < two.first + two.count && two.first < one.first + one.count))
}
