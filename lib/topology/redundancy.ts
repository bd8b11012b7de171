import type { PeerId } from '../address/mod.ts'
import type { Graph } from './graph.ts'

/**
 * Whether two neighbours reach each other over other control links than their own: then that can go, and cuts nobody
 * off. A peer that is not in the graph has no other way that is known.
 */
export function hasOtherWay(graph: Graph, from: PeerId, to: PeerId): boolean {
  const [start, end] = [graph.indexOf(from), graph.indexOf(to)]
  if (start < 0 || end < 0) return false
  const isSeen = new Uint8Array(graph.peers.length)
  isSeen[start] = 1
  const queue: number[] = []
  for (const next of graph.neighbourIndices('control', start)) {
    if (next === end) continue
    isSeen[next] = 1
    queue.push(next)
  }
  for (const at of queue)
    for (const next of graph.neighbourIndices('control', at)) {
      if (next === end) return true
      if (isSeen[next] === 1) continue
      isSeen[next] = 1
      queue.push(next)
    }
  return false
}
