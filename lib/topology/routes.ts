import type { PeerId } from '../address/peer-id.ts'
import { SWITCH_COST_SHARE } from './constants.ts'
import type { Graph, Layer } from './graph.ts'

export interface Route {
  readonly nextHop: PeerId
  /** Of the way through `nextHop`. */
  readonly cost: number
  readonly hops: number
}

export type Routes = ReadonlyMap<PeerId, Route>

/**
 * The next hop from `self` to every peer that can be reached: the cheapest by RTT class, then by hops, then by PeerId.
 *
 * A present next hop (from `previous`) stays unless the best way costs at most 80 % of the way through it. It must also be
 * nearer to the destination than `self` is: so the next hops of all peers that hold the same graph make no loop, whatever
 * each of them keeps.
 */
export function routes(graph: Graph, layer: Layer, self: PeerId, previous?: Routes): Routes {
  const from = graph.indexOf(self)
  const result = new Map<PeerId, Route>()
  if (from < 0) return result
  const best = graph.paths(layer, from)
  for (const [to, peer] of graph.peers.entries()) {
    const hop = best.firstHop[to]!
    if (hop < 0) continue
    const route = { nextHop: graph.peers[hop]!, cost: best.cost[to]!, hops: best.hops[to]! }
    const present = previous?.get(peer)?.nextHop
    const kept =
      present === undefined || present === route.nextHop ? undefined : through(graph, layer, from, present, to)
    result.set(peer, kept && route.cost > kept.cost * SWITCH_COST_SHARE ? kept : route)
  }
  return result
}

/** The way through a neighbour that is nearer to the destination; undefined when it is not, or no neighbour any more. */
function through(graph: Graph, layer: Layer, from: number, nextHop: PeerId, to: number): Route | undefined {
  const hop = graph.indexOf(nextHop)
  const edge = hop < 0 ? undefined : graph.edgeCost(layer, from, hop)
  if (edge === undefined) return undefined
  const onward = graph.paths(layer, hop)
  if (onward.cost[to]! >= graph.paths(layer, from).cost[to]!) return undefined
  return { nextHop, cost: edge + onward.cost[to]!, hops: 1 + onward.hops[to]! }
}

/** Every peer that `self` can reach over control links, itself included. */
export function reachable(graph: Graph, self: PeerId): Set<PeerId> {
  const found = new Set<PeerId>([self])
  const from = graph.indexOf(self)
  if (from < 0) return found
  const seen = new Uint8Array(graph.peers.length)
  seen[from] = 1
  const queue = [from]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    found.add(graph.peers[node]!)
    for (const next of graph.neighbourIndices('control', node)) {
      if (seen[next] === 1) continue
      seen[next] = 1
      queue.push(next)
    }
  }
  return found
}
