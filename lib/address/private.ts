import { contains, parseCidr, type Cidr } from './cidr.ts'
import { parseIpv4 } from './ipv4.ts'
import { parseIpv6 } from './ipv6.ts'

/** Loopback, RFC 1918, link-local, and what carriers share (RFC 6598). */
const PRIVATE_IPV4: readonly Cidr[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
].map(text => parseCidr(text)!)

/** Whether an IP address, with a zone or without, is one that the internet does not route. */
export function isPrivateAddress(text: string): boolean {
  const ipv4 = parseIpv4(text)
  if (ipv4 !== undefined) return PRIVATE_IPV4.some(cidr => contains(cidr, ipv4))
  const ip = parseIpv6(text.split('%')[0]!)
  if (ip === undefined) return false
  const isLoopback = ip[15] === 1 && ip.subarray(0, 15).every(byte => byte === 0)
  const isLinkLocal = ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80
  // fc00::/7, RFC 4193.
  return isLoopback || isLinkLocal || (ip[0]! & 0xfe) === 0xfc
}
