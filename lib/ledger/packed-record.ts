import type { PeerId } from '../address/mod.ts'
import { ByteReader } from '../base/mod.ts'
import {
  RECORD_FIXED_BYTES,
  RECORD_KEY_BYTES_MAX,
  RECORD_KIND,
  RECORD_SIGNATURE_BYTES,
  RECORD_VALUE_BYTES_MAX,
  type LedgerRecord,
} from '../wire/mod.ts'

declare const brand: unique symbol

/**
 * A record as it is held: a string with one character for each byte. A runtime keeps such a string in 16 bytes more
 * than it has characters, where an object with arrays for key, value and signature takes a kilobyte.
 *
 *     | seq u64, big-endian | signature (64) | tombstone u8 | kind u8 | key length u8 | key … | value … |
 *
 * So strings compare as records do: the higher seq is greater, and of equal seqs the greater signature.
 */
export type PackedRecord = string & { readonly [brand]: 'PackedRecord' }

/** Where an owner's record belongs: its kind and key. Equal strings are equal slots. */
export type Slot = string & { readonly [brand]: 'Slot' }

const SEQ_BYTES = 8
const SIGNATURE_AT = SEQ_BYTES
const TOMBSTONE_AT = SIGNATURE_AT + RECORD_SIGNATURE_BYTES
const SLOT_AT = TOMBSTONE_AT + 1
const KEY_LENGTH_AT = SLOT_AT + 1
const KEY_AT = KEY_LENGTH_AT + 1
const U32 = 0x1_0000_0000

/** Arguments of one call: a large value must not exhaust the stack. */
const CHARACTERS_PER_CALL = 4096

/** One array for all that is packed: a full ledger is half a million records. */
const scratch: number[] = []

export function packRecord(record: LedgerRecord): PackedRecord {
  const { kind, key, seq, isTombstone, value, signature } = record
  scratch.length = KEY_AT + key.length + value.length
  writeSeq(scratch, seq)
  write(scratch, SIGNATURE_AT, signature)
  scratch[TOMBSTONE_AT] = isTombstone ? 1 : 0
  scratch[SLOT_AT] = kind
  scratch[KEY_LENGTH_AT] = key.length
  write(scratch, KEY_AT, key)
  write(scratch, KEY_AT + key.length, value)
  return textOf(scratch) as PackedRecord
}

/** Packs the wire form of one record (wire/record.ts); undefined when it is none. */
export function packWireRecord(bytes: Uint8Array): PackedRecord | undefined {
  const reader = new ByteReader(bytes)
  const kind = reader.u8()
  const tombstone = reader.u8()
  const seq = reader.u64()
  const key = reader.blob(RECORD_KEY_BYTES_MAX)
  const signature = reader.raw(RECORD_SIGNATURE_BYTES)
  const value = reader.blob(RECORD_VALUE_BYTES_MAX)
  if (!reader.done || seq < 1 || tombstone > 1 || (tombstone === 1 && value.length > 0)) return undefined
  // Nothing below asks for more than these; the owner is no part of what is packed.
  return packRecord({ owner: '' as PeerId, kind, key, seq, isTombstone: tombstone === 1, value, signature })
}

export function unpackRecord(owner: PeerId, packed: PackedRecord): LedgerRecord {
  const bytes = bytesOf(packed)
  const valueAt = KEY_AT + bytes[KEY_LENGTH_AT]!
  return {
    owner,
    kind: bytes[SLOT_AT]!,
    key: bytes.subarray(KEY_AT, valueAt),
    seq: seqOf(packed),
    isTombstone: bytes[TOMBSTONE_AT] === 1,
    value: bytes.subarray(valueAt),
    signature: bytes.subarray(SIGNATURE_AT, TOMBSTONE_AT),
  }
}

export function seqOf(packed: PackedRecord): number {
  return u32At(packed, 0) * U32 + u32At(packed, 4)
}

export function slotOf(packed: PackedRecord): Slot {
  return packed.slice(SLOT_AT, KEY_AT + packed.charCodeAt(KEY_LENGTH_AT)) as Slot
}

/** `key`: at most 64 bytes. */
export function slotFor(kind: number, key: Uint8Array): Slot {
  return textOf([kind, key.length, ...key]) as Slot
}

export function kindOf(slot: Slot): number {
  return slot.charCodeAt(0)
}

export function isTombstone(packed: PackedRecord): boolean {
  return packed.charCodeAt(TOMBSTONE_AT) === 1
}

/** A floor voids everything of its owner that has a lower seq. */
export function isFloor(packed: PackedRecord): boolean {
  return packed.charCodeAt(SLOT_AT) === RECORD_KIND.floor && packed.charCodeAt(KEY_LENGTH_AT) === 0
}

/** The part that decides which of two records of one slot is the newer, the higher one: seq and signature. */
export function newnessOf(packed: PackedRecord): string {
  return packed.slice(0, TOMBSTONE_AT)
}

/** What the record takes on the wire. */
export function wireBytes(packed: PackedRecord): number {
  return packed.length - KEY_AT + RECORD_FIXED_BYTES
}

/** Four bytes of the signature, as `recordTag` of wire/ledger-sync.ts makes them. */
export function tagOf(packed: PackedRecord, tagAt: number): number {
  const at = SIGNATURE_AT + 4 * tagAt
  const [a, b, c, d] = [0, 1, 2, 3].map(i => packed.charCodeAt(at + i)) as [number, number, number, number]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

/** Writes the 64 bytes of the signature. */
export function copySignature(packed: PackedRecord, into: Uint8Array, at: number): void {
  for (let i = 0; i < RECORD_SIGNATURE_BYTES; i++) into[at + i] = packed.charCodeAt(SIGNATURE_AT + i)
}

/** Bytes as a string of one character each. */
export function textOf(bytes: ArrayLike<number>): string {
  const codes = Array.isArray(bytes) ? (bytes as number[]) : Array.from(bytes)
  if (codes.length <= CHARACTERS_PER_CALL) return String.fromCharCode.apply(null, codes)
  const parts: string[] = []
  for (let at = 0; at < codes.length; at += CHARACTERS_PER_CALL)
    parts.push(String.fromCharCode.apply(null, codes.slice(at, at + CHARACTERS_PER_CALL)))
  return parts.join('')
}

export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function write(codes: number[], at: number, bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) codes[at + i] = bytes[i]!
}

function writeSeq(codes: number[], seq: number): void {
  const [high, low] = [Math.floor(seq / U32), seq >>> 0]
  for (let i = 0; i < 4; i++) {
    codes[i] = (high >>> (24 - 8 * i)) & 0xff
    codes[4 + i] = (low >>> (24 - 8 * i)) & 0xff
  }
}

function u32At(text: string, at: number): number {
  return (
    text.charCodeAt(at) * 0x100_0000 +
    ((text.charCodeAt(at + 1) << 16) | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3))
  )
}
