import {
  ETHERNET_HEADER_BYTES,
  ETHER_TYPE,
  ETHER_TYPE_AT,
  ICMPV6,
  IPV6_HEADER_BYTES,
  NEIGHBOUR_TARGET_AT,
  NEIGHBOUR_TARGET_END,
  NEXT_HEADER_AT,
  i32At,
  u16At,
} from './frame-bytes.ts'

const ARP_BYTES = 28
/** Ethernet, IPv4, lengths of 6 and 4, request: the first 8 bytes of an ARP packet (RFC 826). */
const ARP_REQUEST = [0x0001_0800, 0x0604_0001]
const SOURCE_AT = 8
const NEIGHBOUR_SOLICITATION = 135

/**
 * The IPv4 address that an ARP request at `offset` of `slab` asks for; 0 for anything else: probes (RFC 5227: the sender
 * has no address yet) and announcements (it asks for its own) are for everybody.
 */
export function arpTargetAt(slab: Uint8Array, offset: number, length: number): number {
  if (length < ETHERNET_HEADER_BYTES + ARP_BYTES) return 0
  const at = offset + ETHERNET_HEADER_BYTES
  if (i32At(slab, at) !== ARP_REQUEST[0] || i32At(slab, at + 4) !== ARP_REQUEST[1]) return 0
  const sender = i32At(slab, at + 14)
  const target = i32At(slab, at + 24)
  return sender === 0 || sender === target ? 0 : target
}

/**
 * Where in `slab` the target of a neighbour solicitation begins, of the untagged Ethernet frame at `offset`; -1 for
 * anything else, and for one without a source, which asks whether anybody has the address (RFC 4862 §5.4).
 */
export function solicitedTargetAt(slab: Uint8Array, offset: number, length: number): number {
  const at = offset + ETHERNET_HEADER_BYTES
  const message = at + IPV6_HEADER_BYTES
  if (
    length < ETHERNET_HEADER_BYTES + IPV6_HEADER_BYTES + NEIGHBOUR_TARGET_END ||
    u16At(slab, offset + ETHER_TYPE_AT) !== ETHER_TYPE.ipv6
  )
    return -1
  if (slab[at + NEXT_HEADER_AT] !== ICMPV6 || slab[message] !== NEIGHBOUR_SOLICITATION) return -1
  for (let i = 0; i < 16; i++) if (slab[at + SOURCE_AT + i] !== 0) return message + NEIGHBOUR_TARGET_AT
  return -1
}
