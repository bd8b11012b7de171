/** Where in a link-local address its scope id is put: bytes that are 0 on the wire (RFC 4291 §2.5.6). */
const SCOPE_ID_AT = 2
const SCOPE_ID_MAX = 0xffff

/** Whether an IPv6 address, 16 bytes, is link-local (fe80::/10). */
export function isLinkLocalIpv6(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80
}

/**
 * A link-local address with its scope id inside, so that it is 16 bytes like any other. The scope id is the index of the
 * interface (RFC 3493 §3.3; RFC 4007 calls it a zone index). Undefined for other addresses, and for an index that is none
 * or too large.
 */
export function withScopeId(ip: Uint8Array, scopeId: number): Uint8Array | undefined {
  if (!isLinkLocalIpv6(ip) || !Number.isInteger(scopeId) || scopeId < 1 || scopeId > SCOPE_ID_MAX) return undefined
  const scoped = ip.slice()
  scoped[SCOPE_ID_AT] = scopeId >>> 8
  scoped[SCOPE_ID_AT + 1] = scopeId & 255
  return scoped
}

/** The scope id inside a link-local address; 0 without one, and for all other addresses. */
export function scopeIdOf(ip: Uint8Array): number {
  return isLinkLocalIpv6(ip) ? (ip[SCOPE_ID_AT]! << 8) | ip[SCOPE_ID_AT + 1]! : 0
}

/** The address as it is on the wire. */
export function withoutScopeId(ip: Uint8Array): Uint8Array {
  if (scopeIdOf(ip) === 0) return ip
  const plain = ip.slice()
  plain[SCOPE_ID_AT] = plain[SCOPE_ID_AT + 1] = 0
  return plain
}

/** Splits `fe80::1%eth0` at the percent sign; without one the scope, an index or the name of an interface, is undefined. */
export function splitScope(host: string): { readonly address: string; readonly scope: string | undefined } {
  const at = host.indexOf('%')
  return at < 0 ? { address: host, scope: undefined } : { address: host.slice(0, at), scope: host.slice(at + 1) }
}
