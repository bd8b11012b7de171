import { PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import {
  assert,
  ByteReader,
  ByteWriter,
  compareBytes,
  Drop,
  fromHex,
  isDrop,
  toHex,
  type Decoded,
} from '../base/mod.ts'
import { LEDGER_MESSAGE_BYTES_MAX } from './ledger-message.ts'

/**
 * The body of a ledger-sync: what two peers tell one another to find where their ledgers differ, and what they ask for
 * then. Bytes after the last field are ignored, so that a later version may append.
 *
 *     | rsvd u8 | sums u16 | sums × sum | lists u16 | lists × list | wants u16 | wants × want |
 *     prefix: | depth u8: 0 … 8 | ceil(depth / 2) bytes |
 *     sum:    | prefix | sum (16) |
 *     list:   | prefix | flags u8 | count u16 | count × [ owner (16) | last seq u64 | sum (16) ] |
 *     want:   | owner (16) | above u64 | up to u64 | tag at u8: 0 … 15 | count u16 | count × [ seq u64 | tag (4) ] |
 *
 * A prefix is the first `depth` nibbles of an owner's id, the high nibble of a byte first; one that is left over is 0.
 * Flags of a list: 1 partial (it says nothing of owners that it does not name), 2 answer (no list is due in return).
 * Prefixes of sums ascend and none begins with another; so do those of lists. Owners of a list ascend by the bytes of
 * their ids and lie under its prefix. Wants ascend by owner and by range, and their ranges do not overlap.
 */
export const SUM_BYTES = 16
export const SYNC_DEPTH_MAX = 8
export const SYNC_SUMS_MAX = 256
export const SYNC_LISTS_MAX = 256
/** Owners named in all lists of a message. */
export const SYNC_OWNERS_MAX = 800
export const SYNC_WANTS_MAX = 512
/** Records that one want names. */
export const WANT_IDS_MAX = 1024
/** Tags that a signature has: 16 times 4 bytes. */
export const WANT_TAGS = 16
/** The end of a want that has none. */
export const WANT_OPEN = Number.MAX_SAFE_INTEGER
export const SYNC_FIXED_BYTES = 1 + 2 + 2 + 2
export const OWNER_SUM_BYTES = PEER_ID_BYTES + 8 + SUM_BYTES
export const RECORD_TAG_BYTES = 8 + 4
const WANT_FIXED_BYTES = PEER_ID_BYTES + 8 + 8 + 1 + 2

const LIST_FLAG = { partial: 1, answer: 2 } as const

/** The sum over all owners whose id begins with the prefix; zeros when there is none. */
export interface PrefixSum {
  /** 0 to 8 hex digits. */
  readonly prefix: string
  /** 16 bytes. */
  readonly sum: Uint8Array
}

export interface OwnerSum {
  readonly owner: PeerId
  /** The highest seq held. */
  readonly lastSeq: number
  /** 16 bytes. */
  readonly sum: Uint8Array
}

export interface OwnerList {
  readonly prefix: string
  /** It says nothing of owners that it does not name. */
  readonly isPartial: boolean
  /** No list is due in return. */
  readonly isAnswer: boolean
  readonly owners: readonly OwnerSum[]
}

/** Names a record that is held. */
export interface RecordTag {
  readonly seq: number
  /** Four bytes of its signature, as an integer. */
  readonly tag: number
}

/** Of the owner's records with above < seq ≤ upTo the sender holds exactly those named, and asks for the others. */
export interface LedgerWant {
  readonly owner: PeerId
  readonly above: number
  readonly upTo: number
  /**
   * Tags are the bytes from 4 × tagAt on of the signatures. The asker draws it, so nobody can sign two records that are
   * taken for one another more than by chance.
   */
  readonly tagAt: number
  readonly held: readonly RecordTag[]
}

export interface LedgerSync {
  readonly sums: readonly PrefixSum[]
  readonly lists: readonly OwnerList[]
  readonly wants: readonly LedgerWant[]
}

export function sumBytes({ prefix }: PrefixSum): number {
  return prefixBytes(prefix) + SUM_BYTES
}

export function listBytes({ prefix, owners }: OwnerList): number {
  return prefixBytes(prefix) + 1 + 2 + owners.length * OWNER_SUM_BYTES
}

export function wantBytes({ held }: LedgerWant): number {
  return WANT_FIXED_BYTES + held.length * RECORD_TAG_BYTES
}

/** The tag that names a record by its signature. `tagAt`: 0 … 15. */
export function recordTag(signature: Uint8Array, tagAt: number): number {
  const at = 4 * tagAt
  return (signature[at]! | (signature[at + 1]! << 8) | (signature[at + 2]! << 16) | (signature[at + 3]! << 24)) >>> 0
}

/** The nibbles of an id, of which prefixes are the beginning: 32 hex digits. */
export function ownerDigits(owner: PeerId): string {
  return toHex(peerIdBytes(owner))
}

export function encodeLedgerSync(sync: LedgerSync): Uint8Array {
  const writer = new ByteWriter(1024).u8(0).u16(sync.sums.length)
  for (const { prefix, sum } of sync.sums) writePrefix(writer, prefix).raw(sum)
  writer.u16(sync.lists.length)
  for (const { prefix, isPartial, isAnswer, owners } of sync.lists) {
    writePrefix(writer, prefix)
      .u8((isPartial ? LIST_FLAG.partial : 0) | (isAnswer ? LIST_FLAG.answer : 0))
      .u16(owners.length)
    for (const { owner, lastSeq, sum } of owners) writer.raw(peerIdBytes(owner)).u64(lastSeq).raw(sum)
  }
  writer.u16(sync.wants.length)
  for (const { owner, above, upTo, tagAt, held } of sync.wants) {
    writer.raw(peerIdBytes(owner)).u64(above).u64(upTo).u8(tagAt).u16(held.length)
    for (const { seq, tag } of held) writer.u64(seq).u32(tag)
  }
  return writer.finish()
}

/** Drops: `sync-too-long`, `sync-malformed`, `sync-order`. */
export function decodeLedgerSync(bytes: Uint8Array): Decoded<LedgerSync> {
  if (bytes.length > LEDGER_MESSAGE_BYTES_MAX) return new Drop('sync-too-long')
  const reader = new ByteReader(bytes)
  reader.u8()
  const sums = readMany(reader, SYNC_SUMS_MAX, readSum, comesAfter)
  if (isDrop(sums)) return sums
  const lists = readMany(reader, SYNC_LISTS_MAX, readList, comesAfter)
  if (isDrop(lists)) return lists
  if (lists.reduce((count, { owners }) => count + owners.length, 0) > SYNC_OWNERS_MAX) return new Drop('sync-malformed')
  const wants = readMany(reader, SYNC_WANTS_MAX, readWant, wantComesAfter)
  if (isDrop(wants)) return wants
  return { sums, lists, wants }
}

function readMany<T>(
  reader: ByteReader,
  countMax: number,
  read: (reader: ByteReader) => Decoded<T>,
  isAfter: (before: T, after: T) => boolean,
): Decoded<T[]> {
  const count = reader.u16()
  if (!reader.ok || count > countMax) return new Drop('sync-malformed')
  const items: T[] = []
  for (let i = 0; i < count; i++) {
    const item = read(reader)
    if (isDrop(item)) return item
    const before = items.at(-1)
    if (before !== undefined && !isAfter(before, item)) return new Drop('sync-order')
    items.push(item)
  }
  return items
}

function readSum(reader: ByteReader): Decoded<PrefixSum> {
  const prefix = readPrefix(reader)
  const sum = reader.raw(SUM_BYTES).slice()
  return reader.ok ? { prefix, sum } : new Drop('sync-malformed')
}

function readList(reader: ByteReader): Decoded<OwnerList> {
  const prefix = readPrefix(reader)
  const flags = reader.u8()
  const count = reader.u16()
  if (!reader.ok || count * OWNER_SUM_BYTES > reader.remaining) return new Drop('sync-malformed')
  const owners: OwnerSum[] = []
  let last: Uint8Array | undefined
  for (let i = 0; i < count; i++) {
    const id = reader.raw(PEER_ID_BYTES)
    const isUnder = toHex(id.subarray(0, (SYNC_DEPTH_MAX + 1) >> 1)).startsWith(prefix)
    if (!isUnder || (last !== undefined && compareBytes(last, id) >= 0)) return new Drop('sync-order')
    last = id
    owners.push({ owner: peerIdFromBytes(id), lastSeq: reader.u64(), sum: reader.raw(SUM_BYTES).slice() })
  }
  if (!reader.ok) return new Drop('sync-malformed')
  const [isPartial, isAnswer] = [(flags & LIST_FLAG.partial) !== 0, (flags & LIST_FLAG.answer) !== 0]
  return { prefix, isPartial, isAnswer, owners }
}

function readWant(reader: ByteReader): Decoded<LedgerWant> {
  const owner = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
  const [above, upTo, tagAt, count] = [reader.u64(), reader.u64(), reader.u8(), reader.u16()]
  if (!reader.ok || above > upTo || tagAt >= WANT_TAGS || count > WANT_IDS_MAX) return new Drop('sync-malformed')
  if (count * RECORD_TAG_BYTES > reader.remaining) return new Drop('sync-malformed')
  const held: RecordTag[] = []
  for (let i = 0; i < count; i++) held.push({ seq: reader.u64(), tag: reader.u32() })
  return reader.ok ? { owner, above, upTo, tagAt, held } : new Drop('sync-malformed')
}

function comesAfter(before: { prefix: string }, after: { prefix: string }): boolean {
  return before.prefix < after.prefix && !after.prefix.startsWith(before.prefix)
}

function wantComesAfter(before: LedgerWant, after: LedgerWant): boolean {
  const order = compareBytes(peerIdBytes(before.owner), peerIdBytes(after.owner))
  return order < 0 || (order === 0 && before.upTo <= after.above && before.above < after.above)
}

function prefixBytes(prefix: string): number {
  return 1 + ((prefix.length + 1) >> 1)
}

function writePrefix(writer: ByteWriter, prefix: string): ByteWriter {
  const bytes = fromHex(prefix.length % 2 === 0 ? prefix : `${prefix}0`)
  assert(bytes !== undefined && prefix.length <= SYNC_DEPTH_MAX, `a prefix ${prefix}`)
  return writer.u8(prefix.length).raw(bytes)
}

function readPrefix(reader: ByteReader): string {
  const depth = reader.u8()
  if (depth > SYNC_DEPTH_MAX) reader.fail()
  const digits = toHex(reader.raw((depth + 1) >> 1))
  if (depth % 2 !== 0 && !digits.endsWith('0')) reader.fail()
  return reader.ok ? digits.slice(0, depth) : ''
}
