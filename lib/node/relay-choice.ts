import type { PeerId } from '../address/mod.ts'
import { TCP_RTT_CLASS, classCost, costClass } from '../topology/mod.ts'
import type { DataPath } from './data-path.ts'
import { Detours } from './detours.ts'
import type { MeshView } from './mesh-view.ts'

/** Which of the other peers passes on what goes to one, where no datagram gets there directly. */
export class RelayChoice {
  readonly #view: Pick<MeshView, 'graph' | 'dataRoutes'>
  readonly #pathTo: (peer: PeerId) => Pick<DataPath, 'isSound' | 'isBelieved' | 'state'> | undefined
  readonly #hasLink: (peer: PeerId) => boolean
  readonly #detours: Detours

  constructor(given: {
    self: PeerId
    view: Pick<MeshView, 'graph' | 'dataRoutes'>
    pathTo: (peer: PeerId) => Pick<DataPath, 'isSound' | 'isBelieved' | 'state'> | undefined
    /** Whether there is a control link to a peer. */
    hasLink: (peer: PeerId) => boolean
  }) {
    this.#view = given.view
    this.#pathTo = given.pathTo
    this.#hasLink = given.hasLink
    this.#detours = new Detours(given.self, peer => given.pathTo(peer)?.isSound === true)
  }

  /**
   * The neighbour through which a peer would be reached without a direct path: the first hop over proved paths or, as
   * long as that is the peer itself, whoever has a path to both. Where the first hop does not answer, the way round it.
   * A way of which any leg goes over a link is of no use to a peer that has a link itself.
   */
  viaOf(peer: PeerId): PeerId | undefined {
    const { nextHop: next, cost = 0 } = this.#view.dataRoutes.get(peer) ?? {}
    if (next === undefined || next === peer) return this.#readyOf(peer)
    if (cost >= classCost(TCP_RTT_CLASS) && this.#hasLink(peer)) return this.#readyOf(peer)
    if (this.#pathTo(next)?.isBelieved === true) return next
    const detour = this.#readyOf(peer) ?? this.#detours.firstHop(this.#view.graph, peer)
    const kind = this.#pathTo(next)?.state.kind
    const isOfUse = kind === 'direct' || (kind === 'tcp' && !this.#hasLink(peer))
    return detour ?? (isOfUse ? next : undefined)
  }

  /** Through whom what the relay itself sends for a peer is passed on: it knows already that its own way is gone. */
  spareOf(peer: PeerId): PeerId | undefined {
    const spare = this.#view.dataRoutes.get(peer)?.spare
    return spare !== undefined && this.#pathTo(spare)?.isBelieved === true ? spare : undefined
  }

  /** A sound path to a peer that says the same of the other; the cheapest, and of equal ones the first. */
  #readyOf(peer: PeerId): PeerId | undefined {
    const { graph } = this.#view
    const at = graph.indexOf(peer)
    let best: PeerId | undefined
    let bestCost = Infinity
    const hasLink = this.#hasLink(peer)
    for (const index of graph.neighbourIndices('data', at)) {
      const id = graph.peers[index]!
      if (this.#pathTo(id)?.isSound !== true) continue
      const edgeCost = graph.edgeCost('data', at, index) ?? 0
      if (hasLink && costClass(edgeCost) === TCP_RTT_CLASS) continue
      const cost = edgeCost + (this.#view.dataRoutes.get(id)?.cost ?? Infinity)
      if (cost < bestCost || (cost === bestCost && best !== undefined && id < best)) [best, bestCost] = [id, cost]
    }
    return best
  }
}
