import { contains, type Cidr } from './cidr.ts'
import { parseIp, splitHostPort, type Endpoint } from './endpoint.ts'
import { isLinkLocalIpv6 } from './scope-id.ts'

/** First bytes of IPv4 ranges where no other host is (RFC 6890). */
const IPV4_LOOPBACK = 127
const IPV4_LINK_LOCAL = [169, 254] as const
/** Multicast, reserved, and the broadcast address. */
const IPV4_MULTICAST_FIRST = 224
const IPV6_MULTICAST = 0xff

/**
 * Whether an endpoint that somebody else named may be dialled or probed: not loopback, link-local (where clouds keep
 * their secrets), unspecified, multicast, reserved or broadcast addresses, nor those of the overlay itself. What an
 * operator named is not asked.
 */
export function isDialable(endpoint: Endpoint, overlay?: Cidr): boolean {
  const { host } = splitHostPort(endpoint)
  const ip = host === undefined ? undefined : parseIp(host)
  // A port of 0 comes out as no host.
  if (ip === undefined) return false
  return ip.length === 4 ? isDialableIpv4(ip, overlay) : isDialableIpv6(ip, overlay)
}

function isDialableIpv4(ip: Uint8Array, overlay: Cidr | undefined): boolean {
  const [first, second] = [ip[0]!, ip[1]!]
  if (first === 0 || first === IPV4_LOOPBACK || first >= IPV4_MULTICAST_FIRST) return false
  if (first === IPV4_LINK_LOCAL[0] && second === IPV4_LINK_LOCAL[1]) return false
  const address = ((first << 24) | (second << 16) | (ip[2]! << 8) | ip[3]!) >>> 0
  return overlay === undefined || !contains(overlay, address)
}

function isDialableIpv6(ip: Uint8Array, overlay: Cidr | undefined): boolean {
  if (ip[0] === IPV6_MULTICAST) return false
  // And the site-local fec0::/10, which once followed it.
  if (isLinkLocalIpv6(ip) || (ip[0] === 0xfe && ip[1]! >= 0xc0)) return false
  // ::, ::1, and IPv4 addresses in the forms ::a.b.c.d and (should it come uncanonical) ::ffff:a.b.c.d.
  if (ip.subarray(0, 10).every(byte => byte === 0)) {
    const isEmbedded = (ip[10] === 0 && ip[11] === 0) || (ip[10] === 0xff && ip[11] === 0xff)
    if (isEmbedded) return isDialableIpv4(ip.subarray(12), overlay)
  }
  // The NAT64 prefix 64:ff9b::/96 leads to an IPv4 address as well.
  const isNat64 =
    ip[0] === 0 && ip[1] === 0x64 && ip[2] === 0xff && ip[3] === 0x9b && ip.subarray(4, 12).every(b => b === 0)
  return isNat64 ? isDialableIpv4(ip.subarray(12), overlay) : true
}
