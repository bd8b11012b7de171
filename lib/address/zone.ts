/** Where in a link-local address its zone is put: bytes that are 0 on the wire (RFC 4291 §2.5.6). */
const ZONE_AT = 2
const ZONE_MAX = 0xffff

/** Whether an IPv6 address, 16 bytes, is link-local (fe80::/10). */
export function isLinkLocalIpv6(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80
}

/**
 * A link-local address with its zone, the index of the interface, inside: so it is 16 bytes like any other. Undefined for
 * other addresses, and for an index that is none or too large.
 */
export function withZone(ip: Uint8Array, zone: number): Uint8Array | undefined {
  if (!isLinkLocalIpv6(ip) || !Number.isInteger(zone) || zone < 1 || zone > ZONE_MAX) return undefined
  const zoned = ip.slice()
  zoned[ZONE_AT] = zone >>> 8
  zoned[ZONE_AT + 1] = zone & 255
  return zoned
}

/** The zone inside a link-local address; 0 without one, and for all other addresses. */
export function zoneOf(ip: Uint8Array): number {
  return isLinkLocalIpv6(ip) ? (ip[ZONE_AT]! << 8) | ip[ZONE_AT + 1]! : 0
}

/** The address as it is on the wire. */
export function withoutZone(ip: Uint8Array): Uint8Array {
  if (zoneOf(ip) === 0) return ip
  const plain = ip.slice()
  plain[ZONE_AT] = plain[ZONE_AT + 1] = 0
  return plain
}

/** Splits `fe80::1%eth0` at the percent sign; without one the zone is undefined. */
export function splitZone(host: string): { readonly address: string; readonly zone: string | undefined } {
  const at = host.indexOf('%')
  return at < 0 ? { address: host, zone: undefined } : { address: host.slice(0, at), zone: host.slice(at + 1) }
}
