import type { Mac, PeerId } from '../address/mod.ts'
import type { BroadcastTree } from '../topology/mod.ts'
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
  groups: Iterable<readonly [PeerId, readonly Mac[]]>,
): ForwardingTable {
  const adjacent: number[] = []
  const reachable: number[] = []
  for (const path of paths.all) {
    const { kind } = path.state
    if (kind === 'direct' || kind === 'tcp') adjacent.push(path.peerIndex)
    if (kind !== 'none') reachable.push(path.peerIndex)
  }
  const tree = indexedTree(view.tree, peer => view.indexOf(peer))
  const listening: [number, readonly Mac[]][] = []
  for (const [peer, listened] of groups) {
    const index = view.indexOf(peer)
    if (index !== undefined) listening.push([index, listened])
  }
  return { selfIndex: SELF_INDEX, tree, adjacent, reachable, listening, owners: addresses.owners(), ipv6Prefix }
}

/** A peer without an index is left out with what is below it: it was forgotten since the tree was made. */
function indexedTree({ peers, below }: BroadcastTree, indexOf: (peer: PeerId) => number | undefined): Int32Array {
  const entries = new Int32Array(2 * peers.length)
  let used = 0
  const open: { readonly at: number; readonly end: number }[] = []
  const close = (place: number) => {
    while (open.length > 0 && open.at(-1)!.end <= place) {
      const { at } = open.pop()!
      entries[at + 1] = (used - at) / 2 - 1
    }
  }
  for (let place = 0; place < peers.length;) {
    close(place)
    const index = indexOf(peers[place]!)
    const end = place + 1 + below[place]!
    if (index === undefined) {
      place = end
      continue
    }
    entries[used] = index
    open.push({ at: used, end })
    used += 2
    place++
  }
  close(peers.length)
  return entries.slice(0, used)
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
