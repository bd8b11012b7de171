import { NODES_MAX } from './constants.ts'
import type { Adjacency } from './graph.ts'

/**
 * From one node to each other: cheapest by cost, then by hops. Among the equal ones `firstHop` names the lowest node number
 * there is. -1 where there is no way, and for the node itself.
 */
export interface ShortestPaths {
  readonly cost: Float64Array
  readonly hops: Int32Array
  /** The first node on the way there. */
  readonly firstHop: Int32Array
}

/** Counts what was done, and says how much may be done before the next pause. */
export interface WorkMeter {
  work: number
  /** Pause as soon as `work` is not below this. */
  pauseAt: number
}

/** What settling a node costs, in edges looked at. */
const SETTLE_WORK = 4

// One number orders by cost, then hops, then node: 2^15 × 4096 costs, 2^12 hops and 2^12 nodes fit in 53 bits.
const FIELD = NODES_MAX

/** Dijkstra from one node, which can be interrupted. Every edge costs at least 1, so the settled order makes ties exact. */
export class PathSearch {
  readonly paths: ShortestPaths
  readonly #graph: Adjacency
  readonly #source: number
  readonly #settled: Uint8Array
  readonly #heap: number[] = []

  constructor(graph: Adjacency, source: number) {
    const { count } = graph
    this.#graph = graph
    this.#source = source
    this.#settled = new Uint8Array(count)
    this.paths = {
      cost: new Float64Array(count).fill(Infinity),
      hops: new Int32Array(count),
      firstHop: new Int32Array(count).fill(-1),
    }
    this.paths.cost[source] = 0
    push(this.#heap, source)
  }

  /** Goes on until the meter says to pause. True when `paths` is complete. */
  run(meter: WorkMeter): boolean {
    const { offsets, targets, costs } = this.#graph
    const { cost, hops, firstHop } = this.paths
    const settled = this.#settled
    const heap = this.#heap
    while (heap.length > 0) {
      if (meter.work >= meter.pauseAt) return false
      const node = pop(heap) % FIELD
      if (settled[node] === 1) continue
      settled[node] = 1
      const nodeCost = cost[node]!
      const nextHops = hops[node]! + 1
      const end = offsets[node + 1]!
      meter.work += SETTLE_WORK + end - offsets[node]!
      for (let edge = offsets[node]!; edge < end; edge++) {
        const target = targets[edge]!
        if (settled[target] === 1) continue
        const nextCost = nodeCost + costs[edge]!
        const hop = node === this.#source ? target : firstHop[node]!
        if (nextCost < cost[target]! || (nextCost === cost[target] && nextHops < hops[target]!)) {
          cost[target] = nextCost
          hops[target] = nextHops
          firstHop[target] = hop
          push(heap, (nextCost * FIELD + nextHops) * FIELD + target)
        } else if (nextCost === cost[target] && nextHops === hops[target] && hop < firstHop[target]!) {
          firstHop[target] = hop
        }
      }
    }
    return true
  }
}

/** Into a binary heap of numbers, the least on top. */
function push(heap: number[], item: number): void {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]! <= item) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = item
}

function pop(heap: number[]): number {
  const top = heap[0]!
  const last = heap.pop()!
  const size = heap.length
  if (size === 0) return top
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= size) break
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++
    if (heap[child]! >= last) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return top
}
