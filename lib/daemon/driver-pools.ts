import {
  contains,
  containsCidr,
  formatCidr,
  formatIpv4,
  formatIpv6,
  hasHostBits,
  isLinkLocalIpv6,
  maskOf,
  parseCidr,
  parseIpv6,
  type Cidr,
  type Ipv4,
} from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { subnetError } from '../ipam/mod.ts'

/** Addresses of a network of Docker. Its text names it to libnetwork, so that nothing of it need be kept. */
export type Pool =
  | {
      readonly family: 4
      readonly subnet: Cidr
      /** The part of it that containers of this network get addresses of (`--ip-range`). */
      readonly part: Cidr
    }
  | { readonly family: 6; readonly first: Uint8Array; readonly prefix: number }

/** The mesh's own. */
export interface PoolRange {
  readonly range: Cidr
  readonly defaultSubnet: Cidr
}

/** An IPv4 address fits behind it. */
const IPV6_PREFIX_MAX = 96

/**
 * The pool that an operator asked for with `--subnet` and `--ip-range`; without them, the default subnet of the mesh.
 * @throws WeaveError BAD_ADDRESS, ADDRESS_OUTSIDE_RANGE
 */
export function askedPool(subnet: string, part: string, isIpv6: boolean, mesh: PoolRange): Pool {
  if (isIpv6) return ipv6Pool(subnet, part)
  if (subnet === '' && part === '') return { family: 4, subnet: mesh.defaultSubnet, part: mesh.defaultSubnet }
  if (subnet === '')
    throw new WeaveError('BAD_ADDRESS', `the IP range ${part} was given without a subnet`, 'give its --subnet as well')
  const whole = checkedSubnet(subnet, mesh.range)
  if (part === '') return { family: 4, subnet: whole, part: whole }
  const inner = checkedSubnet(part, mesh.range)
  if (containsCidr(whole, inner)) return { family: 4, subnet: whole, part: inner }
  throw new WeaveError(
    'BAD_ADDRESS',
    `the IP range ${part} is not inside the subnet ${subnet}`,
    `give an --ip-range of ${subnet}`,
  )
}

/** A subnet of the mesh's range. @throws WeaveError BAD_ADDRESS, ADDRESS_OUTSIDE_RANGE */
function checkedSubnet(text: string, range: Cidr): Cidr {
  const subnet = parseCidr(text)
  if (subnet === undefined)
    throw new WeaveError('BAD_ADDRESS', `"${text}" is not a subnet of IPv4`, 'write it as in 10.40.0.0/24')
  const wrong = subnetError(subnet, range)
  if (wrong !== undefined) throw wrong
  return subnet
}

/** That of a network, whoever chose it. @throws WeaveError BAD_ADDRESS, ADDRESS_OUTSIDE_RANGE */
export function networkSubnet(text: string, range: Cidr): Cidr {
  try {
    return checkedSubnet(text, range)
  } catch (error) {
    if (!(error instanceof WeaveError) || error.code !== 'ADDRESS_OUTSIDE_RANGE') throw error
    throw new WeaveError(
      error.code,
      error.message,
      `create the network with --ipam-driver weave-ts, or with a --subnet of ${formatCidr(range)}`,
    )
  }
}

function ipv6Pool(subnet: string, part: string): Pool {
  const found = subnet === '' ? undefined : parsePool(subnet)
  if (found?.family !== 6)
    throw new WeaveError(
      'BAD_ADDRESS',
      subnet === '' ? 'IPv6 was asked for without a subnet' : `"${subnet}" is not a subnet of IPv6`,
      `give one of up to /${IPV6_PREFIX_MAX} with --subnet, as in fd00:40::/64`,
    )
  if (part === '') return found
  throw new WeaveError(
    'BAD_ADDRESS',
    `an IP range of IPv6 was given (${part}), but IPv6 addresses are made from the IPv4 address`,
    'give no --ip-range for IPv6',
  )
}

/** Its whole subnet. */
export function subnetText(pool: Pool): string {
  return pool.family === 4 ? formatCidr(pool.subnet) : `${formatIpv6(pool.first)}/${pool.prefix}`
}

/** As `parsePool` reads it. */
export function formatPool(pool: Pool): string {
  if (pool.family === 6 || formatCidr(pool.part) === formatCidr(pool.subnet)) return subnetText(pool)
  return `${formatCidr(pool.subnet)} ${formatCidr(pool.part)}`
}

/** Undefined for what no pool is called. */
export function parsePool(text: string): Pool | undefined {
  const [whole = '', inner = whole, ...rest] = text.split(' ')
  if (rest.length > 0) return undefined
  const subnet = parseCidr(whole)
  const part = parseCidr(inner)
  if (subnet !== undefined && part !== undefined)
    return hasHostBits(subnet) || hasHostBits(part) || !containsCidr(subnet, part)
      ? undefined
      : { family: 4, subnet, part }
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  const first = match === null ? undefined : parseIpv6(match[1]!)
  const prefix = Number(match?.[2])
  if (first === undefined || prefix < 8 || prefix > IPV6_PREFIX_MAX) return undefined
  const isPlain = first.every((byte, i) => (byte & maskOf(prefix, i)) === byte) && first[0] !== 0xff && first[0] !== 0
  return isPlain && !isLinkLocalIpv6(first) ? { family: 6, first, prefix } : undefined
}

/**
 * The IPv6 address that goes with an IPv4 address of the mesh: the prefix of the pool, and the IPv4 address at its end.
 * So it is as unique in the mesh as that is, and nobody has to be asked.
 */
export function pooledIpv6(pool: Extract<Pool, { family: 6 }>, address: Ipv4): string {
  const bytes = Uint8Array.from(pool.first)
  new DataView(bytes.buffer).setUint32(12, address)
  return formatIpv6(bytes)
}

/** @throws WeaveError BAD_ADDRESS */
export function addressIn(pool: Extract<Pool, { family: 4 }>, text: string): Ipv4 {
  const cidr = parseCidr(`${text}/32`)
  if (cidr !== undefined && contains(pool.subnet, cidr.address)) return cidr.address
  throw new WeaveError(
    'BAD_ADDRESS',
    `the address ${text} is not in the subnet ${formatCidr(pool.subnet)}`,
    `give one of it, such as ${formatIpv4(pool.subnet.address + 5)}`,
  )
}
