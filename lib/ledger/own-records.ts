import { assert } from '../base/assert.ts'
import { equalBytes } from '../base/bytes.ts'
import type { Chance, Millis } from '../base/ports.ts'
import type { PeerId } from '../address/peer-id.ts'
import type { LedgerDelta } from '../wire/ledger-message.ts'
import {
  RECORD_KEY_BYTES_MAX,
  RECORD_KIND,
  RECORD_VALUE_BYTES_MAX,
  recordSignedBytes,
  type LedgerRecord,
} from '../wire/record.ts'
import type { ChangeSet } from './changes.ts'
import { COMPACT_TOMBSTONE_SHARE, LEAP_MIN, LEAP_SPREAD, type LedgerLimits } from './constants.ts'
import { deltasOf } from './deltas.ts'
import { OwnerRecords } from './owner-records.ts'

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

const NOTHING = new Uint8Array(0)

/** The records that this peer writes, and its counter. */
export class OwnRecords {
  readonly #identity: LedgerIdentity
  readonly #limits: LedgerLimits
  readonly #chance: Chance
  readonly #changes: ChangeSet
  #meshId: Uint8Array
  #records: OwnerRecords
  #published = 0
  #isRecoveryDue = false
  #recoveredAt: Millis | undefined

  constructor(identity: LedgerIdentity, meshId: Uint8Array, limits: LedgerLimits, chance: Chance, changes: ChangeSet) {
    this.#chance = chance
    this.#identity = identity
    this.#meshId = meshId
    this.#limits = limits
    this.#changes = changes
    this.#records = new OwnerRecords(identity.peerId, identity.signingPublic)
  }

  get records(): OwnerRecords {
    return this.#records
  }

  put(kind: number, key: Uint8Array, value: Uint8Array): PutResult {
    assert(kind > RECORD_KIND.floor && kind <= 0xff, `a record of kind ${kind}`)
    assert(key.length <= RECORD_KEY_BYTES_MAX, `a record key of ${key.length} bytes`)
    assert(value.length <= RECORD_VALUE_BYTES_MAX, `a record value of ${value.length} bytes`)
    const held = this.#records.get(kind, key)
    if (held && !held.isTombstone && equalBytes(held.value, value)) return 'unchanged'
    // Signing costs, so whether there is room is asked with a draft.
    const draft = { ...this.#draft(kind, key, value, false), signature: NOTHING }
    if (!this.#hasRoom(draft)) {
      if (this.#records.tombstones < this.#limits.ownerRecordsMax * COMPACT_TOMBSTONE_SHARE) return 'full'
      this.#republish()
      if (!this.#hasRoom(draft)) return 'full'
    }
    this.#write(kind, key.slice(), value.slice(), false)
    return 'stored'
  }

  /** False when there is no such live record. */
  remove(kind: number, key: Uint8Array): boolean {
    const held = this.#records.get(kind, key)
    if (held === undefined || held.isTombstone) return false
    this.#write(kind, held.key, NOTHING, true)
    return true
  }

  /** What was written since the last call, for the link neighbours. */
  takeDeltas(): LedgerDelta[] {
    const from = this.#published
    this.#published = this.#records.mark
    return [...deltasOf(this.#records, from, this.#published, this.#limits.messageBytesMax)]
  }

  /** Takes up the stored records of an earlier run; `restart` must follow before anything is written. */
  restore(records: readonly LedgerRecord[], mark: number): void {
    assert(this.#records.mark === 0, 'restored after something was written')
    for (const record of [...records].sort((a, b) => a.seq - b.seq)) {
      if (this.#records.judge(record) === 'new') this.#records.store(record)
    }
    this.#records.raiseMark(Math.max(mark, this.#records.lastSeq))
  }

  /** Begins a run on what was restored, if anything: all is published above what the earlier run can have sent. */
  restart(): void {
    this.#leap()
    this.#republish()
  }

  /** Signs everything anew for another mesh. */
  setMesh(meshId: Uint8Array): void {
    this.#meshId = meshId
    if (this.#records.mark > 0) this.#republish()
  }

  /** True for a record of this peer that this run does not know: from a life whose end was lost, or from a clone. */
  isForeign(record: LedgerRecord): boolean {
    const held = this.#records.get(record.kind, record.key)
    if (held?.seq === record.seq) return !equalBytes(held.signature, record.signature)
    return this.#records.judge(record) === 'new'
  }

  /** Meets verified records that `isForeign` names: the counter goes above them, and soon all of ours follow. */
  meet(records: readonly LedgerRecord[], now: Millis): void {
    for (const record of records) this.#records.raiseMark(record.seq)
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

  /**
   * The end of another run may have reached other peers but neither the store nor, so far, us; were its numbers given
   * again, nobody could tell the two apart. The leap is drawn, because two runs may begin from the same stored state.
   */
  #leap(): void {
    this.#records.raiseMark(this.#records.mark + LEAP_MIN + Math.floor(this.#chance() * LEAP_SPREAD))
  }

  #draft(kind: number, key: Uint8Array, value: Uint8Array, isTombstone: boolean): Omit<LedgerRecord, 'signature'> {
    return { owner: this.#identity.peerId, kind, key, seq: this.#records.mark + 1, isTombstone, value }
  }

  #hasRoom(record: LedgerRecord): boolean {
    const growth = this.#records.growth(record)
    // One place is kept for the floor record that a compaction adds.
    const recordsMax = this.#limits.ownerRecordsMax - (this.#records.floor > 0 ? 0 : 1)
    return (
      (growth.records === 0 || this.#records.count + growth.records <= recordsMax) &&
      this.#records.bytes + growth.bytes <= this.#limits.ownerBytesMax
    )
  }

  #write(kind: number, key: Uint8Array, value: Uint8Array, isTombstone: boolean): void {
    const draft = this.#draft(kind, key, value, isTombstone)
    assert(Number.isSafeInteger(draft.seq), 'the counter of this ledger is exhausted')
    const record = { ...draft, signature: this.#identity.sign(recordSignedBytes(this.#meshId, draft)) }
    for (const gone of this.#records.store(record)) this.#changes.gone(gone)
    this.#records.raiseMark(record.seq)
    this.#changes.record(record)
  }

  /** A floor, and above it what is live, signed anew; tombstones go. */
  #republish(): void {
    const live = this.#records.ordered().filter(record => !record.isTombstone && record.kind !== RECORD_KIND.floor)
    this.#write(RECORD_KIND.floor, NOTHING, NOTHING, false)
    for (const { kind, key, value } of live) this.#write(kind, key, value, false)
  }
}
