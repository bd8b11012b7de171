import { firstAddress, PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type Cidr, type PeerId } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, isDrop, toHex, fromHex, type Decoded } from '../base/mod.ts'
import { GRANTS_MAX, ROOTS_MAX, SEGMENT_BLOCKS } from './constants.ts'
import { SALT_BYTES, type Founding } from './founding.ts'

/**
 * What one peer states about blocks of one segment, with the proofs: the value of a ledger record of kind `blocks`. Its
 * key is the page: | segment u16 | sheet u8 |; a peer whose statements do not fit into one value writes several sheets.
 * All integers are little-endian.
 *
 *     | range address u32 | range prefix u8 | block prefix u8 |
 *     | roots u8 | roots × | 0: founding u8 | founder (16) | salt (16) |, or | 1: takeover u8 | id (16) |
 *     | grants u8 | grants × | parent u8 | first block u32 | blocks u32 | to (16) | giver's key (32) | signature (64) |
 *     | runs u16 | runs × | first block in segment u8 | blocks - 1 u8 | title u8 |
 *
 * A parent or title below 128 is a grant of the table, earlier than the grant that it is the parent of; from 128 on it
 * is a root. Runs are in ascending order and do not overlap. Range and block prefix say what the block numbers mean.
 * Bytes after the runs are ignored: a later version may append.
 */
export interface BlocksRecord {
  readonly range: Cidr
  readonly blockPrefix: number
  readonly roots: readonly RootEntry[]
  readonly grants: readonly GrantEntry[]
  readonly runs: readonly BlockRun[]
}

export type RootEntry =
  | { readonly type: 'founding'; readonly founding: Founding }
  /** 32 hex digits. */
  | { readonly type: 'takeover'; readonly takeover: string }

/** As it is written; whether it is true is for the prover to say. */
export interface GrantEntry {
  readonly parent: TitleRef
  readonly first: number
  readonly count: number
  readonly to: PeerId
  /** 32 bytes. */
  readonly giverKey: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Index of a grant, or ROOT_REF and the index of a root. */
export type TitleRef = number

export const ROOT_REF = 128

export interface BlockRun {
  /** Within the segment, 0 to 255. */
  readonly first: number
  /** 1 to 256. */
  readonly count: number
  readonly title: TitleRef
}

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const TAKEOVER_ID_BYTES = 16
const ROOT_KIND = { founding: 0, takeover: 1 } as const

const BLOCKS_FIXED_BYTES = 4 + 1 + 1 + 1 + 1 + 2
const GRANT_BYTES = 1 + 4 + 4 + PEER_ID_BYTES + KEY_BYTES + SIGNATURE_BYTES
const ROOT_BYTES_MAX = 1 + PEER_ID_BYTES + SALT_BYTES

/** Which record of a peer: the segment in the lower 16 bits, the sheet above. */
export type Page = number

export function pageOf(segment: number, sheet: number): Page {
  return segment + sheet * 0x1_0000
}

export function segmentOfPage(page: Page): number {
  return page & 0xffff
}

export function sheetOfPage(page: Page): number {
  return page >>> 16
}

export function encodePageKey(page: Page): Uint8Array {
  return new ByteWriter(3).u16(segmentOfPage(page)).u8(sheetOfPage(page)).finish()
}

/** Drops: `blocks-key`. */
export function decodePageKey(key: Uint8Array): Decoded<Page> {
  const reader = new ByteReader(key)
  const segment = reader.u16()
  const sheet = reader.u8()
  return reader.done ? pageOf(segment, sheet) : new Drop('blocks-key')
}

export function encodeBlocksRecord(record: BlocksRecord): Uint8Array {
  const { range, blockPrefix, roots, grants, runs } = record
  assert(runs.length <= SEGMENT_BLOCKS, `${runs.length} runs in a segment`)
  assert(roots.length <= ROOTS_MAX && grants.length <= GRANTS_MAX, `${roots.length} roots, ${grants.length} grants`)
  const writer = new ByteWriter(BLOCKS_FIXED_BYTES + ROOT_BYTES_MAX * roots.length + GRANT_BYTES * grants.length)
  writer.u32(range.address).u8(range.prefix).u8(blockPrefix)
  writer.u8(roots.length)
  for (const root of roots) writeRoot(writer, root)
  writer.u8(grants.length)
  for (const one of grants) {
    writer.u8(one.parent).u32(one.first).u32(one.count).raw(peerIdBytes(one.to))
    writer.raw(one.giverKey).raw(one.signature)
  }
  writer.u16(runs.length)
  for (const run of runs) {
    writer
      .u8(run.first)
      .u8(run.count - 1)
      .u8(run.title)
  }
  return writer.finish()
}

function writeRoot(writer: ByteWriter, root: RootEntry): void {
  if (root.type === 'founding') {
    writer.u8(ROOT_KIND.founding).raw(peerIdBytes(root.founding.founder)).raw(root.founding.salt)
    return
  }
  const id = fromHex(root.takeover)
  assert(id?.length === TAKEOVER_ID_BYTES, `a takeover ${root.takeover}`)
  writer.u8(ROOT_KIND.takeover).raw(id)
}

/**
 * Drops: `blocks-short`, `blocks-range`, `blocks-titles` (too many, unknown, or not in order), `blocks-runs` (unsorted,
 * overlapping, or past the segment).
 */
export function decodeBlocksRecord(value: Uint8Array): Decoded<BlocksRecord> {
  const reader = new ByteReader(value)
  const range = { address: reader.u32(), prefix: reader.u8() }
  const blockPrefix = reader.u8()
  if (!reader.ok) return new Drop('blocks-short')
  if (blockPrefix > 32 || range.prefix > blockPrefix || range.address !== firstAddress(range)) {
    return new Drop('blocks-range')
  }
  const roots = readRoots(reader)
  if (isDrop(roots)) return roots
  const grants = readGrants(reader, roots.length)
  if (isDrop(grants)) return grants
  const runs = readRuns(reader, grants.length, roots.length)
  return isDrop(runs) ? runs : { range, blockPrefix, roots, grants, runs }
}

function readRoots(reader: ByteReader): Decoded<RootEntry[]> {
  const count = reader.u8()
  if (count > ROOTS_MAX) return new Drop('blocks-titles')
  const roots: RootEntry[] = []
  for (let i = 0; i < count; i++) {
    const kind = reader.u8()
    if (kind === ROOT_KIND.founding) {
      const founder = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
      roots.push({ type: 'founding', founding: { founder, salt: reader.raw(SALT_BYTES).slice() } })
    } else if (kind === ROOT_KIND.takeover) {
      roots.push({ type: 'takeover', takeover: toHex(reader.raw(TAKEOVER_ID_BYTES)) })
    } else {
      return new Drop('blocks-titles')
    }
  }
  return reader.ok ? roots : new Drop('blocks-short')
}

function readGrants(reader: ByteReader, roots: number): Decoded<GrantEntry[]> {
  const count = reader.u8()
  if (count > GRANTS_MAX) return new Drop('blocks-titles')
  const grants: GrantEntry[] = []
  for (let i = 0; i < count; i++) {
    const one = {
      parent: reader.u8(),
      first: reader.u32(),
      count: reader.u32(),
      to: peerIdFromBytes(reader.raw(PEER_ID_BYTES)),
      giverKey: reader.raw(KEY_BYTES).slice(),
      signature: reader.raw(SIGNATURE_BYTES).slice(),
    }
    if (!reader.ok) return new Drop('blocks-short')
    if (!isRef(one.parent, i, roots)) return new Drop('blocks-titles')
    grants.push(one)
  }
  return reader.ok ? grants : new Drop('blocks-short')
}

function readRuns(reader: ByteReader, grants: number, roots: number): Decoded<BlockRun[]> {
  const count = reader.u16()
  if (!reader.ok) return new Drop('blocks-short')
  if (count > SEGMENT_BLOCKS) return new Drop('blocks-runs')
  const runs: BlockRun[] = []
  let free = 0
  for (let i = 0; i < count; i++) {
    const run = { first: reader.u8(), count: reader.u8() + 1, title: reader.u8() }
    if (!reader.ok) return new Drop('blocks-short')
    if (run.first < free || run.first + run.count > SEGMENT_BLOCKS) return new Drop('blocks-runs')
    if (!isRef(run.title, grants, roots)) return new Drop('blocks-titles')
    free = run.first + run.count
    runs.push(run)
  }
  return runs
}

function isRef(ref: TitleRef, grants: number, roots: number): boolean {
  return ref < ROOT_REF ? ref < grants : ref - ROOT_REF < roots
}
