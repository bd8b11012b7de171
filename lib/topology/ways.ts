import type { PeerId } from '../address/mod.ts'
import type { Graph, Layer } from './graph.ts'
import { PathSearch, type ShortestPaths } from './shortest-paths.ts'

/** A peer on a way, and what the edge that leads to it costs. */
export interface WayStep {
  readonly peer: PeerId
  readonly cost: number
}

/**
 * Whole ways through a graph, for people: routes know their first hop only. Each search is kept, and there is one for
 * each peer that ways begin at.
 */
export class Ways {
  readonly #graph: Graph
  readonly #layer: Layer
  readonly #searches = new Map<number, ShortestPaths>()

  constructor(graph: Graph, layer: Layer) {
    this.#graph = graph
    this.#layer = layer
  }

  /** What the cheapest way costs; undefined when there is none. */
  cost(from: PeerId, to: PeerId): number | undefined {
    const [start, end] = [this.#graph.indexOf(from), this.#graph.indexOf(to)]
    if (start < 0 || end < 0) return undefined
    const cost = this.#from(start).cost[end]!
    return cost === Infinity ? undefined : cost
  }

  /** The steps of the cheapest way, of equal ones that by the lowest ids; undefined when there is none. */
  between(from: PeerId, to: PeerId): WayStep[] | undefined {
    if (this.cost(from, to) === undefined) return undefined
    const graph = this.#graph
    const { offsets, ends, costs } = graph.layers[this.#layer]
    const start = graph.indexOf(from)
    const { cost, hops } = this.#from(start)
    const steps: WayStep[] = []
    for (let vertex = graph.indexOf(to); vertex !== start;) {
      let before = -1
      let edgeCost = 0
      for (let edge = offsets[vertex]!; edge < offsets[vertex + 1]!; edge++) {
        const near = ends[edge]!
        const isOnWay = cost[near]! + costs[edge]! === cost[vertex]! && hops[near]! + 1 === hops[vertex]!
        if (!isOnWay || (before >= 0 && before < near)) continue
        before = near
        edgeCost = costs[edge]!
      }
      steps.unshift({ peer: graph.peers[vertex]!, cost: edgeCost })
      vertex = before
    }
    return steps
  }

  /** The edge between two neighbours, as a way. */
  edge(from: PeerId, to: PeerId): WayStep[] | undefined {
    const cost = this.#graph.edgeCost(this.#layer, this.#graph.indexOf(from), this.#graph.indexOf(to))
    return cost === undefined ? undefined : [{ peer: to, cost }]
  }

  #from(start: number): ShortestPaths {
    const kept = this.#searches.get(start)
    if (kept !== undefined) return kept
    const search = new PathSearch(this.#graph.layers[this.#layer], start)
    search.run({ work: 0, pauseAt: Infinity })
    this.#searches.set(start, search.paths)
    return search.paths
  }
}
