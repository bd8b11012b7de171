import { parseIp } from '../address/mod.ts'
import type { BridgeAddress } from '../overlay/mod.ts'

/** Addresses in CIDR form, of either family, as the packet engine takes them; what is none is left out. */
export function bridgeAddressesOf(cidrs: readonly string[]): BridgeAddress[] {
  return cidrs.flatMap(cidr => {
    const [address = '', prefix = ''] = cidr.split('/')
    const ip = parseIp(address)
    return ip === undefined || prefix === '' ? [] : [{ ip, prefix: Number(prefix) }]
  })
}
