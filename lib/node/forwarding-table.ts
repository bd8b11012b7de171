import type { PeerId } from '../address/mod.ts'
import type { ForwardingTable } from '../overlay/mod.ts'
import type { Addresses } from './addresses.ts'
import type { DataPaths } from './data-paths.ts'
import { SELF_INDEX, type MeshView } from './mesh-view.ts'

/** What the lanes need of the mesh as it is now. */
export function forwardingTable(view: MeshView, paths: DataPaths, addresses: Addresses): ForwardingTable {
  const childrenOf = (peers: readonly PeerId[]) =>
    peers.filter(peer => paths.isDirect(peer)).map(peer => view.indexOf(peer)!)
  const floodOf: [number, number[]][] = []
  let floodOwn: number[] = []
  for (const [source, children] of view.children) {
    const index = view.indexOf(source)
    if (index === SELF_INDEX) floodOwn = childrenOf(children)
    else if (index !== undefined) floodOf.push([index, childrenOf(children)])
  }
  const reachable = [...paths.all].filter(path => path.isUsable).map(path => path.peerIndex)
  return { selfIndex: SELF_INDEX, floodOwn, floodOf, reachable, owners: addresses.owners() }
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
    if (this.#table !== undefined && sameTable(this.#table, table)) return undefined
    this.#table = table
    return table
  }
}

function sameTable(a: ForwardingTable, b: ForwardingTable): boolean {
  if (a.owners !== b.owners) return false
  const shape = ({ selfIndex, floodOwn, floodOf, reachable }: ForwardingTable) =>
    JSON.stringify([selfIndex, floodOwn, floodOf, reachable])
  return shape(a) === shape(b)
}
