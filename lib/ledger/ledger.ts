import { assert, equalBytes, type Chance, type Millis } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import {
  MESH_ID_BYTES,
  SUM_BYTES,
  type DeltaPart,
  type LedgerRecord,
  type LedgerSync,
  type LedgerWant,
} from '../wire/mod.ts'
import { ChangeSet, type LedgerChanges, type OwnerChange } from './changes.ts'
import { LEDGER_LIMITS, MET_RECORDS_MAX, type LedgerDrop, type LedgerLimits } from './constants.ts'
import { Merger, type MergeOutcome } from './merger.ts'
import { Owner } from './owner.ts'
import { Owners } from './owners.ts'
import { OwnRecords, type LedgerIdentity, type PutResult } from './own-records.ts'
import { OwnerRecords } from './owner-records.ts'
import { isTombstone, unpackRecord, type PackedRecord } from './packed-record.ts'
import { Reconciler } from './reconciler.ts'
import { Signatures } from './signatures.ts'
import type { ShareOf } from './standing.ts'
import type { StoredLedger } from './stored.ts'

export interface LedgerOptions {
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly identity: LedgerIdentity
  /** 16 bytes. */
  readonly meshId: Uint8Array
  readonly chance: Chance
  readonly limits?: Partial<LedgerLimits>
}

/** A live record as readers see it. */
export interface LedgerEntry {
  readonly owner: PeerId
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly seq: number
  /** The owner cannot be reached now. */
  readonly isSuspended: boolean
}

export interface OwnerStatus {
  readonly owner: PeerId
  /** The highest seq held. */
  readonly lastSeq: number
  readonly records: number
  /** On the wire. */
  readonly bytes: number
  /** Since when nobody reaches it; undefined while somebody does. */
  readonly suspendedSince: Millis | undefined
}

export interface LedgerReport {
  readonly owners: number
  readonly records: number
  /** On the wire. */
  readonly bytes: number
  /** In memory, as the limits count it. */
  readonly costBytes: number
  readonly suspended: number
  readonly collected: number
  readonly drops: Readonly<Record<string, number>>
}

/**
 * The replicated store: signed records, each written by its owner only, merged so that the order of arrival never
 * matters.
 *
 * Inputs: `put` and `remove` (own records), `merge`, `setReachable`, `setMet`, `collect`. Outputs: `takeOwnWrites` and
 * the `changed` of a merge (to pass on), `takeChanges` (to react to, and to store). Two ledgers find their differences
 * by `rootSync`, `answer` for each sync that comes, and `recordsFor` each want in it. Nothing that others say of what
 * they or we hold is believed: only signed records change anything. Foreign input never throws; what exceeds
 * LedgerLimits or is not genuine is dropped and counted in `drops`.
 *
 * A ledger that *listens* tells others nothing that this peer wrote in this run, and takes what they hold of it as it
 * would take that of anybody else. When it *speaks* all that is void, so what is worth keeping is to be read before.
 */
export class Ledger {
  readonly #self: PeerId
  readonly #limits: LedgerLimits
  readonly #changes = new ChangeSet()
  readonly #own: OwnRecords
  readonly #owners: Owners
  readonly #drops = new Map<LedgerDrop, number>()
  readonly #signatures: Signatures
  readonly #merger: Merger
  readonly #reconciler: Reconciler
  #meshId: Uint8Array
  /** What others hold of this peer, as far as it is known, while it listens. */
  #echo: OwnerRecords | undefined
  #met: LedgerRecord[] = []

  constructor(options: LedgerOptions) {
    const { suite, identity, meshId, chance } = options
    assert(meshId.length === MESH_ID_BYTES, `a mesh id of ${meshId.length} bytes`)
    this.#self = identity.peerId
    this.#meshId = meshId.slice()
    this.#limits = { ...LEDGER_LIMITS, ...options.limits }
    this.#owners = new Owners(suite, this.#self, this.#limits, this.#changes)
    this.#own = new OwnRecords({
      identity,
      meshId: this.#meshId,
      limits: this.#limits,
      chance,
      changes: this.#changes,
      onWrite: () => this.#owners.sums.changed(this.#self),
    })
    this.#owners.add(new Owner(this.#own.records, this.#limits, undefined))
    this.takeChanges()
    this.#signatures = new Signatures(suite, () => this.#meshId)
    this.#merger = new Merger({
      owners: this.#owners,
      own: this.#own,
      signatures: this.#signatures,
      echo: () => this.#echo,
      onMet: records => this.#met.push(...records.slice(0, MET_RECORDS_MAX - this.#met.length)),
    })
    this.#reconciler = new Reconciler({
      table: this.#owners.sums,
      recordsOf: owner => this.#owners.told(owner),
      ask: (owner, lastSeq) => this.#owners.ask(owner, lastSeq),
      chance,
      messageBytesMax: this.#limits.messageBytesMax,
    })
  }

  get meshId(): Uint8Array {
    return this.#meshId
  }

  /** The last seq that this peer gave, or met. */
  get ownSeq(): number {
    return this.#own.lastSeq
  }

  /** Totals of what was dropped since the start. */
  get drops(): ReadonlyMap<LedgerDrop, number> {
    return this.#drops
  }

  /** Writes an own record: kind 1 … 255, key ≤ 64 bytes, value ≤ 16 KiB. An equal value writes nothing. */
  put(kind: number, key: Uint8Array, value: Uint8Array): PutResult {
    return this.#own.put(kind, key, value)
  }

  /** Leaves a tombstone; false when there is no such live record. */
  remove(kind: number, key: Uint8Array): boolean {
    return this.#own.remove(kind, key)
  }

  /** The live record, whether or not its owner is suspended. */
  get(owner: PeerId, kind: number, key: Uint8Array): LedgerRecord | undefined {
    const record = this.held(owner, kind, key)
    return record?.isTombstone ? undefined : record
  }

  /** What is held in this place, a tombstone included: to pass it on. */
  held(owner: PeerId, kind: number, key: Uint8Array): LedgerRecord | undefined {
    return this.#owners.get(owner)?.records.get(kind, key)
  }

  /** All live records of a kind. */
  records(kind: number): LedgerEntry[] {
    const entries: LedgerEntry[] = []
    for (const [owner, { records, suspendedSince }] of this.#owners.all) {
      for (const packed of records.ofKind(kind)) {
        if (isTombstone(packed)) continue
        const { key, value, seq } = unpackRecord(owner, packed)
        entries.push({ owner, key, value, seq, isSuspended: suspendedSince !== undefined })
      }
    }
    return entries
  }

  /** How many owners records are held of, this peer included. */
  get ownerCount(): number {
    return this.#owners.size
  }

  /** As many owners as there may be: whoever comes now needs the place of another. */
  get isFull(): boolean {
    return this.#owners.isFull
  }

  /** What is held of one owner and kind, tombstones included. */
  recordsOf(owner: PeerId, kind: number): LedgerRecord[] {
    const records = this.#owners.get(owner)?.records.ofKind(kind) ?? []
    return [...records].map(packed => unpackRecord(owner, packed))
  }

  /** Every owner whose records are held, this peer included. */
  owners(): OwnerStatus[] {
    return [...this.#owners.all].map(([owner, { records, suspendedSince }]) => ({
      owner,
      lastSeq: records.lastSeq,
      records: records.count,
      bytes: records.bytes,
      suspendedSince,
    }))
  }

  report(): LedgerReport {
    const totals = { records: 0, bytes: 0, costBytes: 0, suspended: 0 }
    for (const { records, suspendedSince } of this.#owners.all.values()) {
      totals.records += records.count
      totals.bytes += records.bytes
      totals.costBytes += records.cost
      if (suspendedSince !== undefined) totals.suspended++
    }
    const { size: owners, collectedCount: collected } = this.#owners
    return { owners, ...totals, collected, drops: Object.fromEntries(this.#drops) }
  }

  /** The Ed25519 key behind an owner's id: 32 bytes. */
  signingPublicOf(owner: PeerId): Uint8Array | undefined {
    return this.#owners.get(owner)?.records.signingPublic
  }

  /** Own records written since the last call and still held, ascending: for the link neighbours. */
  takeOwnWrites(): LedgerRecord[] {
    return this.#echo === undefined ? this.#own.takeWrites() : []
  }

  /** True while others are told nothing that this peer wrote in this run. */
  get isListening(): boolean {
    return this.#echo !== undefined
  }

  /** Own live records of a kind that others hold and this run does not, or not so. Only while it listens. */
  heard(kind: number): LedgerRecord[] {
    const heard = [...(this.#echo?.ofKind(kind) ?? [])].map(packed => unpackRecord(this.#self, packed))
    return heard.filter(record => {
      const own = this.#own.records.get(kind, record.key)
      return !record.isTombstone && (own === undefined || own.isTombstone || !equalBytes(own.value, record.value))
    })
  }

  /** Ends listening: publishes what this peer wrote above all that was heard of it, which is void by that. */
  speak(): void {
    if (this.#echo === undefined) return
    this.#own.raise(this.#echo.lastSeq)
    this.#echo = undefined
    this.#owners.setEcho(undefined)
    this.#own.restart()
  }

  /** Own records that others held and this run did not write, met since the last call; some at most. */
  takeMet(): readonly LedgerRecord[] {
    const met = this.#met
    this.#met = []
    return met
  }

  /** What a sync that asks for everything under these prefixes says: that nothing is held there. */
  probe(prefixes: readonly string[]): LedgerSync {
    const sum = new Uint8Array(SUM_BYTES)
    return { sums: [...prefixes].sort().map(prefix => ({ prefix, sum })), lists: [], wants: [] }
  }

  /** The sum of what is told of the owners under a prefix. */
  sumUnder(prefix: string): Uint8Array {
    return this.#owners.sums.sumUnder(prefix)
  }

  /** The highest seq told of an owner; 0 when there is none. */
  lastSeqOf(owner: PeerId): number {
    return this.#owners.told(owner)?.lastSeq ?? 0
  }

  /** True when records of the owner up to `lastSeq` are lacking here, and there is room for them. */
  lacks(owner: PeerId, lastSeq: number): boolean {
    return lastSeq > this.lastSeqOf(owner) && this.#owners.ask(owner, lastSeq) !== undefined
  }

  /** What changed since the last call: own and merged records, and what is gone. */
  takeChanges(): LedgerChanges {
    return this.#changes.take(owner => this.#describe(owner))
  }

  /** How a reconciliation begins: the sum of all that is held. */
  rootSync(): LedgerSync {
    return this.#reconciler.rootSync()
  }

  /**
   * What to say to a sync, in one message: sums or lists where sums differ; where lists differ, what we hold and they
   * do not (they will ask for it), and what we want. Undefined: nothing. Wants are not answered here, see `recordsFor`.
   */
  answer(sync: LedgerSync): LedgerSync | undefined {
    return this.#reconciler.answer(sync)
  }

  /** What answers a want: at least one record, ascending, up to all that one owner may have. Undefined: nothing. */
  recordsFor(want: LedgerWant): { signingPublic: Uint8Array; records: readonly LedgerRecord[] } | undefined {
    const records = this.#reconciler.recordsFor(want).map(packed => unpackRecord(want.owner, packed))
    const signingPublic = this.#owners.told(want.owner)?.signingPublic
    return records.length === 0 || signingPublic === undefined ? undefined : { signingPublic, records }
  }

  /** Merges what is genuine and finds room, record by record. */
  merge(part: DeltaPart, now: Millis): MergeOutcome {
    const outcome = this.#merger.merge(part, now)
    for (const [reason, count] of Object.entries(outcome.dropped) as [LedgerDrop, number][])
      this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + count)
    return outcome
  }

  /**
   * Peers that this one has itself met: they proved on a link who they are. They keep their place before all others.
   */
  setMet(peers: Iterable<PeerId>): void {
    this.#owners.setMet(peers)
  }

  /**
   * The peers that can be reached; the others are suspended from `now` on. One that comes back after it was collected
   * is welcome again. `shareOf`: what part of the places a peer may have, wanted when the ledger is full. Returns the
   * owners for which it changed whether they are suspended.
   */
  setReachable(
    reachable: ReadonlySet<PeerId>,
    now: Millis,
    shareOf?: ShareOf,
  ): { suspended: PeerId[]; resumed: PeerId[] } {
    return this.#owners.setReachable(reachable, now, shareOf)
  }

  /**
   * Does what is due: drops owners that nobody has reached for long. Call it now and then. Returns the dropped ones.
   */
  collect(now: Millis): PeerId[] {
    this.#own.recover(now)
    const due = [...this.#owners.all]
      .filter(([, { suspendedSince: since }]) => since !== undefined && now - since >= this.#limits.collectAfterMs)
      .map(([id]) => id)
    for (const id of due) this.#owners.collect(id)
    return due
  }

  /**
   * Drops an owner with its records, and keeps its last seq so that they do not come back. False for self and the
   * unknown.
   */
  forgetOwner(id: PeerId): boolean {
    if (id === this.#self || this.#owners.get(id) === undefined) return false
    this.#owners.collect(id)
    return true
  }

  /** Its records are taken in again, those from before it was forgotten too. */
  welcome(id: PeerId): void {
    this.#owners.welcome(id)
  }

  /**
   * Moves to another mesh: own records are signed anew, foreign ones are dropped. `listens`: it may have known this peer
   * before.
   */
  setMesh(meshId: Uint8Array, listens = false): void {
    assert(meshId.length === MESH_ID_BYTES, `a mesh id of ${meshId.length} bytes`)
    if (equalBytes(meshId, this.#meshId)) return
    this.#meshId = meshId.slice()
    this.#owners.clear()
    this.#own.setMesh(this.#meshId)
    if (listens) this.#listen([])
    else this.speak()
  }

  /**
   * Begins a run on what an earlier one stored (which may be nothing), before anything is written. Signatures are
   * checked unless the store is trusted; what is not genuine, or finds no room, is left out. Own records are published
   * anew, above all that the earlier run can have sent: take the changes and store them; `listens`: not before `speak`.
   * Returns how many records were left out.
   */
  restore(stored: StoredLedger, isTrusted: boolean, now: Millis, listens = false): number {
    const left = this.restoreForeign(stored, isTrusted, now)
    const forged: PackedRecord[] = []
    const genuine: PackedRecord[] = []
    const { signingPublic } = this.#own.records
    for (const packed of stored.records.get(this.#self) ?? [])
      (isTrusted || this.#isGenuine(this.#self, packed, signingPublic) ? genuine : forged).push(packed)
    for (const packed of forged) this.#changes.gone(unpackRecord(this.#self, packed))
    this.#own.restore(genuine, stored.owners.find(({ owner }) => owner === this.#self)?.ownSeq ?? 0)
    if (listens) this.#listen(genuine)
    else this.#own.restart()
    return left + forged.length
  }

  #listen(known: readonly PackedRecord[]): void {
    const echo = new OwnerRecords(this.#self, this.#own.records.signingPublic)
    for (const packed of known) if (echo.judge(packed) === 'new') echo.restore(packed)
    this.#echo = echo
    this.#owners.setEcho(echo)
  }

  /**
   * Takes up a piece of what was stored of others; at any time, and piece by piece. What is held already stays. Returns
   * how many records were left out.
   */
  restoreForeign(stored: StoredLedger, isTrusted: boolean, now: Millis): number {
    let left = 0
    for (const { owner, signingPublic, collectedSeq } of stored.owners) {
      if (owner === this.#self) continue
      if (collectedSeq > 0) this.#owners.restoreCollected(owner, collectedSeq)
      if (signingPublic !== undefined)
        left += this.#restoreForeign(owner, signingPublic, stored.records.get(owner) ?? [], isTrusted, now)
    }
    return left + this.#leaveOutKeyless(stored)
  }

  /** Sums what changed since the last comparison, which costs what changed: so that the next one need not. */
  sumUp(): void {
    this.rootSync()
  }

  #restoreForeign(
    id: PeerId,
    signingPublic: Uint8Array,
    stored: readonly PackedRecord[],
    isTrusted: boolean,
    now: Millis,
  ): number {
    const genuine: PackedRecord[] = []
    const left: PackedRecord[] = []
    const isKey = this.#signatures.isKeyOf(id, signingPublic)
    for (const packed of stored)
      (isKey && (isTrusted || this.#isGenuine(id, packed, signingPublic)) ? genuine : left).push(packed)
    const owner = this.#owners.get(id) ?? this.#owners.candidate(id, signingPublic, now)
    left.push(...this.#owners.restore(owner, genuine))
    // Where a newer one is held, that is what the store has, or will have.
    for (const packed of left)
      if (owner.records.sameSlot(packed) === undefined) this.#changes.gone(unpackRecord(id, packed))
    if (this.#owners.get(id) === undefined) this.#changes.owner(id)
    return left.length
  }

  /** Records of owners whose entry the store has lost. */
  #leaveOutKeyless(stored: StoredLedger): number {
    const keyed = new Set(stored.owners.filter(owner => owner.signingPublic !== undefined).map(({ owner }) => owner))
    let left = 0
    for (const [owner, records] of stored.records) {
      if (owner === this.#self || keyed.has(owner)) continue
      for (const packed of records) this.#changes.gone(unpackRecord(owner, packed))
      left += records.length
    }
    return left
  }

  #isGenuine(owner: PeerId, packed: PackedRecord, signingPublic: Uint8Array): boolean {
    return this.#signatures.isGenuine(unpackRecord(owner, packed), signingPublic)
  }

  #describe(owner: PeerId): OwnerChange {
    return {
      owner,
      signingPublic: this.#owners.get(owner)?.records.signingPublic,
      ownSeq: owner === this.#self ? this.#own.lastSeq : 0,
      collectedSeq: this.#owners.collectedSeq(owner),
    }
  }
}
