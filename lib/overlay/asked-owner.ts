import { ETHER_TYPE } from './frame-bytes.ts'
import { arpTargetAt, solicitedTargetAt } from './neighbour-query.ts'
import { OWNER_NONE, type OwnerCheck } from './owner-check.ts'
import { ROW, type EngineLane } from './packet-engine.ts'

/** The upper 16 bits of the MAC addresses of IPv6 groups. */
const IPV6_GROUP = 0x3333

/**
 * Who alone can answer the ARP request or neighbour solicitation whose row begins at `at`; OWNER_NONE when anybody may, and
 * of other frames.
 */
export function askedOwnerAt(
  { rows, slab }: Pick<EngineLane, 'rows' | 'slab'>,
  at: number,
  owners: OwnerCheck,
): number {
  const etherType = rows[at + ROW.etherType]!
  const offset = rows[at + ROW.offset]!
  const length = rows[at + ROW.length]!
  if (etherType === ETHER_TYPE.arp) {
    const target = arpTargetAt(slab, offset, length)
    return target === 0 ? OWNER_NONE : owners.ownerOf(target)
  }
  if (etherType !== ETHER_TYPE.ipv6 || rows[at + ROW.destinationHigh] !== IPV6_GROUP) return OWNER_NONE
  const target = solicitedTargetAt(slab, offset, length)
  return target < 0 ? OWNER_NONE : owners.ownerOfIpv6(slab, target)
}
