import { VLAN_TAGS_MAX } from './constants.ts'
import {
  ETHER_TYPE_AT,
  ICMPV6,
  IPV6_HEADER_BYTES,
  NEIGHBOUR_TARGET_AT,
  NEIGHBOUR_TARGET_END,
  NEXT_HEADER_AT,
  VLAN_TYPES,
  u16At,
} from './frame-bytes.ts'

const NEXT_HOP_BY_HOP = 0
const NEXT_ROUTING = 43
const NEXT_OPTIONS = 60
const EXTENSION_HEADERS_MAX = 16
const NEIGHBOUR_ADVERTISEMENT = 136

/**
 * Where in `slab` the target address of a neighbour advertisement begins, of the Ethernet frame at `offset`: whose
 * address it claims. -1 for what is none, is too short, or is cut into fragments, which no host takes (RFC 6980).
 */
export function neighbourTargetAt(slab: Uint8Array, offset: number, length: number): number {
  const end = Math.min(offset + length, slab.length)
  let at = offset + ETHER_TYPE_AT
  for (let tags = 0; tags < VLAN_TAGS_MAX && at + 2 <= end && VLAN_TYPES.includes(u16At(slab, at)); tags++) at += 4
  at += 2
  if (at + IPV6_HEADER_BYTES > end) return -1
  let next = slab[at + NEXT_HEADER_AT]!
  at += IPV6_HEADER_BYTES
  for (let headers = 0; headers < EXTENSION_HEADERS_MAX && next !== ICMPV6; headers++) {
    if ((next !== NEXT_HOP_BY_HOP && next !== NEXT_ROUTING && next !== NEXT_OPTIONS) || at + 8 > end) return -1
    next = slab[at]!
    at += (slab[at + 1]! + 1) * 8
  }
  if (next !== ICMPV6 || at + NEIGHBOUR_TARGET_END > end || slab[at] !== NEIGHBOUR_ADVERTISEMENT) return -1
  return at + NEIGHBOUR_TARGET_AT
}
