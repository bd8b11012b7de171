import { assert } from '../base/mod.ts'
import { i32At } from './frame-bytes.ts'
import type { BlockOwners, ForwardingTable } from './forwarding.ts'
import { neighbourTargetAt } from './neighbour-target.ts'

/** What `ownerOf` says of an address that the ledger gives to nobody. */
export const OWNER_NONE = -1

/** To whom the ledger gives the addresses of the mesh, in peer indices, as the table of a lane says it. */
export class OwnerCheck {
  #owners: BlockOwners | undefined
  #shift = 0
  #hasIpv6 = false
  /** Of the prefix of the mesh: 32 bits, and 16. */
  #ipv6First = 0
  #ipv6Second = 0

  setTable({ owners, ipv6Prefix: prefix }: Pick<ForwardingTable, 'owners' | 'ipv6Prefix'>): void {
    this.#hasIpv6 = prefix !== undefined
    if (prefix !== undefined) {
      this.#ipv6First = i32At(prefix, 0)
      this.#ipv6Second = (prefix[4]! << 8) | prefix[5]!
    }
    this.#owners = owners
    if (owners === undefined) return
    const { blockSize } = owners
    assert(blockSize >= 1 && (blockSize & (blockSize - 1)) === 0, `block of ${blockSize} addresses`)
    this.#shift = 31 - Math.clz32(blockSize)
  }

  /** True when the ledger gives this IPv4 address to another peer than this one: by its block, or as a loan. */
  isOfAnother(ipv4: number, peer: number): boolean {
    const owner = this.#blockOwner(ipv4)
    return owner >= 0 && owner !== peer && lentTo(this.#owners!, ipv4 >>> 0) !== peer
  }

  /**
   * The same of an IPv6 address, in four times 32 bits. What has the prefix of the mesh, and is no address of it, is
   * nobody's. Addresses that are not of the mesh, link-local ones too, are anybody's.
   */
  isOfAnotherIpv6(first: number, second: number, third: number, ipv4: number, peer: number): boolean {
    if (!this.#isOfMesh(first, second)) return false
    return third !== 0 || this.isOfAnother(ipv4, peer)
  }

  /** Who alone may have this IPv4 address, by its block or as a loan; OWNER_NONE when anybody may. */
  ownerOf(ipv4: number): number {
    const owner = this.#blockOwner(ipv4)
    if (owner < 0) return OWNER_NONE
    const borrower = lentTo(this.#owners!, ipv4 >>> 0)
    return borrower >= 0 ? borrower : owner
  }

  /** The same of the IPv6 address at `at` of `bytes`. */
  ownerOfIpv6(bytes: Uint8Array, at: number): number {
    const isOfMesh = this.#isOfMesh(i32At(bytes, at), i32At(bytes, at + 4)) && i32At(bytes, at + 8) === 0
    return isOfMesh ? this.ownerOf(i32At(bytes, at + 12)) : OWNER_NONE
  }

  /** Whether a neighbour advertisement claims the address of another peer's container, or cannot be read. */
  isSpoofedNeighbour(slab: Uint8Array, offset: number, length: number, peer: number): boolean {
    const target = neighbourTargetAt(slab, offset, length)
    if (target < 0) return true
    const word = (i: number) => i32At(slab, target + 4 * i)
    return this.isOfAnotherIpv6(word(0), word(1), word(2), word(3), peer)
  }

  /** Whether an IPv6 address that begins so has the prefix of the mesh. */
  #isOfMesh(first: number, second: number): boolean {
    return this.#hasIpv6 && first === this.#ipv6First && second >>> 16 === this.#ipv6Second
  }

  /** The owner of the block that the address is in, or OWNER_NONE. */
  #blockOwner(ipv4: number): number {
    const owners = this.#owners
    if (owners === undefined || ipv4 === 0) return OWNER_NONE
    const offset = (ipv4 >>> 0) - owners.first
    if (offset < 0) return OWNER_NONE
    const block = offset >>> this.#shift
    return block < owners.ownerOf.length ? owners.ownerOf[block]! : OWNER_NONE
  }
}

/** The peer index of who borrowed the address; -1 when nobody did. */
function lentTo({ lentAddresses, lentTo: peers }: BlockOwners, address: number): number {
  let low = 0
  let high = lentAddresses.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = lentAddresses[middle]!
    if (found === address) return peers[middle]!
    if (found < address) low = middle + 1
    else high = middle - 1
  }
  return -1
}
