import { peerIdBytes, type Endpoint, type PeerId } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, firstNotBelow, type Decoded } from '../base/mod.ts'
import { SHORT_ID_BYTES, readEndpoint, writeEndpoint } from '../wire/mod.ts'
import { PUBLISHED_LINKS_MAX, RTT_CLASS_MAX } from './constants.ts'

/**
 * The value of a peer's `links` record: every link that it holds, and a number that it drew at its start.
 *
 *     | count u16 | count × [ short id of the neighbour (8) | RTT class and flags u8 | endpoint ] … | start (8) |
 *
 * The lower four bits are the RTT class; flags: 16 this peer dialled, 32 the data path is up, 64 an endpoint follows;
 * the last bit is ignored. Links ascend by their ids' bytes. The endpoint (endpoint-field.ts) is where this peer sees
 * the neighbour, when the neighbour does not advertise it itself.
 */
export interface LinkClaim {
  readonly neighbour: PeerId
  readonly endpoint: Endpoint | undefined
  readonly isOutbound: boolean
  /** 0 … 15. */
  readonly rttClass: number
  readonly isDataUp: boolean
}

export const LINK_CLASS_MASK = 0x0f
export const LINK_FLAG = { outbound: 0x10, dataUp: 0x20, endpoint: 0x40 } as const

/** The first 8 bytes of a PeerId as two numbers, whose order is that of the bytes. */
export interface ShortId {
  readonly high: number
  readonly low: number
}

export function shortIdOf(peer: PeerId): ShortId {
  return readShortId(new ByteReader(peerIdBytes(peer)))
}

/** All but the last 12 bits: an integer that a number holds exactly. */
export function shortIdKey({ high, low }: ShortId): number {
  return high * 0x10_0000 + (low >>> 12)
}

/** What a record claims, in columns: row i is one link. Made once, when the record comes. */
export interface LinksRecord {
  readonly count: number
  readonly highs: Uint32Array
  readonly lows: Uint32Array
  /** RTT class and LINK_FLAGs. */
  readonly marks: Uint8Array
  /** Where in `value` the endpoint is; 0: there is none. */
  readonly endpointsAt: Uint16Array
  readonly value: Uint8Array
  /** START_BYTES; undefined when there are fewer. */
  readonly start?: Uint8Array | undefined
}

const START_BYTES = 8

/**
 * PUBLISHED_LINKS_MAX at most, in any order; equal lists give equal bytes. Of two that share a short id one is written.
 */
export function encodeLinks(links: readonly LinkClaim[], start: Uint8Array = new Uint8Array(START_BYTES)): Uint8Array {
  assert(links.length <= PUBLISHED_LINKS_MAX, `${links.length} links`)
  const identified = links
    .map(link => ({ link, id: shortIdOf(link.neighbour) }))
    .sort((a, b) => a.id.high - b.id.high || a.id.low - b.id.low || (a.link.neighbour < b.link.neighbour ? -1 : 1))
    .filter(({ id }, i, all) => i === 0 || id.high !== all[i - 1]!.id.high || id.low !== all[i - 1]!.id.low)
  const writer = new ByteWriter().u16(identified.length)
  for (const { link } of identified) {
    const marks =
      Math.min(link.rttClass, RTT_CLASS_MAX) |
      (link.isOutbound ? LINK_FLAG.outbound : 0) |
      (link.isDataUp ? LINK_FLAG.dataUp : 0) |
      (link.endpoint === undefined ? 0 : LINK_FLAG.endpoint)
    writer.raw(peerIdBytes(link.neighbour).subarray(0, SHORT_ID_BYTES)).u8(marks)
    if (link.endpoint !== undefined) writeEndpoint(writer, link.endpoint)
  }
  return writer.raw(start).finish()
}

export function decodeLinks(value: Uint8Array): Decoded<LinksRecord> {
  const reader = new ByteReader(value)
  const count = reader.u16()
  if (count > PUBLISHED_LINKS_MAX) return new Drop('links-too-many')
  const highs = new Uint32Array(count)
  const lows = new Uint32Array(count)
  const marks = new Uint8Array(count)
  const endpointsAt = new Uint16Array(count)
  for (let i = 0; i < count && reader.ok; i++) {
    const { high, low } = readShortId(reader)
    const mark = reader.u8()
    if (reader.ok && i > 0 && (high < highs[i - 1]! || (high === highs[i - 1] && low <= lows[i - 1]!)))
      return new Drop('links-order')
    highs[i] = high
    lows[i] = low
    marks[i] = mark
    if ((mark & LINK_FLAG.endpoint) === 0) continue
    const at = value.length - reader.remaining
    if (readEndpoint(reader) !== undefined) endpointsAt[i] = at
  }
  if (!reader.ok) return new Drop('links-malformed')
  const start = reader.remaining < START_BYTES ? undefined : reader.raw(START_BYTES)
  return { count, highs, lows, marks, endpointsAt, value, start }
}

/** The row of the link to a neighbour; -1 when there is none. */
export function findLink({ count, highs, lows }: LinksRecord, high: number, low: number): number {
  const row = firstNotBelow(count, at => highs[at]! < high || (highs[at] === high && lows[at]! < low))
  return row < count && highs[row] === high && lows[row] === low ? row : -1
}

/** Where the owner sees the neighbour of a row, where it says so. */
export function linkEndpoint({ endpointsAt, value }: LinksRecord, row: number): Endpoint | undefined {
  const at = endpointsAt[row]
  return at === undefined || at === 0 ? undefined : readEndpoint(new ByteReader(value.subarray(at)))
}

/** Most significant byte first, unlike other integers, so that numbers are in the order of the bytes. */
function readShortId(reader: ByteReader): ShortId {
  const bytes = reader.raw(SHORT_ID_BYTES)
  const word = (at: number) =>
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  return { high: word(0), low: word(4) }
}
