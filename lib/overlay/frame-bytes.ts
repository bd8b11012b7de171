export const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const
/** EtherTypes of a VLAN tag (IEEE 802.1Q). */
export const VLAN_TYPES: readonly number[] = [0x8100, 0x88a8]
/** Of a frame without tags. */
export const ETHERNET_HEADER_BYTES = 14
/** Where a frame without tags says what it carries. */
export const ETHER_TYPE_AT = 12
/** Without options. */
export const IPV4_HEADER_BYTES_MIN = 20
export const IPV6_HEADER_BYTES = 40
/** Where an IPv6 header says what comes after it. */
export const NEXT_HEADER_AT = 6
export const ICMPV6 = 58
/** Where the target begins in a neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4), and where it ends. */
export const NEIGHBOUR_TARGET_AT = 8
export const NEIGHBOUR_TARGET_END = 24

/** 16 bits of a frame, big-endian. */
export function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** 32 bits of a frame, big-endian, as a signed integer. */
export function i32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
