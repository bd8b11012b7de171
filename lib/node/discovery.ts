import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { LinkRetirement, NeighbourChoice, wantedCount, type Choice } from '../topology/mod.ts'
import { GOODBYE_CODE } from '../wire/mod.ts'
import { DISCOVERED_DIAL_DELAY_MS, NEIGHBOURS_CROWDED, NEIGHBOURS_MAX, PASSED_OVER_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { Dialler } from './dialler.ts'
import { Healing } from './healing.ts'
import type { MeshView } from './mesh-view.ts'

/** Decides whom of the known peers to link to and which links to give up, and feeds the dialler with addresses. */
export class Discovery {
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #dialler: Dialler
  readonly #choice: NeighbourChoice
  readonly #retirement: LinkRetirement
  readonly #healing: Healing
  /** Peers that did not answer, and since when. */
  readonly #failing = new Map<PeerId, Millis>()
  #wanted: ReadonlySet<PeerId> = new Set()
  #others: ReadonlySet<PeerId> = new Set()
  /** How often the dialler had failed when it was last taken into account. */
  #failures = 0
  #updatedAt: Millis = 0

  constructor(context: NodeContext, view: MeshView, dialler: Dialler) {
    this.#context = context
    this.#view = view
    this.#dialler = dialler
    this.#choice = new NeighbourChoice(context.config.identity.peerId)
    this.#retirement = new LinkRetirement(context.config.chance)
    this.#healing = new Healing(context.config.chance)
  }

  /** The mesh, the links, or what is known of a dial has changed. */
  update(now: Millis): void {
    const { config, neighbours } = this.#context
    this.#updatedAt = now
    this.#failures = this.#dialler.failures
    if (!config.isDiscovering) return
    const links = neighbours.neighbours
    const linked = new Set(links.map(({ peerId }) => peerId))
    this.#others = this.#othersNow(linked)
    this.#noteFailing(linked, now)
    const choice = this.#choice.choose(
      {
        others: this.#others,
        configured: this.#dialler.configuredPeers,
        isFailing: peer => this.#failing.has(peer),
        costOf: peer => this.#view.controlRoutes.get(peer)?.cost,
      },
      now,
    )
    this.#wanted = choice.wanted
    this.#retirement.update(links, choice.wanted, now)
    this.#dialler.setDiscovered(this.#targets(choice, linked), now)
    this.#makeRoom(now)
  }

  /** Whether one more link may be refused to a peer: never its first, unless there are more than can be published. */
  mayRefuse(peer: PeerId): boolean {
    const { config, neighbours } = this.#context
    if (neighbours.neighbour(peer) !== undefined) return false
    if (neighbours.count >= NEIGHBOURS_MAX) return true
    const theirLinks = this.#view.degreeOf(peer)
    if (config.linksMax > 0 && neighbours.count >= config.linksMax) return theirLinks > 0
    if (this.#wanted.has(peer) || this.#dialler.configuredPeers.has(peer)) return false
    if (neighbours.count >= NEIGHBOURS_CROWDED && theirLinks > 0) return true
    return this.#choice.mayRefuse(this.#others.size + 1, neighbours.count, theirLinks)
  }

  handleTimeout(now: Millis): void {
    if (this.#dialler.failures !== this.#failures) this.update(now)
    const peer = this.#retirement.take(now)
    // Whoever has few links needs each of them.
    if (peer === undefined || this.#context.neighbours.count <= wantedCount(this.#others.size + 1)) return
    this.#disconnect(peer, now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    if (this.#dialler.failures !== this.#failures) return { at: this.#updatedAt, reason: 'another neighbour' }
    const at = this.#retirement.nextAt()
    return at === undefined ? undefined : { at, reason: 'spare link' }
  }

  /** All that can be reached, and neighbours whose links are not published yet: the same set while it is the same. */
  #othersNow(linked: ReadonlySet<PeerId>): ReadonlySet<PeerId> {
    const others = new Set([...this.#view.reachable, ...linked])
    others.delete(this.#context.config.identity.peerId)
    const isSame = others.size === this.#others.size && [...others].every(peer => this.#others.has(peer))
    return isSame ? this.#others : others
  }

  #noteFailing(linked: ReadonlySet<PeerId>, now: Millis): void {
    for (const [peer, since] of this.#failing)
      if (linked.has(peer) || !this.#others.has(peer) || now - since >= PASSED_OVER_MS) this.#failing.delete(peer)
    for (const peer of this.#wanted) {
      if (linked.has(peer) || this.#failing.has(peer) || !this.#others.has(peer)) continue
      const cannotBeDialled = this.#dialler.failedRounds(peer) > 0 || this.#view.endpointsOf(peer).length === 0
      if (cannotBeDialled) this.#failing.set(peer, now)
    }
  }

  #targets(choice: Choice, linked: ReadonlySet<PeerId>) {
    const { config, neighbours } = this.#context
    const self = config.identity.peerId
    const lost: PeerId[] = []
    for (const { id, info } of this.#view.peers) if (info !== undefined && !this.#others.has(id)) lost.push(id)
    const targets = [
      ...[...choice.wanted, ...choice.passedOver].map(peerId => ({
        peerId,
        // Where both want the link, usually the smaller one's dial succeeds meanwhile.
        delayMs: self < peerId || this.#choice.isSparse ? 0 : DISCOVERED_DIAL_DELAY_MS,
      })),
      ...this.#healing
        .choose(lost, peer => this.#dialler.failedRounds(peer) > 0)
        .map(({ peer, delayMs }) => ({ peerId: peer, delayMs })),
    ]
    let room = config.linksMax === 0 ? Infinity : config.linksMax - neighbours.count
    return targets
      .filter(({ peerId }) => linked.has(peerId) || room-- > 0)
      .map(target => ({ ...target, endpoints: this.#view.endpointsOf(target.peerId) }))
  }

  /** The last places are for those who have no link yet. */
  #makeRoom(now: Millis): void {
    const { neighbours } = this.#context
    const enough = wantedCount(this.#others.size + 1)
    let excess = neighbours.count - NEIGHBOURS_CROWDED
    if (excess <= 0) return
    for (const { peerId } of neighbours.neighbours) {
      if (excess <= 0) return
      if (this.#wanted.has(peerId) || this.#view.degreeOf(peerId) <= enough) continue
      excess--
      this.#disconnect(peerId, now)
    }
  }

  #disconnect(peer: PeerId, now: Millis): void {
    this.#context.neighbours.disconnect(peer, GOODBYE_CODE.full, 'this peer has more links than it needs', now)
  }
}
