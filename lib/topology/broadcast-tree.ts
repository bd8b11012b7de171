import type { PeerId } from '../address/peer-id.ts'
import type { Graph } from './graph.ts'

/**
 * The broadcast tree of a source: its shortest-path tree in the data graph, where of several equal parents the one with
 * the lowest id is taken. So all peers that hold the same graph compute the same tree. Returns each other reachable peer's
 * parent.
 */
export function broadcastTree(graph: Graph, source: PeerId): ReadonlyMap<PeerId, PeerId> {
  const parents = new Map<PeerId, PeerId>()
  const root = graph.indexOf(source)
  if (root < 0) return parents
  graph.paths('data', root).parent.forEach((parent, node) => {
    if (parent >= 0) parents.set(graph.peers[node]!, graph.peers[parent]!)
  })
  return parents
}

/** To whom `self` passes on frames that began at `source`: its children in the tree, by ascending id. */
export function children(graph: Graph, source: PeerId, self: PeerId): PeerId[] {
  const root = graph.indexOf(source)
  const own = graph.indexOf(self)
  if (root < 0 || own < 0) return []
  return [...graph.neighbourIndices('data', own)]
    .filter(node => graph.paths('data', node).firstHop[root] === own)
    .map(node => graph.peers[node]!)
}

/**
 * The children of `self` in the tree of every source (itself included) that gives it any.
 *
 * Costs are the same in both directions, so a neighbour's parent in the tree of a source is its own first hop towards that
 * source, ties broken alike. That takes one run of Dijkstra for each neighbour, not for each source.
 */
export function childrenOfAll(graph: Graph, self: PeerId): Map<PeerId, PeerId[]> {
  const result = new Map<PeerId, PeerId[]>()
  const own = graph.indexOf(self)
  for (const node of graph.neighbourIndices('data', own)) {
    const child = graph.peers[node]!
    graph.paths('data', node).firstHop.forEach((hop, source) => {
      if (hop !== own) return
      const id = graph.peers[source]!
      const held = result.get(id)
      if (held) held.push(child)
      else result.set(id, [child])
    })
  }
  return result
}
