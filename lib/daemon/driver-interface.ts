import { formatIpv6Cidr, isGroupMac, parseIpv6Cidr, parseMac, type Mac } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { EndpointRecord } from './driver-records.ts'

/** Of one container. @throws WeaveError BAD_ADDRESS */
export function macOf(text: string): Mac {
  const mac = parseMac(text.toLowerCase())
  if (mac !== undefined && !isGroupMac(mac)) return mac
  throw new WeaveError('BAD_ADDRESS', `${quoted(text)} is no MAC address of a container`, 'give another --mac-address')
}

/** An IPv6 address with its prefix length, as we write it. @throws WeaveError BAD_ADDRESS */
export function ipv6Interface(text: string): string {
  const cidr = parseIpv6Cidr(text)
  if (cidr !== undefined) return formatIpv6Cidr(cidr)
  throw new WeaveError(
    'BAD_ADDRESS',
    `${quoted(text)} is no IPv6 address with its prefix length`,
    'create the network with --ipam-driver weave-ts',
  )
}

/** What libnetwork is to have besides what it said itself. */
export function endpointAnswer(
  { cidrs, mac }: Pick<EndpointRecord, 'cidrs' | 'mac'>,
  asked: readonly string[],
  isDrawn: boolean,
): object {
  const [derived] = cidrs.slice(asked.length)
  if (derived === undefined && !isDrawn) return {}
  return {
    Interface: { ...(isDrawn && { MacAddress: mac }), ...(derived !== undefined && { AddressIPv6: derived }) },
  }
}

/** No control character of it reaches a terminal. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
