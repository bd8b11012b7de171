import { firstAddress, PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type Cidr, type PeerId } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { SEGMENT_BLOCKS } from './constants.ts'

/**
 * What one peer states about the blocks of one segment: the value of a ledger record of kind `blocks`, whose key is the
 * segment number (u16, little-endian). All integers are little-endian.
 *
 *     | range address u32 | range prefix u8 | block prefix u8 | runs u16 |
 *     runs × | first block in segment u8 | blocks - 1 u8 | term u32 | seq u32 | owner (16) |
 *
 * Runs are in ascending order and do not overlap. Range and block prefix say what the block numbers mean: a peer that
 * was launched with another range must not read them as its own. Bytes after the runs are ignored: a later version may
 * append.
 */
export interface BlocksRecord {
  readonly range: Cidr
  readonly blockPrefix: number
  readonly runs: readonly BlockRun[]
}

export interface BlockRun {
  /** Within the segment, 0 to 255. */
  readonly first: number
  /** 1 to 256. */
  readonly count: number
  readonly term: number
  readonly seq: number
  readonly owner: PeerId
}

export function encodeSegmentKey(segment: number): Uint8Array {
  return new ByteWriter(2).u16(segment).finish()
}

/** Drops: `blocks-key`. */
export function decodeSegmentKey(key: Uint8Array): Decoded<number> {
  const reader = new ByteReader(key)
  const segment = reader.u16()
  return reader.done ? segment : new Drop('blocks-key')
}

export function encodeBlocksRecord(record: BlocksRecord): Uint8Array {
  assert(record.runs.length <= SEGMENT_BLOCKS, `${record.runs.length} runs in a segment`)
  const writer = new ByteWriter(8 + 26 * record.runs.length)
  writer.u32(record.range.address).u8(record.range.prefix).u8(record.blockPrefix).u16(record.runs.length)
  for (const run of record.runs) {
    writer.u8(run.first).u8(run.count - 1)
    writer.u32(run.term).u32(run.seq).raw(peerIdBytes(run.owner))
  }
  return writer.finish()
}

/** Drops: `blocks-short`, `blocks-range`, `blocks-runs` (unsorted, overlapping, or past the segment). */
export function decodeBlocksRecord(value: Uint8Array): Decoded<BlocksRecord> {
  const reader = new ByteReader(value)
  const range = { address: reader.u32(), prefix: reader.u8() }
  const blockPrefix = reader.u8()
  const count = reader.u16()
  if (!reader.ok) return new Drop('blocks-short')
  if (blockPrefix > 32 || range.prefix > blockPrefix || range.address !== firstAddress(range)) {
    return new Drop('blocks-range')
  }
  if (count > SEGMENT_BLOCKS) return new Drop('blocks-runs')
  const runs: BlockRun[] = []
  let free = 0
  for (let i = 0; i < count; i++) {
    const run = {
      first: reader.u8(),
      count: reader.u8() + 1,
      term: reader.u32(),
      seq: reader.u32(),
      owner: peerIdFromBytes(reader.raw(PEER_ID_BYTES)),
    }
    if (!reader.ok) return new Drop('blocks-short')
    if (run.first < free || run.first + run.count > SEGMENT_BLOCKS) return new Drop('blocks-runs')
    free = run.first + run.count
    runs.push(run)
  }
  return { range, blockPrefix, runs }
}
