import type { Endpoint } from '../address/endpoint.ts'
import { PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type PeerId } from '../address/peer-id.ts'
import { assert } from '../base/assert.ts'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { Drop, type Decoded } from '../base/drop.ts'
import { LINKS_MAX } from './constants.ts'
import { readEndpoint, writeEndpoint } from './endpoint-field.ts'

/**
 * The value of a peer's `links` record: every link that it holds. Bytes after the last link are ignored.
 *
 *     | count u16 | count × [ neighbour (16) | flags u8 | rtt class u8 | endpoint ] … |
 *
 * Flags: 1 this peer dialled, 2 the data path is up; others are ignored. Links ascend by neighbour. The endpoint
 * (endpoint-field.ts) is where this peer sees the neighbour.
 */
export interface LinkClaim {
  readonly neighbour: PeerId
  readonly endpoint: Endpoint | undefined
  readonly isOutbound: boolean
  readonly rttClass: number
  readonly isDataUp: boolean
}

const FLAG = { outbound: 1, dataUp: 2 } as const

/** At most LINKS_MAX links, in any order; equal lists give equal bytes. */
export function encodeLinks(links: readonly LinkClaim[]): Uint8Array {
  assert(links.length <= LINKS_MAX, `${links.length} links`)
  const sorted = [...links].sort((a, b) => (a.neighbour < b.neighbour ? -1 : 1))
  const writer = new ByteWriter().u16(sorted.length)
  for (const link of sorted) {
    writer
      .raw(peerIdBytes(link.neighbour))
      .u8((link.isOutbound ? FLAG.outbound : 0) | (link.isDataUp ? FLAG.dataUp : 0))
      .u8(link.rttClass)
    writeEndpoint(writer, link.endpoint)
  }
  return writer.finish()
}

export function decodeLinks(value: Uint8Array): Decoded<LinkClaim[]> {
  const reader = new ByteReader(value)
  const count = reader.u16()
  if (count > LINKS_MAX) return new Drop('links-too-many')
  const links: LinkClaim[] = []
  for (let i = 0; i < count && reader.ok; i++) {
    const neighbour = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
    const flags = reader.u8()
    const rttClass = reader.u8()
    const endpoint = readEndpoint(reader)
    const previous = links.at(-1)?.neighbour
    if (reader.ok && previous !== undefined && neighbour <= previous) return new Drop('links-order')
    links.push({
      neighbour,
      endpoint,
      isOutbound: (flags & FLAG.outbound) !== 0,
      rttClass,
      isDataUp: (flags & FLAG.dataUp) !== 0,
    })
  }
  return reader.ok ? links : new Drop('links-malformed')
}
