import { contains, parseCidr, type Cidr } from './cidr.ts'
import { parseIpv4 } from './ipv4.ts'
import { parseIpv6 } from './ipv6.ts'
import { isLinkLocalIpv6, splitScope } from './scope-id.ts'

/** Loopback, RFC 1918, link-local, and what carriers share (RFC 6598). */
const PRIVATE_IPV4: readonly Cidr[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
].map(text => parseCidr(text)!)

/** Whether an IP address leads to this host whoever asks, as 127.0.0.1 and ::1 do. */
export function isLoopbackAddress(text: string): boolean {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return ipv4 >>> 24 === 127
  const ip = parseIpv6(text)
  return ip !== undefined && isLoopbackIpv6(ip)
}

/** Whether an IP address, with a scope id or without, is one that the internet does not route. */
export function isPrivateAddress(text: string): boolean {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return PRIVATE_IPV4.some(cidr => contains(cidr, ipv4))
  const ip = parseIpv6(splitScope(text).address)
  if (ip === undefined) return false
  // fc00::/7, RFC 4193.
  return isLoopbackIpv6(ip) || isLinkLocalIpv6(ip) || (ip[0]! & 0xfe) === 0xfc
}

function isLoopbackIpv6(ip: Uint8Array): boolean {
  return ip[15] === 1 && ip.subarray(0, 15).every(byte => byte === 0)
}
