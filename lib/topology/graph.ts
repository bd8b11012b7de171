import type { PeerId } from '../address/peer-id.ts'
import { PATHS_CACHED_MAX } from './constants.ts'
import type { LinkClaim } from './links-record.ts'
import { classCost } from './rtt-class.ts'
import { NODES_MAX, shortestPaths, type Adjacency, type ShortestPaths } from './shortest-paths.ts'

export interface PeerLinks {
  readonly peer: PeerId
  readonly links: readonly LinkClaim[]
}

interface Edge {
  readonly from: number
  readonly to: number
  readonly cost: number
}

/** `control`: all links. `data`: those whose data path is up. */
export type Layer = 'control' | 'data'

/**
 * The mesh as its peers' `links` records tell it; immutable, so that what is computed from it is kept with it. An edge
 * exists only when both ends claim it, its data path is up only when both say so, and it costs what the worse claim costs.
 * Peers are numbered in the order of their ids (of their text form), alike at all peers.
 */
export class Graph {
  readonly peers: readonly PeerId[]
  readonly #indices: ReadonlyMap<PeerId, number>
  readonly #layers: Readonly<Record<Layer, Adjacency>>
  readonly #paths = new Map<string, ShortestPaths>()

  /** One entry for each peer; claims about peers that have none are no edges. The first NODES_MAX peers count. */
  constructor(claims: Iterable<PeerLinks>) {
    const linksOf = new Map<PeerId, readonly LinkClaim[]>()
    for (const { peer, links } of claims) linksOf.set(peer, links)
    this.peers = [...linksOf.keys()].sort().slice(0, NODES_MAX)
    this.#indices = new Map(this.peers.map((peer, index) => [peer, index]))
    const byEdge = new Map<number, LinkClaim>()
    for (const [from, peer] of this.peers.entries()) {
      for (const link of linksOf.get(peer) ?? []) {
        const to = this.indexOf(link.neighbour)
        if (to >= 0 && to !== from) byEdge.set(from * NODES_MAX + to, link)
      }
    }
    const edges = { control: [] as Edge[], data: [] as Edge[] }
    for (const [key, mine] of byEdge) {
      const [from, to] = [Math.floor(key / NODES_MAX), key % NODES_MAX]
      const theirs = byEdge.get(to * NODES_MAX + from)
      if (theirs === undefined) continue
      const edge = { from, to, cost: classCost(Math.max(mine.rttClass, theirs.rttClass)) }
      edges.control.push(edge)
      if (mine.isDataUp && theirs.isDataUp) edges.data.push(edge)
    }
    this.#layers = {
      control: adjacency(this.peers.length, edges.control),
      data: adjacency(this.peers.length, edges.data),
    }
  }

  /** -1 for a peer that is not in the graph. */
  indexOf(peer: PeerId): number {
    return this.#indices.get(peer) ?? -1
  }

  neighbours(layer: Layer, peer: PeerId): PeerId[] {
    return [...this.neighbourIndices(layer, this.indexOf(peer))].map(index => this.peers[index]!)
  }

  neighbourIndices(layer: Layer, index: number): Int32Array {
    const { offsets, targets } = this.#layers[layer]
    return index < 0 ? new Int32Array(0) : targets.subarray(offsets[index], offsets[index + 1])
  }

  /** The cost of the edge between two neighbours; undefined when there is none. */
  edgeCost(layer: Layer, from: number, to: number): number | undefined {
    const { offsets, costs } = this.#layers[layer]
    const at = this.neighbourIndices(layer, from).indexOf(to)
    return at < 0 ? undefined : costs[offsets[from]! + at]
  }

  /** The shortest paths from a peer of the graph; the latest PATHS_CACHED_MAX results are kept. */
  paths(layer: Layer, source: number): ShortestPaths {
    const key = `${layer}/${source}`
    const kept = this.#paths.get(key)
    if (kept) return kept
    const paths = shortestPaths(this.#layers[layer], source)
    this.#paths.set(key, paths)
    if (this.#paths.size > PATHS_CACHED_MAX) this.#paths.delete(this.#paths.keys().next().value ?? '')
    return paths
  }
}

function adjacency(count: number, edges: readonly Edge[]): Adjacency {
  const offsets = new Int32Array(count + 1)
  const sorted = [...edges].sort((a, b) => a.from - b.from || a.to - b.to)
  for (const { from } of sorted) offsets[from + 1]!++
  for (let i = 0; i < count; i++) offsets[i + 1]! += offsets[i]!
  return {
    count,
    offsets,
    targets: Int32Array.from(sorted, ({ to }) => to),
    costs: Int32Array.from(sorted, ({ cost }) => cost),
  }
}
