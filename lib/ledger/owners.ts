import type { Millis } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { Capacity } from './capacity.ts'
import type { ChangeSet } from './changes.ts'
import type { LedgerLimits } from './constants.ts'
import { Owner } from './owner.ts'
import { OwnerRecords } from './owner-records.ts'
import { unpackRecord, type PackedRecord } from './packed-record.ts'
import type { Ask } from './reconciler.ts'
import { Standing, type ShareOf } from './standing.ts'
import { SumTable } from './sum-table.ts'

/** Where a new owner can go: a place is free, or somebody of lower standing must go for it. */
export interface Place {
  readonly instead: PeerId | undefined
}

/** All owners whose records are held, this peer included, with what they cost, where they stand, and their sums. */
export class Owners {
  readonly capacity: Capacity
  readonly sums: SumTable
  readonly #standing: Standing
  readonly #self: PeerId
  readonly #limits: LedgerLimits
  readonly #changes: ChangeSet
  readonly #held = new Map<PeerId, Owner>()
  /** Owner → the last seq held when it was collected. */
  readonly #collected = new Map<PeerId, number>()
  /** Who goes first; undefined: to be looked for, which made-up newcomers must not cause each time. */
  #lowest: ReturnType<Standing['lowest']>
  /** What is compared with others in place of this peer's own records. */
  #echo: OwnerRecords | undefined

  constructor(suite: Pick<CryptoSuite, 'hash'>, self: PeerId, limits: LedgerLimits, changes: ChangeSet) {
    this.#self = self
    this.#limits = limits
    this.#changes = changes
    this.capacity = new Capacity(limits)
    this.#standing = new Standing(self)
    this.sums = new SumTable(suite, owner => this.told(owner))
  }

  get size(): number {
    return this.#held.size
  }

  /** Whoever comes now needs the place of another. */
  get isFull(): boolean {
    return this.#held.size >= this.#limits.ownersMax
  }

  get collectedCount(): number {
    return this.#collected.size
  }

  get all(): ReadonlyMap<PeerId, Owner> {
    return this.#held
  }

  get(id: PeerId): Owner | undefined {
    return this.#held.get(id)
  }

  /** What others are told of an owner, and are asked about it: what is held, but see `setEcho`. */
  told(id: PeerId): OwnerRecords | undefined {
    return id === this.#self && this.#echo !== undefined ? this.#echo : this.#held.get(id)?.records
  }

  /** From now on others are told these in place of this peer's own records; undefined: those. */
  setEcho(records: OwnerRecords | undefined): void {
    this.#echo = records
    this.sums.changed(this.#self)
  }

  /** The seq at which the owner was collected; 0: it was not. */
  collectedSeq(id: PeerId): number {
    return this.#collected.get(id) ?? 0
  }

  /** An owner that is not held, and will not be before it is added. */
  candidate(id: PeerId, signingPublic: Uint8Array, now: Millis): Owner {
    const suspendedSince = this.#standing.isReachable(id) ? undefined : now
    return new Owner(new OwnerRecords(id, signingPublic), this.#limits, suspendedSince)
  }

  /** A place for an owner that is not held; undefined when those who are held stand as high or higher. */
  placeFor(id: PeerId): Place | undefined {
    if (!this.isFull) return { instead: undefined }
    this.#lowest ??= this.#standing.lowest(this.#held)
    const lowest = this.#lowest
    return lowest !== undefined && this.#standing.rankOf(id) < lowest.rank ? { instead: lowest.owner } : undefined
  }

  /**
   * What to ask of somebody who holds other records of the owner, up to `lastSeq`. Nothing that would find no room
   * here, or was collected: so a full ledger does not ask for ever.
   */
  ask(id: PeerId, lastSeq: number): Ask | undefined {
    const owner = this.#held.get(id)
    const collectedSeq = this.collectedSeq(id)
    if (owner === undefined)
      return lastSeq > collectedSeq && this.placeFor(id) !== undefined ? { above: collectedSeq } : undefined
    const { refused } = owner
    const records = this.told(id)!
    if (refused !== undefined && this.capacity.hasRoom(records, refused.cost)) owner.refused = undefined
    const above = Math.max(records.lastSeq, owner.refused?.seq ?? 0)
    if (lastSeq > above) return { above }
    const isWhole = owner.refused === undefined && collectedSeq === 0
    return isWhole && lastSeq === records.lastSeq ? 'differences' : undefined
  }

  add(owner: Owner): void {
    const { records } = owner
    this.#held.set(records.owner, owner)
    this.#lowest = undefined
    if (records.owner !== this.#self) this.capacity.moved(0, records.cost)
    this.#changes.owner(records.owner)
    this.sums.changed(records.owner)
  }

  /** Stores a record of a foreign owner that is held; it was judged `new` and found room. */
  store({ records }: Owner, packed: PackedRecord): void {
    const costBefore = records.cost
    for (const gone of records.store(packed)) this.#changes.gone(unpackRecord(records.owner, gone))
    this.capacity.moved(costBefore, records.cost)
    this.#changes.record(unpackRecord(records.owner, packed))
    this.sums.changed(records.owner)
  }

  /**
   * Takes up stored records of a foreign owner, held or a candidate. Returns those for which there is no room, or no
   * place.
   */
  restore(owner: Owner, stored: readonly PackedRecord[]): PackedRecord[] {
    const { records } = owner
    const isHeld = this.#held.has(records.owner)
    if (!isHeld && this.isFull) return [...stored]
    const left: PackedRecord[] = []
    if (!isHeld) this.capacity.moved(0, records.cost)
    for (const packed of stored) {
      const costBefore = records.cost
      if (records.judge(packed) !== 'new' || this.capacity.lack(records, packed) !== undefined) left.push(packed)
      else records.restore(packed)
      this.capacity.moved(costBefore, records.cost)
    }
    if (records.count > 0) this.#held.set(records.owner, owner)
    else this.capacity.moved(records.cost, 0)
    this.#lowest = undefined
    this.sums.changed(records.owner)
    return left
  }

  /** An owner that can be reached meanwhile is welcome. */
  restoreCollected(id: PeerId, seq: number): void {
    if (this.#standing.isReachable(id)) return this.#changes.owner(id)
    this.#collected.set(id, seq)
  }

  /** Drops an owner with its records. */
  drop(id: PeerId): void {
    const records = this.#held.get(id)?.records
    if (records === undefined) return
    for (const packed of records.ordered()) this.#changes.gone(unpackRecord(id, packed))
    this.#held.delete(id)
    this.#lowest = undefined
    this.capacity.moved(records.cost, 0)
    this.#changes.owner(id)
    this.sums.changed(id)
  }

  /** Drops an owner with its records, and remembers its last seq so that they do not come back. */
  collect(id: PeerId): void {
    const owner = this.#held.get(id)
    if (owner === undefined) return
    this.#collected.delete(id)
    this.#collected.set(id, owner.records.lastSeq)
    const [oldest] = this.#collected.keys()
    if (this.#collected.size > this.#limits.collectedMax && oldest !== undefined) this.welcome(oldest)
    this.drop(id)
  }

  /** Forgets that the owner was collected. */
  welcome(id: PeerId): void {
    if (this.#collected.delete(id)) this.#changes.owner(id)
  }

  /** Drops all but this peer, and what is remembered of others. */
  clear(): void {
    for (const id of [...this.#held.keys()]) if (id !== this.#self) this.drop(id)
    for (const id of [...this.#collected.keys()]) this.welcome(id)
  }

  /** Who is met lives, whatever it was collected at: it may have lost its store, and begin below that. */
  setMet(peers: Iterable<PeerId>): void {
    const met = [...peers]
    this.#standing.setMet(met)
    for (const peer of met) this.welcome(peer)
    this.#lowest = undefined
  }

  /** Returns the owners that are suspended, or resumed, by this. */
  setReachable(
    reachable: ReadonlySet<PeerId>,
    now: Millis,
    shareOf: ShareOf | undefined,
  ): { suspended: PeerId[]; resumed: PeerId[] } {
    this.#standing.setReachable(reachable, shareOf)
    this.#lowest = undefined
    const suspended: PeerId[] = []
    const resumed: PeerId[] = []
    for (const [id, owner] of this.#held) {
      const isReachable = this.#standing.isReachable(id)
      if (isReachable === (owner.suspendedSince === undefined)) continue
      owner.suspendedSince = isReachable ? undefined : now
      if (isReachable) resumed.push(id)
      else suspended.push(id)
    }
    for (const id of [...this.#collected.keys()]) if (reachable.has(id)) this.welcome(id)
    return { suspended, resumed }
  }
}
