import { concatBytes } from '../../lib/base/mod.ts'
import {
  SHORT_ID_BYTES,
  PASSES_ONLY,
  BROADCAST_HEADER_BYTES,
  WAY_ENTRIES_MAX,
  WAY_ENTRY_BYTES,
} from '../../lib/wire/datagram.ts'
import { ROW, ROW_FLAG, SEND, WAYS_COLUMNS, WAY_CHILD_AT, type EngineLane } from '../../lib/overlay/packet-engine.ts'
import { originDigest } from './memory-origins.ts'
import { keyOf, viewOf, type MemoryPeer } from './memory-peer.ts'

/** In an entry, behind its short id. */
const WAY_TAG_AT = WAY_CHILD_AT + SHORT_ID_BYTES

/** Of one copy: whether its receiver only passes on, and the entries below it. */
export interface MemoryWay {
  readonly passesOnly: boolean
  readonly entries: Uint8Array
  /** Of the frame that is passed on, up to and with the tag of the receiver. */
  readonly header: Uint8Array | undefined
}

/** How long header and entries of a broadcast are; undefined when there are too many entries, or they make no sense. */
export function soundHeaderBytes(plaintext: Uint8Array): number | undefined {
  if (plaintext.length < BROADCAST_HEADER_BYTES) return undefined
  const view = viewOf(plaintext)
  const count = view.getUint16(BROADCAST_HEADER_BYTES - 2, true)
  const bytes = BROADCAST_HEADER_BYTES + count * WAY_ENTRY_BYTES
  if (count > WAY_ENTRIES_MAX || bytes > plaintext.length) return undefined
  let before = ''
  for (const { at, left, below } of children(view, BROADCAST_HEADER_BYTES, count)) {
    const name = nameAt(plaintext, at)
    if (below >= left || name <= before) return undefined
    before = name
  }
  return bytes
}

/** Puts header and entries of a received frame where its row says: each child with the index it is known by. */
export function placeWay(
  { rows, slab }: EngineLane,
  row: number,
  header: Uint8Array,
  at: number,
  indexOf: ReadonlyMap<string, number>,
): void {
  slab.set(header, at)
  rows[row + ROW.wayAt] = at + BROADCAST_HEADER_BYTES
  rows[row + ROW.originPeer] = indexOf.get(keyOf(header.subarray(16, 24))) ?? -1
  if ((header[7]! & 1) !== 0) rows[row + ROW.flags]! |= ROW_FLAG.passesOnly
  const view = viewOf(slab.subarray(at))
  const count = view.getUint16(BROADCAST_HEADER_BYTES - 2, true)
  for (const child of children(view, BROADCAST_HEADER_BYTES, count)) {
    const name = keyOf(header.subarray(child.at + WAY_CHILD_AT, child.at + WAY_TAG_AT))
    view.setInt32(child.at + WAY_CHILD_AT, indexOf.get(name) ?? -1, true)
  }
}

/** The way of a send row. */
export function wayOf(lane: EngineLane, send: number, peers: ReadonlyMap<number, MemoryPeer>): MemoryWay {
  const wayAt = lane.sends[send + SEND.wayAt]!
  if (wayAt < 0) return ownWay(lane.ways, -1 - wayAt, peers)
  const row = lane.sends[send + SEND.row]! * ROW.columns
  return givenWay(lane.slab, wayAt, lane.rows[row + ROW.wayAt]! - BROADCAST_HEADER_BYTES)
}

/** What a broadcast has before its frame. `shortId`: this peer's. */
export function writeWay(
  plaintext: Uint8Array,
  way: MemoryWay,
  lane: EngineLane,
  send: number,
  shortId: Uint8Array,
  peers: ReadonlyMap<number, MemoryPeer>,
): void {
  const view = viewOf(plaintext)
  if (way.header === undefined) {
    view.setInt32(8, lane.sends[send + SEND.sequenceLow]!, true)
    view.setInt32(12, lane.sends[send + SEND.sequenceHigh]!, true)
    plaintext.set(shortId, 16)
  } else plaintext.set(way.header.subarray(0, 32))
  plaintext[7] = way.passesOnly ? 1 : 0
  view.setUint16(BROADCAST_HEADER_BYTES - 2, way.entries.length / WAY_ENTRY_BYTES, true)
  plaintext.set(way.entries, BROADCAST_HEADER_BYTES)
  if (way.header !== undefined || way.entries.length === 0) return
  const digest = originDigest(plaintext, plaintext.subarray(BROADCAST_HEADER_BYTES + way.entries.length))
  const from = -1 - lane.sends[send + SEND.wayAt]! + WAYS_COLUMNS
  for (let place = 0; place < way.entries.length / WAY_ENTRY_BYTES; place++) {
    const tag = peers.get(lane.ways[from + place * WAYS_COLUMNS]!)?.origin?.tag(digest)
    if (tag !== undefined) plaintext.set(tag, BROADCAST_HEADER_BYTES + place * WAY_ENTRY_BYTES + WAY_TAG_AT)
  }
}

function givenWay(slab: Uint8Array, at: number, header: number): MemoryWay {
  const first = viewOf(slab).getUint16(at, true)
  const from = at + WAY_ENTRY_BYTES
  const entries = slab.subarray(from, from + (first & ~PASSES_ONLY) * WAY_ENTRY_BYTES)
  return {
    passesOnly: (first & PASSES_ONLY) !== 0,
    entries,
    header: concatBytes(slab.subarray(header, header + 24), slab.subarray(at + WAY_TAG_AT, from)),
  }
}

function ownWay(ways: Int32Array, at: number, peers: ReadonlyMap<number, MemoryPeer>): MemoryWay {
  const first = ways[at + 1]!
  const entries = new Uint8Array((first & ~PASSES_ONLY) * WAY_ENTRY_BYTES)
  const view = viewOf(entries)
  for (let to = 0, from = at + WAYS_COLUMNS; to < entries.length; to += WAY_ENTRY_BYTES, from += WAYS_COLUMNS) {
    view.setUint16(to, ways[from + 1]!, true)
    const name = peers.get(ways[from]!)?.shortId
    if (name !== undefined) entries.set(name, to + WAY_CHILD_AT)
  }
  return { passesOnly: (first & PASSES_ONLY) !== 0, entries, header: undefined }
}

/** The entries of children, and how many entries there are from each one on. */
function* children(
  view: DataView,
  from: number,
  count: number,
): Generator<{ readonly at: number; readonly left: number; readonly below: number }> {
  for (let place = 0; place < count;) {
    const at = from + place * WAY_ENTRY_BYTES
    const below = view.getUint16(at, true) & ~PASSES_ONLY
    yield { at, left: count - place, below }
    place += 1 + below
  }
}

/** In the order of its bytes. */
function nameAt(plaintext: Uint8Array, at: number): string {
  return keyOf(plaintext.subarray(at + WAY_CHILD_AT, at + WAY_TAG_AT))
}
