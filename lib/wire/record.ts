import { ByteWriter, Drop, type ByteReader, type Decoded } from '../base/mod.ts'
import { peerIdBytes, type PeerId } from '../address/mod.ts'

/**
 * One record of the ledger as it travels inside a delta, which names the owner.
 *
 *     | kind u8 | tombstone u8 | seq u64 | key length u16 | key … | signature (64) | value length u16 | value … |
 *
 * The Ed25519 signature is over
 *
 *     | "weave-ts record 1" | mesh id (16) | owner (16) | kind u8 | key length u16 | key … | seq u64 | tombstone u8 | value … |
 *
 * so a record can be moved neither to another mesh, owner or key, nor to another place in its owner's order.
 */
export const RECORD_KEY_BYTES_MAX = 64
export const RECORD_VALUE_BYTES_MAX = 16_384
export const RECORD_SIGNATURE_BYTES = 64
export const MESH_ID_BYTES = 16
/** A record's bytes on the wire beside its key and its value. */
export const RECORD_FIXED_BYTES = 1 + 1 + 8 + 2 + RECORD_SIGNATURE_BYTES + 2

/** What a record tells. A kind that is not listed here is stored and relayed all the same. */
export const RECORD_KIND = {
  /** Key and value are empty: all records of this owner with a lower seq are void. */
  floor: 0,
  peer: 1,
  links: 2,
  blocks: 3,
  name: 4,
  forget: 5,
  assigned: 6,
  takeover: 7,
  acks: 8,
  /** Key and value are empty: the owner has given an address. */
  used: 9,
  groups: 10,
} as const

const SIGNATURE_LABEL = new TextEncoder().encode('weave-ts record 1')

/** One statement of one owner. A tombstone has an empty value. */
export interface LedgerRecord {
  readonly owner: PeerId
  /** 0 … 255: a RECORD_KIND or one that this version does not know. */
  readonly kind: number
  readonly key: Uint8Array
  /** Given by the owner, ascending from 1: of two records with the same owner, kind and key the higher wins. */
  readonly seq: number
  readonly isTombstone: boolean
  readonly value: Uint8Array
  readonly signature: Uint8Array
}

/** The bytes that the owner signs. `meshId`: 16 bytes. */
export function recordSignedBytes(meshId: Uint8Array, record: Omit<LedgerRecord, 'signature'>): Uint8Array {
  return new ByteWriter(160 + record.value.length)
    .raw(SIGNATURE_LABEL)
    .raw(meshId)
    .raw(peerIdBytes(record.owner))
    .u8(record.kind)
    .blob(record.key)
    .u64(record.seq)
    .u8(record.isTombstone ? 1 : 0)
    .raw(record.value)
    .finish()
}

/** How many bytes `writeRecord` writes. */
export function recordBytes(record: LedgerRecord): number {
  return RECORD_FIXED_BYTES + record.key.length + record.value.length
}

export function writeRecord(writer: ByteWriter, record: LedgerRecord): void {
  writer
    .u8(record.kind)
    .u8(record.isTombstone ? 1 : 0)
    .u64(record.seq)
    .blob(record.key)
    .raw(record.signature)
    .blob(record.value)
}

/**
 * Reads one record of `owner`; its bytes are copies, so it may outlive the message. The signature is not checked here.
 */
export function readRecord(reader: ByteReader, owner: PeerId): Decoded<LedgerRecord> {
  const kind = reader.u8()
  const tombstone = reader.u8()
  const seq = reader.u64()
  const key = reader.blob(RECORD_KEY_BYTES_MAX).slice()
  const signature = reader.raw(RECORD_SIGNATURE_BYTES).slice()
  const value = reader.blob(RECORD_VALUE_BYTES_MAX).slice()
  if (!reader.ok) return new Drop('record-malformed')
  if (seq < 1) return new Drop('record-seq')
  if (tombstone > 1 || (tombstone === 1 && value.length > 0)) return new Drop('record-tombstone')
  return { owner, kind, key, seq, isTombstone: tombstone === 1, value, signature }
}
