import { formatIpv4, parseIpv4, type Ipv4 } from './ipv4.ts'
import { formatIpv6, parseIpv6 } from './ipv6.ts'
import { splitScope, withScopeId, withoutScopeId, scopeIdOf } from './scope-id.ts'

declare const brand: unique symbol

/**
 * `ip:port` or `[ip6]:port` in canonical form: equal endpoints are equal strings. IPv4-mapped IPv6 is written as IPv4. A
 * link-local address has the index of its interface with it, as in `[fe80::1%2]:6783`, which is of this host only.
 */
export type Endpoint = string & { readonly [brand]: 'Endpoint' }

export interface EndpointParts {
  /** 4 or 16 bytes; with the scope id inside, if there is one (scope-id.ts). */
  readonly ip: Uint8Array
  readonly port: number
}

/**
 * Reads `ip:port`, `[ip6]:port`; with `defaultPort`, also a bare address. Undefined for names and nonsense. A scope id is an
 * index.
 */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const { host, port } = splitHostPort(text, defaultPort)
  if (host === undefined || port === undefined) return undefined
  const ip = parseScopedIp(host)
  return ip === undefined ? undefined : endpointOf(ip, port)
}

/** Splits `host`, `host:port`, `ip6`, `[ip6]:port` without judging the host. */
export function splitHostPort(text: string, defaultPort?: number): { host?: string; port?: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text)
  const plain = bracketed ?? /^([^:[\]]+)(?::(\d{1,5}))?$/.exec(text)
  if (plain) {
    const port = plain[2] === undefined ? defaultPort : Number(plain[2])
    if (port === undefined || port < 1 || port > 65535) return {}
    return { host: plain[1]!, port }
  }
  if (text.includes('::') || text.split(':').length > 2)
    return defaultPort === undefined ? {} : { host: text, port: defaultPort }
  return {}
}

/** 4 or 16 bytes; IPv4-mapped IPv6 becomes 4. */
export function parseIp(text: string): Uint8Array | undefined {
  const v4 = parseIpv4(text)
  if (v4 !== undefined) return ipv4Bytes(v4)
  const v6 = parseIpv6(text)
  return v6 === undefined ? undefined : canonicalIp(v6)
}

export function formatIp(ip: Uint8Array): string {
  const canonical = canonicalIp(ip)
  if (canonical.length === 16) return formatIpv6(canonical)
  return formatIpv4(((canonical[0]! << 24) | (canonical[1]! << 16) | (canonical[2]! << 8) | canonical[3]!) >>> 0)
}

export function endpointOf(ip: Uint8Array, port: number): Endpoint {
  const canonical = canonicalIp(ip)
  return (
    canonical.length === 4 ? `${formatIp(canonical)}:${port}` : `[${formatScopedIp(canonical)}]:${port}`
  ) as Endpoint
}

/** True for an endpoint that means nothing to other hosts. */
export function isScoped(endpoint: Endpoint): boolean {
  return endpoint.includes('%')
}

export function endpointParts(endpoint: Endpoint): EndpointParts {
  const { host, port } = splitHostPort(endpoint)
  const ip = host === undefined ? undefined : parseScopedIp(host)
  if (ip === undefined || port === undefined) throw new TypeError(`not an endpoint: ${endpoint}`)
  return { ip, port }
}

/** The address alone, without its scope id. */
export function endpointHost(endpoint: Endpoint): string {
  return formatIp(withoutScopeId(endpointParts(endpoint).ip))
}

export function ipv4Bytes(address: Ipv4): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address)
}

function canonicalIp(ip: Uint8Array): Uint8Array {
  if (ip.length !== 16) return ip
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return ip
  return ip[10] === 0xff && ip[11] === 0xff ? ip.subarray(12) : ip
}

function parseScopedIp(host: string): Uint8Array | undefined {
  const { address, scope } = splitScope(host)
  const ip = parseIp(address)
  if (ip === undefined || scope === undefined) return ip
  return /^[1-9]\d{0,4}$/.test(scope) ? withScopeId(ip, Number(scope)) : undefined
}

function formatScopedIp(ip: Uint8Array): string {
  const scopeId = scopeIdOf(ip)
  return scopeId === 0 ? formatIpv6(ip) : `${formatIpv6(withoutScopeId(ip))}%${scopeId}`
}
