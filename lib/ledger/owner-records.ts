import type { PeerId } from '../address/mod.ts'
import { firstNotBelow } from '../base/mod.ts'
import { RECORD_SIGNATURE_BYTES, type LedgerRecord } from '../wire/mod.ts'
import { OWNER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES } from './constants.ts'
import {
  bytesOf,
  copySignature,
  isFloor,
  isTombstone,
  kindOf,
  newnessOf,
  seqOf,
  slotFor,
  slotOf,
  textOf,
  unpackRecord,
  wireBytes,
  type PackedRecord,
  type Slot,
} from './packed-record.ts'

/** What a record would do to the records held: `new` wins, `held` is known already, `stale` has lost for good. */
export type Verdict = 'new' | 'held' | 'stale'

/**
 * The records held of one owner: a total, order-independent merge. Of two with the same kind and key the higher seq
 * wins (of two with the same seq, which only a broken owner makes, the greater signature). A floor record voids all
 * below it.
 */
export class OwnerRecords {
  readonly owner: PeerId
  /** Of 32 bytes, one character each. */
  readonly #signingPublic: string
  readonly #slots = new Map<Slot, PackedRecord>()
  /** All of them, ascending; undefined: to be sorted when it is asked for. */
  #ordered: PackedRecord[] | undefined = []
  #floor = 0
  #bytes = 0
  #tombstones = 0

  constructor(owner: PeerId, signingPublic: Uint8Array) {
    this.owner = owner
    this.#signingPublic = textOf(signingPublic)
  }

  get signingPublic(): Uint8Array {
    return bytesOf(this.#signingPublic)
  }

  isKey(signingPublic: Uint8Array): boolean {
    return textOf(signingPublic) === this.#signingPublic
  }

  /** Records with a lower seq are void. */
  get floor(): number {
    return this.#floor
  }

  get count(): number {
    return this.#slots.size
  }

  /** On the wire. */
  get bytes(): number {
    return this.#bytes
  }

  /** In memory. */
  get cost(): number {
    return OWNER_OVERHEAD_BYTES + this.#bytes + this.#slots.size * RECORD_OVERHEAD_BYTES
  }

  get tombstones(): number {
    return this.#tombstones
  }

  /** The highest seq held; 0: none is. */
  get lastSeq(): number {
    const last = this.ordered().at(-1)
    return last === undefined ? 0 : seqOf(last)
  }

  get(kind: number, key: Uint8Array): LedgerRecord | undefined {
    const packed = this.#slots.get(slotFor(kind, key))
    return packed && unpackRecord(this.owner, packed)
  }

  /** What is held with the same kind and key. */
  sameSlot(packed: PackedRecord): PackedRecord | undefined {
    return this.#slots.get(slotOf(packed))
  }

  /** Records of one kind, tombstones included. */
  *ofKind(kind: number): Generator<PackedRecord> {
    for (const [slot, packed] of this.#slots) if (kindOf(slot) === kind) yield packed
  }

  /** All records by seq and signature, tombstones included. */
  ordered(): readonly PackedRecord[] {
    this.#ordered ??= [...this.#slots.values()].sort()
    return this.#ordered
  }

  /** The signatures of all records, in order. */
  signatures(): Uint8Array {
    const ordered = this.ordered()
    const bytes = new Uint8Array(ordered.length * RECORD_SIGNATURE_BYTES)
    for (const [i, packed] of ordered.entries()) copySignature(packed, bytes, i * RECORD_SIGNATURE_BYTES)
    return bytes
  }

  judge(packed: PackedRecord): Verdict {
    if (this.#floor > 0 && seqOf(packed) < this.#floor) return 'stale'
    const held = this.#slots.get(slotOf(packed))
    if (held === undefined) return 'new'
    const [newness, heldNewness] = [newnessOf(packed), newnessOf(held)]
    if (newness === heldNewness) return 'held'
    return newness > heldNewness ? 'new' : 'stale'
  }

  /** How many records, and how much cost, there would be more with a record that was judged `new`. */
  growth(packed: PackedRecord): { records: number; cost: number } {
    const held = this.#slots.get(slotOf(packed))
    const records = held === undefined ? 1 : 0
    let voided = 0
    if (isFloor(packed)) for (const below of this.#below(seqOf(packed))) if (below !== held) voided += costOf(below)
    return { records, cost: costOf(packed) - (held === undefined ? 0 : costOf(held)) - voided }
  }

  /** Stores a record that was judged `new`; returns the records that it made void. */
  store(packed: PackedRecord): PackedRecord[] {
    const slot = slotOf(packed)
    const held = this.#slots.get(slot)
    if (held !== undefined) this.#take(slot, held)
    // What was taken out first has no key left that keeps the old record's text alive.
    this.#slots.set(slot, packed)
    this.#account(packed, 1)
    this.#insert(packed)
    return isFloor(packed) ? this.#raiseFloor(seqOf(packed)) : []
  }

  /** Stores many without keeping them in order meanwhile. */
  restore(packed: PackedRecord): void {
    this.#ordered = undefined
    this.store(packed)
  }

  #insert(packed: PackedRecord): void {
    const ordered = this.#ordered
    if (ordered === undefined) return
    const last = ordered.at(-1)
    if (last === undefined || last < packed) ordered.push(packed)
    else ordered.splice(placeIn(ordered, packed), 0, packed)
  }

  #take(slot: Slot, packed: PackedRecord): void {
    this.#slots.delete(slot)
    this.#account(packed, -1)
    this.#ordered?.splice(placeIn(this.#ordered, packed), 1)
  }

  #account(packed: PackedRecord, sign: 1 | -1): void {
    this.#bytes += sign * wireBytes(packed)
    if (isTombstone(packed)) this.#tombstones += sign
  }

  #raiseFloor(seq: number): PackedRecord[] {
    this.#floor = seq
    const gone = [...this.#below(seq)]
    for (const packed of gone) {
      this.#slots.delete(slotOf(packed))
      this.#account(packed, -1)
    }
    this.#ordered = this.#ordered?.slice(gone.length)
    return gone
  }

  *#below(seq: number): Generator<PackedRecord> {
    for (const packed of this.ordered()) {
      if (seqOf(packed) >= seq) return
      yield packed
    }
  }
}

/** What a record takes in memory. */
export function costOf(packed: PackedRecord): number {
  return wireBytes(packed) + RECORD_OVERHEAD_BYTES
}

function placeIn(ordered: readonly PackedRecord[], packed: PackedRecord): number {
  return firstNotBelow(ordered.length, place => ordered[place]! < packed)
}
