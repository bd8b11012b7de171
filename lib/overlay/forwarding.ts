import type { Mac } from '../address/mod.ts'

/**
 * What the lanes need to know of the mesh, in peer indices; the node makes a new one whenever topology, sessions or the
 * address ledger change, and the daemon hands it to every lane.
 */
export interface ForwardingTable {
  readonly selfIndex: number
  /**
   * The tree by which a frame from the TAP is flooded, in preorder: for each peer its index, and how many peers follow
   * that are below it.
   */
  readonly tree: Int32Array
  /** Peers to which there is a way without a relay: to others nothing is flooded, nor passed on. */
  readonly adjacent: readonly number[]
  /** Peers to which unicast can go (directly or through a relay). Frames for others wait. */
  readonly reachable: readonly number[]
  /**
   * Groups of Ethernet that are listened to at each peer that gets no others: [peer index, groups]. Who is not here gets
   * frames for all groups.
   */
  readonly listening?: readonly (readonly [number, readonly Mac[]])[]
  /** Owners of the address blocks, for the anti-spoofing check; undefined while addresses are not managed. */
  readonly owners: BlockOwners | undefined
  /** Of the IPv6 addresses of the mesh (6 bytes): each belongs to the owner of the IPv4 address at its end. */
  readonly ipv6Prefix?: Uint8Array | undefined
}

export interface BlockOwners {
  /** First address of the range. */
  readonly first: number
  /** Addresses in a block: a power of two. */
  readonly blockSize: number
  /** Per block the peer index of its owner, or -1 when nobody's. */
  readonly ownerOf: Int32Array
  /** Single addresses that the owners of their blocks lent, ascending. */
  readonly lentAddresses: Uint32Array
  /** For each of them the peer index of who has it, or -1 when that is unknown. */
  readonly lentTo: Int32Array
}
