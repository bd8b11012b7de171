import type { PeerId } from '../address/mod.ts'

/** Undirected edges between 0 … count − 1: those of `vertex` lie at offsets[vertex] … offsets[vertex + 1] − 1. */
export interface Adjacency {
  readonly count: number
  readonly offsets: Int32Array
  readonly ends: Int32Array
  /** Positive; the same in both directions. */
  readonly costs: Int32Array
}

/** `control`: all links. `data`: those whose data path is up. */
export type Layer = 'control' | 'data'

/**
 * The part of the mesh that one peer reaches, as `links` records tell it; immutable. An edge exists only when both ends
 * claim it, its data path is up only when both say so, and it costs what the worse claim costs. Peers are numbered in
 * the order of their ids (of their text form), alike at all peers.
 */
export class Graph {
  readonly peers: readonly PeerId[]
  /** One object for both while all data paths are up. */
  readonly layers: Readonly<Record<Layer, Adjacency>>
  #indices: ReadonlyMap<PeerId, number> | undefined

  constructor(peers: readonly PeerId[], layers: Readonly<Record<Layer, Adjacency>>) {
    this.peers = peers
    this.layers = layers
  }

  /** -1 for a peer that is not in the graph. */
  indexOf(peer: PeerId): number {
    this.#indices ??= new Map(this.peers.map((id, index) => [id, index]))
    return this.#indices.get(peer) ?? -1
  }

  /** By ascending id. */
  neighbours(layer: Layer, peer: PeerId): PeerId[] {
    return [...this.neighbourIndices(layer, this.indexOf(peer))].sort((a, b) => a - b).map(index => this.peers[index]!)
  }

  /** In no order. */
  neighbourIndices(layer: Layer, index: number): Int32Array {
    const { offsets, ends } = this.layers[layer]
    return index < 0 ? new Int32Array(0) : ends.subarray(offsets[index], offsets[index + 1])
  }

  /** The cost of the edge between two neighbours; undefined when there is none. */
  edgeCost(layer: Layer, from: number, to: number): number | undefined {
    const { offsets, costs } = this.layers[layer]
    const at = this.neighbourIndices(layer, from).indexOf(to)
    return at < 0 ? undefined : costs[offsets[from]! + at]
  }
}
