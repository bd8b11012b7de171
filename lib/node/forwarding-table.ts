import type { PeerId } from '../address/mod.ts'
import { changeBetween, type ForwardingChange, type ForwardingTable } from '../overlay/mod.ts'
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
    if (kind === 'direct' || kind === 'tcp') indices.set(path.peerId, path.peerIndex)
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

/** Makes the table anew when it is due, and tells what is new in it. */
export class TablePublisher {
  #table: ForwardingTable | undefined
  #isDirty = true

  changed(): void {
    this.#isDirty = true
  }

  /** What differs from the last table, if anything does. */
  take(make: () => ForwardingTable): ForwardingChange | undefined {
    if (!this.#isDirty) return undefined
    this.#isDirty = false
    const table = make()
    const change = changeBetween(this.#table, table)
    this.#table = table
    return change
  }
}
