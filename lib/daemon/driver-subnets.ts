import { containsCidr, formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { DriverRequest } from '../docker/mod.ts'
import { ADDRESS_SPACE } from './driver-addresses.ts'
import { networkSubnet, parsePool, subnetText } from './driver-pools.ts'
import { networkTitle, type NetworkRecord } from './driver-records.ts'

/**
 * The subnets of a network that is to be made, those of IPv4 first.
 * @throws WeaveError BAD_ADDRESS, ADDRESS_OUTSIDE_RANGE
 */
export function newSubnets(
  { IPv4Data, IPv6Data }: Pick<DriverRequest<'NetworkDriver.CreateNetwork'>, 'IPv4Data' | 'IPv6Data'>,
  range: Cidr,
): { readonly ipv4: readonly Cidr[]; readonly texts: readonly string[] } {
  const ipv4 = IPv4Data.map(({ Pool }) => networkSubnet(Pool, range))
  if (ipv4.length === 0)
    throw new WeaveError('BAD_ADDRESS', 'the network has no subnet of IPv4', 'create it with --ipam-driver weave-ts')
  if (IPv6Data.some(({ AddressSpace }) => AddressSpace !== ADDRESS_SPACE))
    throw new WeaveError(
      'BAD_ADDRESS',
      "addresses of IPv6 from Docker's own IPAM driver would be given twice in the mesh",
      'create the network with --ipam-driver weave-ts',
    )
  return { ipv4, texts: [...ipv4.map(formatCidr), ...IPv6Data.map(({ Pool }) => ipv6Subnet(Pool))] }
}

function ipv6Subnet(text: string): string {
  const pool = parsePool(text)
  if (pool?.family === 6) return subnetText(pool)
  throw new WeaveError('BAD_ADDRESS', `${JSON.stringify(text)} is not a subnet of IPv6`, 'write it as in fd00:40::/64')
}

/** Those of a network that Docker has already, as `newSubnets` writes them; what is none is left out. */
export function knownSubnets(texts: readonly string[]): string[] {
  return texts.flatMap(text => {
    const pool = parsePool(text)
    return pool === undefined ? [] : [subnetText(pool)]
  })
}

/** A network stays what it was made. @throws WeaveError BAD_ADDRESS */
export function checkSame(known: NetworkRecord, texts: readonly string[]): void {
  const before = [...known.subnets].sort().join(' ')
  const now = [...texts].sort().join(' ')
  if (before === '' || before === now) return
  throw new WeaveError(
    'BAD_ADDRESS',
    `the network ${networkTitle(known.id, known)} is there already with ${before}; it cannot be made with ${now}`,
    'remove the network and create it again',
  )
}

/**
 * A subnet inside another's would be neither apart from it nor one with it. The default subnet has all others in it.
 * @throws WeaveError RANGE_OVERLAP
 */
export function checkApart(subnet: Cidr, others: readonly NetworkRecord[], defaultSubnet: Cidr): void {
  const asText = formatCidr(subnet)
  const isDefault = (text: string) => text === formatCidr(defaultSubnet)
  for (const network of others)
    for (const text of network.subnets) {
      const other = parseCidr(text)
      if (other === undefined || text === asText || isDefault(asText) || isDefault(text)) continue
      if (containsCidr(subnet, other) || containsCidr(other, subnet))
        throw new WeaveError(
          'RANGE_OVERLAP',
          `the subnet ${asText} overlaps ${text} of the network ${networkTitle(network.id, network)}`,
          'give a subnet that is apart from it, or the very same to be one with it',
        )
    }
}
