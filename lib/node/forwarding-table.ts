import type { PeerId } from '../address/mod.ts'
import type { BlockOwners, ForwardingTable } from '../overlay/mod.ts'
import type { Addresses } from './addresses.ts'
import type { DataPaths } from './data-paths.ts'
import { SELF_INDEX } from './known-peers.ts'
import type { MeshView } from './mesh-view.ts'

/** What the lanes need of the mesh as it is now. */
export function forwardingTable(
  view: MeshView,
  paths: DataPaths,
  addresses: Addresses,
  ipv6Prefix: Uint8Array | undefined,
): ForwardingTable {
  // Most sources have the same few children: each is looked up once.
  const indices = new Map<PeerId, number>()
  const reachable: number[] = []
  for (const path of paths.all) {
    const { kind } = path.state
    if (kind === 'direct') indices.set(path.peerId, path.peerIndex)
    if (kind !== 'none') reachable.push(path.peerIndex)
  }
  const childrenOf = (peers: readonly PeerId[]) => {
    const found: number[] = []
    for (const peer of peers) {
      const index = indices.get(peer)
      if (index !== undefined) found.push(index)
    }
    return found
  }
  const floodOf: [number, number[]][] = []
  let floodOwn: number[] = []
  for (const [source, children] of view.children) {
    const index = view.indexOf(source)
    if (index === SELF_INDEX) floodOwn = childrenOf(children)
    else if (index !== undefined) floodOf.push([index, childrenOf(children)])
  }
  return { selfIndex: SELF_INDEX, floodOwn, floodOf, reachable, owners: addresses.owners(), ipv6Prefix }
}

/** Makes the table anew when it is due, and hands it out when it differs from the last one. */
export class TablePublisher {
  #table: ForwardingTable | undefined
  #isDirty = true

  get table(): ForwardingTable | undefined {
    return this.#table
  }

  changed(): void {
    this.#isDirty = true
  }

  /** The new table, if there is one. */
  take(make: () => ForwardingTable): ForwardingTable | undefined {
    if (!this.#isDirty) return undefined
    this.#isDirty = false
    const table = make()
    if (this.#table !== undefined && isSameTable(this.#table, table)) return undefined
    this.#table = table
    return table
  }
}

/** Compared number by number: this happens whenever anything of the mesh changes. */
export function isSameTable(a: ForwardingTable, b: ForwardingTable): boolean {
  return (
    a.selfIndex === b.selfIndex &&
    isSameList(a.floodOwn, b.floodOwn) &&
    isSameList(a.reachable, b.reachable) &&
    a.floodOf.length === b.floodOf.length &&
    a.floodOf.every(([source, children], at) => {
      const [otherSource, otherChildren] = b.floodOf[at]!
      return source === otherSource && isSameList(children, otherChildren)
    }) &&
    isSameOwners(a.owners, b.owners) &&
    isSameList(a.ipv6Prefix ?? [], b.ipv6Prefix ?? [])
  )
}

function isSameOwners(a: BlockOwners | undefined, b: BlockOwners | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return (
    a.first === b.first &&
    a.blockSize === b.blockSize &&
    isSameList(a.ownerOf, b.ownerOf) &&
    isSameList(a.lentAddresses, b.lentAddresses) &&
    isSameList(a.lentTo, b.lentTo)
  )
}

function isSameList(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
