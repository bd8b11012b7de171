import { PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { ByteReader, ByteWriter, compareBytes, Drop, isDrop, type Decoded } from '../base/mod.ts'
import { readRecord, recordBytes, writeRecord, type LedgerRecord } from './record.ts'

/**
 * The body of a ledger-delta: records of some owners. It claims nothing but what the owners signed. Bytes after the
 * last field are ignored, so that a later version may append.
 *
 *     | flags u8 | parts u16 | parts × part |
 *     part: | owner (16) | flags u8 | signing public key (32), if present | records u16 | records … |
 *
 * Flags of the message: 1 pushed (nobody asked for it). Flags of a part: 1 the key is present. A part has at least one
 * record; its records ascend by seq, and of equal seqs (which only a broken owner signs) by signature.
 */
export const LEDGER_MESSAGE_BYTES_MAX = 32 * 1024
/** Each signature that is new costs its receiver some hundred microseconds. */
export const DELTA_RECORDS_MAX = 256
export const SIGNING_PUBLIC_KEY_BYTES = 32
const DELTA_FIXED_BYTES = 1 + 2
const PART_FIXED_BYTES = PEER_ID_BYTES + 1 + 2

const DELTA_FLAG = { pushed: 1 } as const
const PART_FLAG = { key: 1 } as const

/** Records of one owner. */
export interface DeltaPart {
  readonly owner: PeerId
  /**
   * 32 bytes; the owner's id is its hash (the codec does not check that). Undefined: the receiver has it, or drops the
   * part.
   */
  readonly signingPublic: Uint8Array | undefined
  /** At least one, ascending by seq and signature. */
  readonly records: readonly LedgerRecord[]
}

export interface LedgerDelta {
  /** Sent on because it was new; not in answer to a want. */
  readonly isPushed: boolean
  readonly parts: readonly DeltaPart[]
}

/** How many bytes `encodeLedgerDelta` makes. */
export function deltaBytes(delta: LedgerDelta): number {
  let bytes = DELTA_FIXED_BYTES
  for (const part of delta.parts) {
    bytes += partFixedBytes(part)
    for (const record of part.records) bytes += recordBytes(record)
  }
  return bytes
}

/**
 * Cuts parts into messages of at most `bytesMax` encoded bytes and 256 records, in order. A part that is cut names its
 * key in each message. A record that is larger than `bytesMax` by itself makes a message of its own.
 */
export function packDeltas(parts: readonly DeltaPart[], isPushed: boolean, bytesMax: number): LedgerDelta[] {
  const deltas: LedgerDelta[] = []
  let packed: DeltaPart[] = []
  let count = 0
  let bytes = DELTA_FIXED_BYTES
  const finish = () => {
    if (packed.length > 0) deltas.push({ isPushed, parts: packed })
    packed = []
    count = 0
    bytes = DELTA_FIXED_BYTES
  }
  for (const part of parts) {
    let records: LedgerRecord[] = []
    for (const record of part.records) {
      const more = recordBytes(record) + (records.length === 0 ? partFixedBytes(part) : 0)
      if (count > 0 && (bytes + more > bytesMax || count === DELTA_RECORDS_MAX)) {
        if (records.length > 0) packed.push({ ...part, records })
        finish()
        records = []
        bytes += partFixedBytes(part) + recordBytes(record)
      } else {
        bytes += more
      }
      records.push(record)
      count++
    }
    if (records.length > 0) packed.push({ ...part, records })
  }
  finish()
  return deltas
}

export function encodeLedgerDelta(delta: LedgerDelta): Uint8Array {
  const writer = new ByteWriter(deltaBytes(delta)).u8(delta.isPushed ? DELTA_FLAG.pushed : 0).u16(delta.parts.length)
  for (const { owner, signingPublic, records } of delta.parts) {
    writer.raw(peerIdBytes(owner)).u8(signingPublic === undefined ? 0 : PART_FLAG.key)
    if (signingPublic !== undefined) writer.raw(signingPublic)
    writer.u16(records.length)
    for (const record of records) writeRecord(writer, record)
  }
  return writer.finish()
}

/** Drops: `delta-too-long`, `delta-malformed`, `delta-order`, and those of a record. */
export function decodeLedgerDelta(bytes: Uint8Array): Decoded<LedgerDelta> {
  if (bytes.length > LEDGER_MESSAGE_BYTES_MAX) return new Drop('delta-too-long')
  const reader = new ByteReader(bytes)
  const flags = reader.u8()
  const count = reader.u16()
  if (!reader.ok || count === 0 || count > DELTA_RECORDS_MAX) return new Drop('delta-malformed')
  const parts: DeltaPart[] = []
  let recordsLeft = DELTA_RECORDS_MAX
  for (let i = 0; i < count; i++) {
    const part = readPart(reader, recordsLeft)
    if (isDrop(part)) return part
    recordsLeft -= part.records.length
    parts.push(part)
  }
  return { isPushed: (flags & DELTA_FLAG.pushed) !== 0, parts }
}

function readPart(reader: ByteReader, recordsMax: number): Decoded<DeltaPart> {
  const owner = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const flags = reader.u8()
  const signingPublic = flags & PART_FLAG.key ? reader.raw(SIGNING_PUBLIC_KEY_BYTES).slice() : undefined
  const count = reader.u16()
  if (!reader.ok || count === 0 || count > recordsMax) return new Drop('delta-malformed')
  const records: LedgerRecord[] = []
  for (let i = 0; i < count; i++) {
    const record = readRecord(reader, owner)
    if (isDrop(record)) return record
    const last = records.at(-1)
    if (last !== undefined && !ascends(last, record)) return new Drop('delta-order')
    records.push(record)
  }
  return { owner, signingPublic, records }
}

function ascends(a: LedgerRecord, b: LedgerRecord): boolean {
  return a.seq < b.seq || (a.seq === b.seq && compareBytes(a.signature, b.signature) < 0)
}

function partFixedBytes(part: DeltaPart): number {
  return PART_FIXED_BYTES + (part.signingPublic === undefined ? 0 : SIGNING_PUBLIC_KEY_BYTES)
}
