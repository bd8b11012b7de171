import {
  containsCidr,
  firstAddress,
  formatCidr,
  formatIpv4,
  hasHostBits,
  lastAddress,
  overlaps,
  subnetOf,
  type Cidr,
} from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { SUBNET_PREFIX_MAX } from './constants.ts'

/** Why addresses cannot be allocated in `subnet`, if so: BAD_ADDRESS or ADDRESS_OUTSIDE_RANGE. */
export function subnetError(subnet: Cidr, range: Cidr): WeaveError | undefined {
  if (subnet.prefix > SUBNET_PREFIX_MAX) {
    return new WeaveError(
      'BAD_ADDRESS',
      `the subnet ${formatCidr(subnet)} has fewer than 4 addresses, and its first and last are never given`,
      `use a prefix length of ${SUBNET_PREFIX_MAX} or less, such as ${formatIpv4(subnet.address)}/24`,
    )
  }
  if (hasHostBits(subnet)) {
    return new WeaveError(
      'BAD_ADDRESS',
      `the subnet ${formatCidr(subnet)} has host bits set`,
      `write it as ${formatCidr(subnetOf(subnet))}`,
    )
  }
  if (!containsCidr(range, subnet)) {
    return new WeaveError(
      'ADDRESS_OUTSIDE_RANGE',
      `the subnet ${formatCidr(subnet)} is not inside the address range ${formatCidr(range)}`,
      `ask for a subnet of ${formatCidr(range)}, or launch all peers with a larger --ipalloc-range`,
    )
  }
  return undefined
}

/**
 * Why an address cannot be claimed anywhere, if so: as above, or ADDRESS_RESERVED. One outside the range can be, in a
 * subnet that has nothing of the range.
 */
export function claimError(cidr: Cidr, range: Cidr): WeaveError | undefined {
  const subnet = subnetOf(cidr)
  const isOutside = subnet.prefix <= SUBNET_PREFIX_MAX && !overlaps(subnet, range)
  const wrong = isOutside ? outsideError(cidr, range) : subnetError(subnet, range)
  if (wrong !== undefined) return wrong
  const isFirst = cidr.address === firstAddress(cidr)
  if (!isFirst && cidr.address !== lastAddress(cidr)) return undefined
  return new WeaveError(
    'ADDRESS_RESERVED',
    `${formatIpv4(cidr.address)} is the ${isFirst ? 'first (network)' : 'last (broadcast)'} address of ${formatCidr(subnet)}`,
    `claim one from ${formatIpv4(firstAddress(cidr) + 1)} to ${formatIpv4(lastAddress(cidr) - 1)}`,
  )
}

/** Addresses that nobody can have: of this network, this host, multicast, and beyond. */
function outsideError(cidr: Cidr, range: Cidr): WeaveError | undefined {
  const top = cidr.address >>> 24
  if (top !== 0 && top !== 127 && top < 224) return undefined
  return new WeaveError(
    'BAD_ADDRESS',
    `${formatIpv4(cidr.address)} is no address that a container can have`,
    `claim one of ${formatCidr(range)}, or of a private network that nothing else here uses`,
  )
}
