import { assert } from '../base/assert.ts'
import { equalBytes } from '../base/bytes.ts'
import type { Chance, Millis } from '../base/ports.ts'
import type { PeerId } from '../address/peer-id.ts'
import { peerIdOf } from '../crypto/identity.ts'
import type { CryptoSuite } from '../crypto/suite.ts'
import { DELTA_FIXED_BYTES, deltaTo, type LedgerDelta, type LedgerDigest } from '../wire/ledger-message.ts'
import { MESH_ID_BYTES, recordBytes, recordSignedBytes, type LedgerRecord } from '../wire/record.ts'
import { ChangeSet, type LedgerChanges, type OwnerChange } from './changes.ts'
import { LEDGER_LIMITS, type LedgerDrop, type LedgerLimits } from './constants.ts'
import { OwnerRecords } from './owner-records.ts'
import { OwnRecords, type LedgerIdentity, type PutResult } from './own-records.ts'
import { Reconciler } from './reconciler.ts'
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
  /** Everything up to here is held. */
  readonly mark: number
  readonly records: number
  readonly bytes: number
  /** Since when nobody reaches it; undefined while somebody does. */
  readonly suspendedSince: Millis | undefined
}

export interface DeltaOutcome {
  /** Records that were new here, tombstones included. */
  readonly changed: readonly LedgerRecord[]
  /** What to pass on to the other link neighbours; undefined when nothing was new. */
  readonly relay: LedgerDelta | undefined
  /** Records dropped, by reason; a whole delta counts as one. */
  readonly dropped: Readonly<Partial<Record<LedgerDrop, number>>>
}

interface Owner {
  records: OwnerRecords
  suspendedSince: Millis | undefined
}

/**
 * The replicated store: signed records, each written by its owner only, merged so that the order of arrival never matters.
 *
 * Inputs: `put` and `remove` (own records), `handleDelta`, `handleDigest`, `setReachable`, `collect`. Outputs:
 * `takeOwnDeltas` (for every link neighbour, soon after a write), the outcome's `relay`, `handleDigest`'s answers, and
 * `takeChanges` (to react to, and to store). Send `digest(true)` to a random neighbour now and then, and on every new link.
 * Foreign input never throws; what exceeds LedgerLimits or is not genuine is dropped and counted in `drops`.
 */
export class Ledger {
  readonly #suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly #self: PeerId
  readonly #limits: LedgerLimits
  readonly #changes = new ChangeSet()
  readonly #own: OwnRecords
  readonly #owners = new Map<PeerId, Owner>()
  /** Owner → the last seq held when it was collected. */
  readonly #collected = new Map<PeerId, number>()
  readonly #drops = new Map<LedgerDrop, number>()
  readonly #reconciler: Reconciler
  #meshId: Uint8Array
  #foreignBytes = 0

  constructor(options: LedgerOptions) {
    assert(options.meshId.length === MESH_ID_BYTES, `a mesh id of ${options.meshId.length} bytes`)
    this.#suite = options.suite
    this.#self = options.identity.peerId
    this.#meshId = options.meshId.slice()
    this.#limits = { ...LEDGER_LIMITS, ...options.limits }
    this.#own = new OwnRecords(options.identity, this.#meshId, this.#limits, options.chance, this.#changes)
    this.#reconciler = new Reconciler(this.#owners, this.#collected, this.#limits.messageBytesMax)
    this.#owners.set(this.#self, { records: this.#own.records, suspendedSince: undefined })
  }

  get meshId(): Uint8Array {
    return this.#meshId
  }

  /** This peer's own counter. */
  get ownSeq(): number {
    return this.#own.records.mark
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
    const record = this.#owners.get(owner)?.records.get(kind, key)
    return record?.isTombstone ? undefined : record
  }

  /** All live records of a kind. */
  records(kind: number): LedgerEntry[] {
    const entries: LedgerEntry[] = []
    for (const [owner, { records, suspendedSince }] of this.#owners) {
      for (const { key, value, seq, isTombstone } of records.ofKind(kind)) {
        if (!isTombstone) entries.push({ owner, key, value, seq, isSuspended: suspendedSince !== undefined })
      }
    }
    return entries
  }

  /** Every owner whose records are held, this peer included. */
  owners(): OwnerStatus[] {
    return [...this.#owners].map(([owner, { records, suspendedSince }]) => ({
      owner,
      mark: records.mark,
      records: records.count,
      bytes: records.bytes,
      suspendedSince,
    }))
  }

  /** The Ed25519 key behind an owner's id: 32 bytes. */
  signingPublicOf(owner: PeerId): Uint8Array | undefined {
    return this.#owners.get(owner)?.records.signingPublic
  }

  /** What was written here since the last call, for all link neighbours. */
  takeOwnDeltas(): LedgerDelta[] {
    return this.#own.takeDeltas()
  }

  /** What changed since the last call: own and merged records, and what is gone. */
  takeChanges(): LedgerChanges {
    return this.#changes.take(owner => this.#describe(owner))
  }

  /** What is held of all owners, in messages that each speak of a part of them. */
  digest(wantsReply: boolean): LedgerDigest[] {
    return this.#reconciler.digests({ after: undefined, until: undefined }, wantsReply)
  }

  /** Answers a digest: with deltas that the other side lacks and, when it asked and we lack something, digests of ours. */
  handleDigest(digest: LedgerDigest, budgetBytes: number): { deltas: LedgerDelta[]; digests: LedgerDigest[] } {
    const deltas = this.#reconciler.deltasFor(digest, budgetBytes)
    const isReplyDue = digest.wantsReply && this.#reconciler.lacks(digest)
    return { deltas, digests: isReplyDue ? this.#reconciler.digests(digest, false) : [] }
  }

  /** What the sender of the digest lacks, in at most `budgetBytes` (but one delta, where one is due, whatever its size). */
  deltasFor(digest: LedgerDigest, budgetBytes: number): LedgerDelta[] {
    return this.#reconciler.deltasFor(digest, budgetBytes)
  }

  /** Merges a decoded delta. After a drop of the whole delta the state has not changed. */
  handleDelta(delta: LedgerDelta, now: Millis): DeltaOutcome {
    const known = this.#owners.get(delta.owner)
    if (!this.#isKeyOf(delta, known?.records)) return this.#dropped('key-mismatch')
    if (delta.owner === this.#self) return this.#handleOwn(delta, now)
    const records = known?.records ?? new OwnerRecords(delta.owner, delta.signingPublic)
    const collectedSeq = this.#collected.get(delta.owner) ?? 0
    const fresh = delta.records.filter(record => record.seq > collectedSeq && records.judge(record) === 'new')
    if (known === undefined && fresh.length > 0 && this.#owners.size >= this.#limits.ownersMax) {
      return this.#dropped('too-many-owners')
    }
    if (!fresh.every(record => this.#isGenuine(record, delta.signingPublic))) return this.#dropped('bad-signature')
    const { changed, dropped } = this.#merge(records, fresh)
    const collected = delta.records.filter(record => record.seq <= collectedSeq).length
    if (collected > 0) dropped.collected = collected
    this.#count(dropped)
    if (known === undefined && changed.length > 0) {
      this.#owners.set(delta.owner, { records, suspendedSince: now })
    }
    // With something left out the delta's claim does not hold here.
    const isComplete = Object.keys(dropped).length === 0 && delta.from <= records.mark
    if (isComplete && records.raiseMark(deltaTo(delta))) this.#changes.owner(delta.owner)
    return {
      changed,
      relay: changed.length > 0 ? relayOf(delta, records, this.#limits.messageBytesMax) : undefined,
      dropped,
    }
  }

  /**
   * Which owners somebody reaches now; the others are suspended from `now` on. One that comes back after it was collected
   * is welcome again. Returns the owners for which that changed.
   */
  setReachable(owners: ReadonlySet<PeerId>, now: Millis): { suspended: PeerId[]; resumed: PeerId[] } {
    const suspended: PeerId[] = []
    const resumed: PeerId[] = []
    for (const [id, owner] of this.#owners) {
      const isReachable = id === this.#self || owners.has(id)
      if (isReachable && owner.suspendedSince !== undefined) {
        owner.suspendedSince = undefined
        resumed.push(id)
      } else if (!isReachable && owner.suspendedSince === undefined) {
        owner.suspendedSince = now
        suspended.push(id)
      }
    }
    for (const id of this.#collected.keys()) {
      if (!owners.has(id)) continue
      this.#collected.delete(id)
      this.#changes.owner(id)
    }
    return { suspended, resumed }
  }

  /** Does what is due: drops owners that nobody has reached for long. Call it now and then. Returns the dropped ones. */
  collect(now: Millis): PeerId[] {
    this.#own.recover(now)
    const due = [...this.#owners]
      .filter(([, { suspendedSince: since }]) => since !== undefined && now - since >= this.#limits.collectAfterMs)
      .map(([id]) => id)
    for (const id of due) this.forgetOwner(id)
    return due
  }

  /** Drops an owner with its records, and keeps its last seq so that they do not come back. False for self and strangers. */
  forgetOwner(id: PeerId): boolean {
    const owner = this.#owners.get(id)
    if (owner === undefined || id === this.#self) return false
    this.#collected.delete(id)
    this.#collected.set(id, owner.records.lastSeq)
    const [oldest] = this.#collected.keys()
    if (this.#collected.size > this.#limits.collectedMax && oldest !== undefined) {
      this.#collected.delete(oldest)
      this.#changes.owner(oldest)
    }
    this.#dropOwner(id, owner)
    return true
  }

  /** Moves to another mesh: own records are signed anew, foreign ones are dropped. */
  setMesh(meshId: Uint8Array): void {
    assert(meshId.length === MESH_ID_BYTES, `a mesh id of ${meshId.length} bytes`)
    if (equalBytes(meshId, this.#meshId)) return
    this.#meshId = meshId.slice()
    for (const [id, owner] of this.#owners) if (id !== this.#self) this.#dropOwner(id, owner)
    for (const id of this.#collected.keys()) this.#changes.owner(id)
    this.#collected.clear()
    this.#own.setMesh(this.#meshId)
  }

  /**
   * Begins a run on what an earlier one stored (which may be nothing), before anything is written. Signatures are checked
   * unless the store is trusted; what is not genuine is left out. Own records are published anew, above all that the
   * earlier run can have sent: take the changes and store them. Returns how many records were left out.
   */
  restore(stored: StoredLedger, isTrusted: boolean, now: Millis): number {
    const skipped: LedgerRecord[] = []
    for (const { owner, signingPublic, mark, collectedSeq } of stored.owners) {
      const all = stored.records.get(owner) ?? []
      if (collectedSeq > 0 && owner !== this.#self) this.#collected.set(owner, collectedSeq)
      const key = signingPublic && this.#isKeyOf({ owner, signingPublic }, undefined) ? signingPublic : undefined
      const isRoom = owner === this.#self || this.#owners.size < this.#limits.ownersMax
      const genuine = key && isRoom ? all.filter(record => isTrusted || this.#isGenuine(record, key)) : []
      skipped.push(...all.filter(record => !genuine.includes(record)))
      if (owner === this.#self) this.#own.restore(genuine, mark)
      else if (key && genuine.length > 0) {
        const records = new OwnerRecords(owner, key)
        const { dropped } = this.#merge(
          records,
          [...genuine].sort((a, b) => a.seq - b.seq),
        )
        if (genuine.length === all.length && Object.keys(dropped).length === 0) records.raiseMark(mark)
        this.#owners.set(owner, { records, suspendedSince: now })
      }
    }
    // The store holds all this already, but for what was left out.
    this.takeChanges()
    for (const record of skipped) this.#changes.gone(record)
    this.#own.restart()
    return skipped.length
  }

  #handleOwn(delta: LedgerDelta, now: Millis): DeltaOutcome {
    const foreign = delta.records.filter(record => this.#own.isForeign(record))
    if (!foreign.every(record => this.#isGenuine(record, delta.signingPublic))) return this.#dropped('bad-signature')
    if (foreign.length > 0) this.#own.meet(foreign, now)
    return { changed: [], relay: undefined, dropped: {} }
  }

  #merge(
    records: OwnerRecords,
    fresh: readonly LedgerRecord[],
  ): { changed: LedgerRecord[]; dropped: Partial<Record<LedgerDrop, number>> } {
    const changed: LedgerRecord[] = []
    const dropped: Partial<Record<LedgerDrop, number>> = {}
    for (const record of fresh) {
      const full = this.#lacksRoom(records, record)
      if (full) {
        dropped[full] = (dropped[full] ?? 0) + 1
        continue
      }
      const bytesBefore = records.bytes
      for (const gone of records.store(record)) this.#changes.gone(gone)
      this.#foreignBytes += records.bytes - bytesBefore
      this.#changes.record(record)
      changed.push(record)
    }
    return { changed, dropped }
  }

  #lacksRoom(records: OwnerRecords, record: LedgerRecord): LedgerDrop | undefined {
    const growth = records.growth(record)
    if (growth.records > 0 && records.count + growth.records > this.#limits.ownerRecordsMax) return 'too-many-records'
    if (growth.bytes <= 0) return undefined
    if (records.bytes + growth.bytes > this.#limits.ownerBytesMax) return 'owner-too-large'
    const total = this.#own.records.bytes + this.#foreignBytes + growth.bytes
    return total > this.#limits.totalBytesMax ? 'ledger-full' : undefined
  }

  #isKeyOf(delta: Pick<LedgerDelta, 'owner' | 'signingPublic'>, known: OwnerRecords | undefined): boolean {
    if (known) return equalBytes(known.signingPublic, delta.signingPublic)
    return peerIdOf(this.#suite, delta.signingPublic) === delta.owner
  }

  #isGenuine(record: LedgerRecord, signingPublic: Uint8Array): boolean {
    return this.#suite.verify(signingPublic, recordSignedBytes(this.#meshId, record), record.signature)
  }

  #dropped(reason: LedgerDrop): DeltaOutcome {
    const dropped = { [reason]: 1 }
    this.#count(dropped)
    return { changed: [], relay: undefined, dropped }
  }

  #count(dropped: Partial<Record<LedgerDrop, number>>): void {
    for (const [reason, count] of Object.entries(dropped) as [LedgerDrop, number][]) {
      this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + count)
    }
  }

  #dropOwner(id: PeerId, { records }: Owner): void {
    for (const record of records.ordered()) this.#changes.gone(record)
    this.#changes.owner(id)
    this.#foreignBytes -= records.bytes
    this.#owners.delete(id)
  }

  #describe(owner: PeerId): OwnerChange {
    const records = this.#owners.get(owner)?.records
    const collectedSeq = this.#collected.get(owner) ?? 0
    return { owner, signingPublic: records?.signingPublic, mark: records?.mark ?? 0, collectedSeq }
  }
}

/**
 * What may be passed on of a delta: its claim, with the records as they are held here, for only those were checked. One
 * that has been overwritten meanwhile is no longer live, so leaving it out keeps the claim true. What is held under the
 * same seq may be larger than what was sent, so the size is bounded: a beginning of a true claim is a true claim.
 */
function relayOf(delta: LedgerDelta, records: OwnerRecords, bytesMax: number): LedgerDelta | undefined {
  const held: LedgerRecord[] = []
  let bytes = DELTA_FIXED_BYTES
  for (const { kind, key, seq } of delta.records) {
    const record = records.get(kind, key)
    if (record?.seq !== seq) continue
    bytes += recordBytes(record)
    if (bytes > bytesMax) break
    held.push(record)
  }
  return held.length === 0 ? undefined : { ...delta, signingPublic: records.signingPublic, records: held }
}
