import { parseCidr } from '../../lib/address/mod.ts'
import { Ipv6Plan } from '../../lib/daemon/ipv6-plan.ts'

/** The plan of a mesh whose prefix is fd12:3456:789a::/48, with the usual range. */
export function ipv6Plan(isWanted = true, mtu = 1_330): Ipv6Plan {
  const prefix = Uint8Array.of(0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a)
  return new Ipv6Plan({ isWanted, mtu, range: parseCidr('10.32.0.0/12')!, prefix: () => prefix })
}
