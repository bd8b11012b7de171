import { Heap } from '../base/heap.ts'

/** Undirected edges between 0 … count − 1: those of `node` lie at offsets[node] … offsets[node + 1] − 1. */
export interface Adjacency {
  readonly count: number
  readonly offsets: Int32Array
  /** Ascending for each node. */
  readonly targets: Int32Array
  /** Positive; the same in both directions. */
  readonly costs: Int32Array
}

/**
 * From one node to each other: cheapest by cost, then by hops. Among the equal ones both `firstHop` and `parent` name the
 * lowest node number there is. -1 where there is no way, and for the node itself.
 */
export interface ShortestPaths {
  readonly cost: Float64Array
  readonly hops: Int32Array
  /** The first node on the way there. */
  readonly firstHop: Int32Array
  /** The last node before it. */
  readonly parent: Int32Array
}

// One number orders by cost, then hops, then node: 2^15 × 4096 costs, 2^12 hops and 2^12 nodes fit in 53 bits.
const FIELD = 4096
export const NODES_MAX = FIELD

/** Dijkstra. Every edge costs at least 1, so the settled order makes the tie-breaks exact. */
export function shortestPaths(graph: Adjacency, source: number): ShortestPaths {
  const { count, offsets, targets, costs } = graph
  const cost = new Float64Array(count).fill(Infinity)
  const hops = new Int32Array(count)
  const firstHop = new Int32Array(count).fill(-1)
  const parent = new Int32Array(count).fill(-1)
  const settled = new Uint8Array(count)
  const queue = new Heap<number>((a, b) => a < b)
  cost[source] = 0
  queue.push(source)
  for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
    const node = top % FIELD
    if (settled[node] === 1) continue
    settled[node] = 1
    const nodeCost = cost[node]!
    const nextHops = hops[node]! + 1
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      const target = targets[edge]!
      if (settled[target] === 1) continue
      const nextCost = nodeCost + costs[edge]!
      const hop = node === source ? target : firstHop[node]!
      if (nextCost < cost[target]! || (nextCost === cost[target] && nextHops < hops[target]!)) {
        cost[target] = nextCost
        hops[target] = nextHops
        firstHop[target] = hop
        parent[target] = node
        queue.push((nextCost * FIELD + nextHops) * FIELD + target)
      } else if (nextCost === cost[target] && nextHops === hops[target]) {
        if (hop < firstHop[target]!) firstHop[target] = hop
        if (node < parent[target]!) parent[target] = node
      }
    }
  }
  return { cost, hops, firstHop, parent }
}
