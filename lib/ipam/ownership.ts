import type { Ipv4, PeerId } from '../address/mod.ts'
import type { IpamParts } from './ipam-wiring.ts'

/** Per block its owner; for the check of source addresses. */
export interface BlockOwnership {
  readonly first: Ipv4
  readonly blockSize: number
  readonly blockCount: number
  /** Of a block that is below `blockCount`. As many blocks as a mesh has are no list, which would be made anew at each change. */
  readonly ownerOf: (block: number) => PeerId | undefined
  /** Single addresses that the owner of their block lent, and to whom. */
  readonly lent: readonly { readonly address: Ipv4; readonly peer: PeerId }[]
}

type OwnershipParts = Pick<IpamParts, 'space' | 'map' | 'loans' | 'assignments'>

/** The owner of every block, by the registers in force, and what owners lent. */
export function ownership({ space, map, loans, assignments }: OwnershipParts): BlockOwnership {
  const ownerOf = (block: number) => map.ownerOf(block)
  const lent = [...loans.all(), ...assignments.lent(ownerOf)]
  const { range, blockSize, blockCount } = space
  return { first: range.address, blockSize, blockCount, ownerOf, lent }
}

/** Who has an address: the peer that it is lent to, else the owner of its block. */
export function peerOf(address: Ipv4, { space, map, loans, assignments }: OwnershipParts): PeerId | undefined {
  if (!space.holds(address)) return undefined
  const own = loans.at(address)
  if (own !== undefined) return own.peer
  for (const loan of assignments.lent(block => map.ownerOf(block))) if (loan.address === address) return loan.peer
  return map.ownerOf(space.blockOf(address))
}
