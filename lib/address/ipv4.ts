import ipaddr from 'ipaddr.js'

/** An IPv4 address as an unsigned 32-bit integer, most significant byte first. */
export type Ipv4 = number

/** Dotted quad to integer; undefined for anything else (leading zeros included). */
export function parseIpv4(text: string): Ipv4 | undefined {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text)) return undefined
  return ipaddr.IPv4.parse(text).octets.reduce((value, byte) => value * 256 + byte, 0)
}

export function formatIpv4(address: Ipv4): string {
  return `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}
