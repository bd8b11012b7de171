import { VLAN_TAGS_MAX } from './constants.ts'
import { u16At } from './frame-bytes.ts'

const ETHERNET_TYPE_AT = 12
const VLAN_TYPES = [0x8100, 0x88a8]
const IPV6_HEADER_BYTES = 40
const NEXT_HOP_BY_HOP = 0
const NEXT_ROUTING = 43
const NEXT_ICMPV6 = 58
const NEXT_OPTIONS = 60
const EXTENSION_HEADERS_MAX = 16
const NEIGHBOUR_ADVERTISEMENT = 136
/** Where the target begins in the advertisement (RFC 4861 §4.4), and where it ends. */
const TARGET_AT = 8
const TARGET_END = 24

/**
 * Where in `slab` the target address of a neighbour advertisement begins, of the Ethernet frame at `offset`: whose
 * address it claims. -1 for what is none, is too short, or is cut into fragments, which no host takes (RFC 6980).
 */
export function neighbourTargetAt(slab: Uint8Array, offset: number, length: number): number {
  const end = Math.min(offset + length, slab.length)
  let at = offset + ETHERNET_TYPE_AT
  for (let tags = 0; tags < VLAN_TAGS_MAX && at + 2 <= end && VLAN_TYPES.includes(u16At(slab, at)); tags++) at += 4
  at += 2
  if (at + IPV6_HEADER_BYTES > end) return -1
  let next = slab[at + 6]!
  at += IPV6_HEADER_BYTES
  for (let headers = 0; headers < EXTENSION_HEADERS_MAX && next !== NEXT_ICMPV6; headers++) {
    if ((next !== NEXT_HOP_BY_HOP && next !== NEXT_ROUTING && next !== NEXT_OPTIONS) || at + 8 > end) return -1
    next = slab[at]!
    at += (slab[at + 1]! + 1) * 8
  }
  if (next !== NEXT_ICMPV6 || at + TARGET_END > end || slab[at] !== NEIGHBOUR_ADVERTISEMENT) return -1
  return at + TARGET_AT
}
