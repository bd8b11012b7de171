import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { Drop, isDrop, type Decoded } from '../base/drop.ts'
import { PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type PeerId } from '../address/peer-id.ts'
import { readRecord, RECORD_FIXED_BYTES, recordBytes, writeRecord, type LedgerRecord } from './record.ts'

/**
 * The bodies of the two ledger messages. Bytes after the last field are ignored, so that a later version may append.
 *
 * ledger-digest: what the sender holds of the owners in one range of ids; an owner that is not listed is not held at all.
 *
 *     | flags u8 | after (16) | until (16) | count u16 | count × [ owner (16) | seq u64 ] … |
 *
 * Flags: 1 a reply is wanted, 2 `after` counts, 4 `until` counts. The range is after < id ≤ until, open where a bound does
 * not count. Ids are ordered by their text form, and the entries ascend.
 *
 * ledger-delta: records of one owner.
 *
 *     | owner (16) | signing public key (32) | from u64 | count u16 | records … |
 *
 * It claims: whoever holds everything up to `from` holds, with these, everything up to the seq of the last of them. The
 * upper end is no field of its own because then nobody's signature would stand for it. Gaps are normal: a record that was
 * overwritten is gone. The seqs ascend strictly and are above `from`.
 */
export const LEDGER_MESSAGE_BYTES_MAX = 48 * 1024
export const SIGNING_PUBLIC_KEY_BYTES = 32
const DIGEST_FIXED_BYTES = 1 + 2 * PEER_ID_BYTES + 2
const DIGEST_ENTRY_BYTES = PEER_ID_BYTES + 8
export const DIGEST_ENTRIES_MAX = Math.floor((LEDGER_MESSAGE_BYTES_MAX - DIGEST_FIXED_BYTES) / DIGEST_ENTRY_BYTES)
export const DELTA_FIXED_BYTES = PEER_ID_BYTES + SIGNING_PUBLIC_KEY_BYTES + 8 + 2
export const DELTA_RECORDS_MAX = Math.floor((LEDGER_MESSAGE_BYTES_MAX - DELTA_FIXED_BYTES) / RECORD_FIXED_BYTES)

const FLAG = { wantsReply: 1, after: 2, until: 4 } as const
const NO_ID = new Uint8Array(PEER_ID_BYTES)

export interface DigestEntry {
  readonly owner: PeerId
  /** Everything up to here is held. */
  readonly seq: number
}

export interface LedgerDigest {
  readonly wantsReply: boolean
  /** Exclusive lower bound of the range; undefined: from the first id. */
  readonly after: PeerId | undefined
  /** Inclusive upper bound of the range; undefined: to the last id. */
  readonly until: PeerId | undefined
  readonly entries: readonly DigestEntry[]
}

export interface LedgerDelta {
  readonly owner: PeerId
  /** 32 bytes; the owner's id is its hash. The codec does not check that. */
  readonly signingPublic: Uint8Array
  readonly from: number
  /** At least one. */
  readonly records: readonly LedgerRecord[]
}

/** The seq of the last record: the upper end of what the delta claims to complete. */
export function deltaTo(delta: LedgerDelta): number {
  return delta.records.at(-1)?.seq ?? delta.from
}

/** How many bytes `encodeLedgerDelta` makes. */
export function deltaBytes(delta: LedgerDelta): number {
  return delta.records.reduce((sum, record) => sum + recordBytes(record), DELTA_FIXED_BYTES)
}

export function encodeLedgerDigest(digest: LedgerDigest): Uint8Array {
  const { wantsReply, after, until, entries } = digest
  const flags =
    (wantsReply ? FLAG.wantsReply : 0) | (after === undefined ? 0 : FLAG.after) | (until === undefined ? 0 : FLAG.until)
  const writer = new ByteWriter(DIGEST_FIXED_BYTES + entries.length * DIGEST_ENTRY_BYTES)
    .u8(flags)
    .raw(after === undefined ? NO_ID : peerIdBytes(after))
    .raw(until === undefined ? NO_ID : peerIdBytes(until))
    .u16(entries.length)
  for (const { owner, seq } of entries) writer.raw(peerIdBytes(owner)).u64(seq)
  return writer.finish()
}

export function decodeLedgerDigest(bytes: Uint8Array): Decoded<LedgerDigest> {
  if (bytes.length > LEDGER_MESSAGE_BYTES_MAX) return new Drop('digest-too-long')
  const reader = new ByteReader(bytes)
  const flags = reader.u8()
  const after = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const until = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const count = reader.u16()
  if (!reader.ok || count * DIGEST_ENTRY_BYTES > reader.remaining) return new Drop('digest-malformed')
  const range = {
    after: flags & FLAG.after ? after : undefined,
    until: flags & FLAG.until ? until : undefined,
  }
  const entries: DigestEntry[] = []
  for (let i = 0; i < count; i++) {
    const owner = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
    const seq = reader.u64()
    const previous = entries.at(-1)?.owner
    if ((previous !== undefined && owner <= previous) || !inRange(range, owner)) return new Drop('digest-order')
    entries.push({ owner, seq })
  }
  if (!reader.ok) return new Drop('digest-malformed')
  return { wantsReply: (flags & FLAG.wantsReply) !== 0, ...range, entries }
}

/** True when the digest speaks of `owner`, be it by not listing it. */
export function inRange(range: Pick<LedgerDigest, 'after' | 'until'>, owner: PeerId): boolean {
  return (range.after === undefined || owner > range.after) && (range.until === undefined || owner <= range.until)
}

export function encodeLedgerDelta(delta: LedgerDelta): Uint8Array {
  const writer = new ByteWriter(deltaBytes(delta))
    .raw(peerIdBytes(delta.owner))
    .raw(delta.signingPublic)
    .u64(delta.from)
    .u16(delta.records.length)
  for (const record of delta.records) writeRecord(writer, record)
  return writer.finish()
}

export function decodeLedgerDelta(bytes: Uint8Array): Decoded<LedgerDelta> {
  if (bytes.length > LEDGER_MESSAGE_BYTES_MAX) return new Drop('delta-too-long')
  const reader = new ByteReader(bytes)
  const owner = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const signingPublic = reader.raw(SIGNING_PUBLIC_KEY_BYTES).slice()
  const from = reader.u64()
  const count = reader.u16()
  if (!reader.ok || count === 0 || count > DELTA_RECORDS_MAX) return new Drop('delta-malformed')
  const records: LedgerRecord[] = []
  let last = from
  for (let i = 0; i < count; i++) {
    const record = readRecord(reader, owner)
    if (isDrop(record)) return record
    if (record.seq <= last) return new Drop('delta-order')
    last = record.seq
    records.push(record)
  }
  return { owner, signingPublic, from, records }
}
