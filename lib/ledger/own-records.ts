import { assert, equalBytes, type Chance, type Millis } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import {
  RECORD_KEY_BYTES_MAX,
  RECORD_KIND,
  RECORD_SIGNATURE_BYTES,
  RECORD_VALUE_BYTES_MAX,
  recordSignedBytes,
  type LedgerRecord,
} from '../wire/mod.ts'
import type { ChangeSet } from './changes.ts'
import {
  COMPACT_TOMBSTONE_SHARE,
  LEAP_MIN,
  LEAP_SPREAD,
  SURPLUS_TOMBSTONE_SHARE,
  type LedgerLimits,
} from './constants.ts'
import { OwnerRecords } from './owner-records.ts'
import { packRecord, seqOf, unpackRecord, type PackedRecord } from './packed-record.ts'

/** Who writes here. */
export interface LedgerIdentity {
  readonly peerId: PeerId
  /** 32 bytes; `peerId` is its hash. */
  readonly signingPublic: Uint8Array
  /** Ed25519: 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/** What became of a `put`: `full` when the owner's limits leave no room, and nothing was changed. */
export type PutResult = 'stored' | 'unchanged' | 'full'

const NO_BYTES = new Uint8Array(0)
const UNSIGNED = new Uint8Array(RECORD_SIGNATURE_BYTES)

/** The records that this peer writes, and its last seq. */
export class OwnRecords {
  readonly records: OwnerRecords
  readonly #identity: LedgerIdentity
  readonly #limits: LedgerLimits
  readonly #chance: Chance
  readonly #changes: ChangeSet
  readonly #onWrite: () => void
  #meshId: Uint8Array
  #lastSeq = 0
  #published = 0
  #isRecoveryDue = false
  #recoveredAt: Millis | undefined

  constructor(given: {
    readonly identity: LedgerIdentity
    readonly meshId: Uint8Array
    readonly limits: LedgerLimits
    readonly chance: Chance
    readonly changes: ChangeSet
    /** Called when the records are others than before. */
    readonly onWrite: () => void
  }) {
    this.#identity = given.identity
    this.#meshId = given.meshId
    this.#limits = given.limits
    this.#chance = given.chance
    this.#changes = given.changes
    this.#onWrite = given.onWrite
    this.records = new OwnerRecords(given.identity.peerId, given.identity.signingPublic)
  }

  /** The highest seq that was given, or met. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  put(kind: number, key: Uint8Array, value: Uint8Array): PutResult {
    assert(kind > RECORD_KIND.floor && kind <= 0xff, `a record of kind ${kind}`)
    assert(key.length <= RECORD_KEY_BYTES_MAX, `a record key of ${key.length} bytes`)
    assert(value.length <= RECORD_VALUE_BYTES_MAX, `a record value of ${value.length} bytes`)
    const held = this.records.get(kind, key)
    if (held && !held.isTombstone && equalBytes(held.value, value)) return 'unchanged'
    // Signing costs, so whether there is room is asked with a draft.
    const draft = packRecord({ ...this.#draft(kind, key, value, false), signature: UNSIGNED })
    if (!this.#hasRoom(draft)) {
      if (this.records.tombstones < this.#limits.ownerRecordsMax * COMPACT_TOMBSTONE_SHARE) return 'full'
      this.#republish()
      if (!this.#hasRoom(draft)) return 'full'
    }
    this.#write(kind, key, value, false)
    this.#compact()
    return 'stored'
  }

  /** False when there is no such live record. */
  remove(kind: number, key: Uint8Array): boolean {
    const held = this.records.get(kind, key)
    if (held === undefined || held.isTombstone) return false
    this.#write(kind, held.key, NO_BYTES, true)
    this.#compact()
    return true
  }

  /** What was written since the last call and is still held, ascending. */
  takeWrites(): LedgerRecord[] {
    const from = this.#published
    this.#published = this.#lastSeq
    const ordered = this.records.ordered()
    let at = ordered.length
    while (at > 0 && seqOf(ordered[at - 1]!) > from) at--
    return ordered.slice(at).map(packed => unpackRecord(this.#identity.peerId, packed))
  }

  /** Takes up the stored records of an earlier run; `restart` must follow before anything is written. */
  restore(records: readonly PackedRecord[], lastSeq: number): void {
    assert(this.#lastSeq === 0, 'restored after something was written')
    for (const packed of records) if (this.records.judge(packed) === 'new') this.records.restore(packed)
    this.#lastSeq = Math.max(lastSeq, this.records.lastSeq)
  }

  /** Begins a run on what was restored, if anything: all is published above what the earlier run can have sent. */
  restart(): void {
    this.#leap()
    this.#republish()
  }

  /** Goes on above what others hold of this peer. */
  raise(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq)
  }

  /** Signs everything anew for another mesh. */
  setMesh(meshId: Uint8Array): void {
    this.#meshId = meshId
    if (this.#lastSeq > 0) this.#republish()
  }

  /** True for a record of this peer that this run does not know: from a life whose end was lost, or from a clone. */
  isForeign(packed: PackedRecord): boolean {
    return this.records.judge(packed) === 'new' || this.#isOtherOfOneSeq(packed)
  }

  /** Meets verified records that `isForeign` names: its seq goes above them, and soon all of ours follow. */
  meet(records: readonly PackedRecord[], now: Millis): void {
    for (const packed of records) this.#lastSeq = Math.max(this.#lastSeq, seqOf(packed))
    this.#isRecoveryDue = true
    this.recover(now)
  }

  /** Publishes what is ours above what was met, when that is due. Everything of the other life is void by it. */
  recover(now: Millis): void {
    if (!this.#isRecoveryDue) return
    if (this.#recoveredAt !== undefined && now - this.#recoveredAt < this.#limits.recoverIntervalMs) return
    this.#isRecoveryDue = false
    this.#recoveredAt = now
    this.#leap()
    this.#republish()
  }

  /** Of two with one seq the smaller signature loses here, and still tells of another life. */
  #isOtherOfOneSeq(packed: PackedRecord): boolean {
    const held = this.records.sameSlot(packed)
    return held !== undefined && seqOf(held) === seqOf(packed) && this.records.judge(packed) !== 'held'
  }

  /**
   * The end of another run may have reached other peers but neither the store nor, so far, us; were its numbers given
   * again, nobody could tell the two apart. The leap is drawn, because two runs may begin from the same stored state.
   */
  #leap(): void {
    this.#lastSeq += LEAP_MIN + Math.floor(this.#chance() * LEAP_SPREAD)
  }

  #draft(kind: number, key: Uint8Array, value: Uint8Array, isTombstone: boolean): Omit<LedgerRecord, 'signature'> {
    return { owner: this.#identity.peerId, kind, key, seq: this.#lastSeq + 1, isTombstone, value }
  }

  #hasRoom(draft: PackedRecord): boolean {
    const growth = this.records.growth(draft)
    // One place is kept for the floor record that a compaction adds.
    const recordsMax = this.#limits.ownerRecordsMax - (this.records.floor > 0 ? 0 : 1)
    return (
      (growth.records === 0 || this.records.count + growth.records <= recordsMax) &&
      (growth.cost <= 0 || this.records.cost + growth.cost <= this.#limits.ownerCostMax)
    )
  }

  #write(kind: number, key: Uint8Array, value: Uint8Array, isTombstone: boolean): void {
    const draft = this.#draft(kind, key, value, isTombstone)
    assert(Number.isSafeInteger(draft.seq), 'the seqs of this ledger are exhausted')
    const packed = packRecord({
      ...draft,
      signature: this.#identity.sign(recordSignedBytes(this.#meshId, draft)),
    })
    for (const gone of this.records.store(packed)) this.#changes.gone(unpackRecord(this.#identity.peerId, gone))
    this.#lastSeq = draft.seq
    this.#changes.record(unpackRecord(this.#identity.peerId, packed))
    this.#changes.owner(this.#identity.peerId)
    this.#onWrite()
  }

  /** Beyond its share others need not hold what this peer writes, so there tombstones do not stay for long. */
  #compact(): void {
    const { cost, tombstones, count } = this.records
    if (cost > this.#limits.ownerShareBytes && tombstones >= count * SURPLUS_TOMBSTONE_SHARE) this.#republish()
  }

  /** A floor, and above it what is live, signed anew; tombstones go. */
  #republish(): void {
    const live = this.records
      .ordered()
      .map(packed => unpackRecord(this.#identity.peerId, packed))
      .filter(record => !record.isTombstone && record.kind !== RECORD_KIND.floor)
    this.#write(RECORD_KIND.floor, NO_BYTES, NO_BYTES, false)
    for (const { kind, key, value } of live) this.#write(kind, key, value, false)
  }
}
