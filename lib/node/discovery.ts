import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { chooseNeighbours, mayRefuse, surplusNeighbours, type Candidate } from '../topology/mod.ts'
import { GOODBYE_CODE } from '../wire/mod.ts'
import { DISCOVERED_DIAL_DELAY_MS, LINKS_MAX, SURPLUS_INTERVAL_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { Dialler } from './dialler.ts'
import type { MeshView } from './mesh-view.ts'

/** Decides whom of the known peers to link to, and feeds the dialler with their addresses. */
export class Discovery {
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #dialler: Dialler
  #wanted = new Set<PeerId>()
  #surplusAt: Millis | undefined

  constructor(context: NodeContext, view: MeshView, dialler: Dialler) {
    this.#context = context
    this.#view = view
    this.#dialler = dialler
  }

  update(now: Millis): void {
    const { config, neighbours } = this.#context
    if (!config.isDiscovering) return
    this.#surplusAt ??= now + SURPLUS_INTERVAL_MS
    const candidates = this.#candidates()
    const open = new Set(candidates.filter(candidate => !candidate.isLinked).map(candidate => candidate.peer))
    // Whom we are trying to reach stays wanted: a new draw each time would never let a back-off end.
    const kept = [...this.#wanted].filter(peer => open.has(peer))
    const room = config.linksMax === 0 ? Infinity : config.linksMax - neighbours.count
    const count = Math.min(chooseNeighbours(candidates, () => 0).length, room)
    const fresh = chooseNeighbours(candidates, config.chance).filter(peer => !kept.includes(peer))
    this.#wanted = new Set([...kept, ...fresh].slice(0, Math.max(0, count)))
    const linked = candidates.filter(candidate => candidate.isLinked).map(candidate => candidate.peer)
    const peers = [...this.#wanted, ...linked].map(peerId => ({
      peerId,
      endpoints: this.#view.endpointsOf(peerId),
      // Usually the smaller one's dial succeeds meanwhile.
      delayMs: config.identity.peerId < peerId ? 0 : DISCOVERED_DIAL_DELAY_MS,
    }))
    this.#dialler.setDiscovered(peers, now)
  }

  /** Whether one more link may be refused to a peer: never its first, unless there are more than can be published. */
  mayRefuse(peer: PeerId): boolean {
    const { config, neighbours } = this.#context
    if (neighbours.neighbour(peer) !== undefined) return false
    if (neighbours.count >= LINKS_MAX) return true
    const theirLinks = this.#view.peer(peer)?.links.length ?? 0
    if (config.linksMax > 0 && neighbours.count >= config.linksMax) return theirLinks > 0
    return mayRefuse(this.#candidates().length + 1, neighbours.count, theirLinks)
  }

  handleTimeout(now: Millis): void {
    if (this.#surplusAt === undefined || now < this.#surplusAt) return
    this.#surplusAt = now + SURPLUS_INTERVAL_MS
    for (const peer of surplusNeighbours(this.#candidates(), this.#context.config.chance))
      this.#context.neighbours.disconnect(peer, GOODBYE_CODE.full, 'this peer has more links than it needs', now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#surplusAt === undefined ? undefined : { at: this.#surplusAt, reason: 'surplus links' }
  }

  #candidates(): Candidate[] {
    return [...this.#view.peers].map(peer => {
      const neighbour = this.#context.neighbours.neighbour(peer.id)
      return { peer: peer.id, rttMs: neighbour?.rttMs, isLinked: neighbour !== undefined, linkCount: peer.links.length }
    })
  }
}
