import type { PeerId } from '../address/mod.ts'
import type { Graph } from '../topology/mod.ts'

/**
 * Ways round neighbours that do not answer: until they are given up, and the mesh has been told, its routes lead through
 * them still.
 */
export class Detours {
  readonly #self: PeerId
  readonly #isSound: (peer: PeerId) => boolean
  #graph: Graph | undefined
  #sound: readonly PeerId[] = []
  #firstHops: ReadonlyMap<PeerId, PeerId> = new Map()

  /** `isSound`: the path to a neighbour is direct, and no answer over it is missing. */
  constructor(self: PeerId, isSound: (peer: PeerId) => boolean) {
    this.#self = self
    this.#isSound = isSound
  }

  /** The sound neighbour by which a peer is reached in the fewest hops through nobody that does not answer. */
  firstHop(graph: Graph, peer: PeerId): PeerId | undefined {
    const neighbours = graph.neighbours('data', this.#self)
    const sound = neighbours.filter(this.#isSound)
    const isSame = sound.length === this.#sound.length && sound.every((one, i) => one === this.#sound[i])
    if (graph !== this.#graph || !isSame) {
      this.#graph = graph
      this.#sound = sound
      this.#firstHops = firstHops(graph, sound, [this.#self, ...neighbours])
    }
    return this.#firstHops.get(peer)
  }
}

/** Breadth first; of equal ways the one by the lowest id. `closed`: not passed through, unless they are a beginning. */
function firstHops(graph: Graph, from: readonly PeerId[], closed: readonly PeerId[]): Map<PeerId, PeerId> {
  const found = new Map<PeerId, PeerId>(from.map(peer => [peer, peer]))
  const seen = new Set(closed)
  const queue = [...from]
  for (const peer of queue) {
    for (const next of graph.neighbours('data', peer)) {
      if (seen.has(next)) continue
      seen.add(next)
      found.set(next, found.get(peer)!)
      queue.push(next)
    }
  }
  return found
}
