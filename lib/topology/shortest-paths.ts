import { VERTICES_MAX } from './constants.ts'
import type { Adjacency } from './graph.ts'

/**
 * From one vertex to each other: cheapest by cost, then by hops. Among the equal ones `firstHop` names the lowest
 * number there is. -1 where there is no way, and for the vertex itself.
 */
export interface ShortestPaths {
  readonly cost: Float64Array
  readonly hops: Int32Array
  /** The first vertex on the way there. */
  readonly firstHop: Int32Array
  /** The last vertex before it: of several the lowest. */
  readonly parent: Int32Array
}

/** Counts what was done, and says how much may be done before the next pause. */
export interface WorkMeter {
  work: number
  /** Pause as soon as `work` is not below this. */
  pauseAt: number
}

/** What settling a vertex costs, in edges looked at. */
const SETTLE_WORK = 4

// One number orders by cost, then hops, then vertex: costs below 2^16 × 2^12, 2^12 hops and 2^12 vertices fit in 53 bits.
const FIELD = VERTICES_MAX

/**
 * Dijkstra from one vertex, which can be interrupted. Every edge costs 1 or more, so the settled order makes ties
 * exact.
 */
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
      parent: new Int32Array(count).fill(-1),
    }
    this.paths.cost[source] = 0
    push(this.#heap, source)
  }

  /** Goes on until the meter says to pause. True when `paths` is complete. */
  run(meter: WorkMeter): boolean {
    const { offsets, ends, costs } = this.#graph
    const { cost, hops, firstHop, parent } = this.paths
    const settled = this.#settled
    const heap = this.#heap
    while (heap.length > 0) {
      if (meter.work >= meter.pauseAt) return false
      const vertex = pop(heap) % FIELD
      if (settled[vertex] === 1) continue
      settled[vertex] = 1
      const vertexCost = cost[vertex]!
      const nextHops = hops[vertex]! + 1
      const end = offsets[vertex + 1]!
      meter.work += SETTLE_WORK + end - offsets[vertex]!
      for (let edge = offsets[vertex]!; edge < end; edge++) {
        const far = ends[edge]!
        if (settled[far] === 1) continue
        const nextCost = vertexCost + costs[edge]!
        const hop = vertex === this.#source ? far : firstHop[vertex]!
        if (nextCost < cost[far]! || (nextCost === cost[far] && nextHops < hops[far]!)) {
          cost[far] = nextCost
          hops[far] = nextHops
          firstHop[far] = hop
          parent[far] = vertex
          push(heap, (nextCost * FIELD + nextHops) * FIELD + far)
        } else if (nextCost === cost[far] && nextHops === hops[far]) {
          if (hop < firstHop[far]!) firstHop[far] = hop
          if (vertex < parent[far]!) parent[far] = vertex
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
