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

export function sameTable(a: ForwardingTable, b: ForwardingTable): boolean {
  if (a.owners !== b.owners) return false
  const shape = ({ selfIndex, floodOwn, floodOf, reachable }: ForwardingTable) =>
    JSON.stringify([selfIndex, floodOwn, floodOf, reachable])
  return shape(a) === shape(b)
}
