import type { Endpoint, PeerId } from '../address/mod.ts'
import { soonest, type Millis } from '../base/mod.ts'
import { LinkRetirement, NeighbourChoice, WANTED_MIN, wantedCount, type Choice } from '../topology/mod.ts'
import { GOODBYE_CODE } from '../wire/mod.ts'
import {
  DISCOVERED_DIAL_DELAY_MS,
  NEIGHBOURS_CROWDED,
  NEIGHBOURS_MAX,
  NEWCOMER_MS,
  PASSED_OVER_MS,
  RETRY_FIRST_MS,
  SPARE_DIAL_DELAY_MS,
} from './constants.ts'
import type { NodeContext } from './context.ts'
import { dialSpreadMs, type Dialler } from './dialler.ts'
import { Healing } from './healing.ts'
import { linkToSpare } from './link-room.ts'
import { withPort, type MeshView } from './mesh-view.ts'
import type { NodePart } from './part.ts'

/** Decides whom of the known peers to link to and which links to give up, and feeds the dialler with addresses. */
export class Discovery implements NodePart {
  readonly name = 'discovery'
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #dialler: Dialler
  readonly #provedEndpointOf: (peer: PeerId) => Endpoint | undefined
  readonly #isForgotten: (peer: PeerId, endpoints: readonly Endpoint[]) => boolean
  readonly #choice: NeighbourChoice
  readonly #retirement: LinkRetirement
  readonly #healing: Healing
  /** Peers that did not answer, and since when. */
  readonly #failing = new Map<PeerId, Millis>()
  /** Those that are dialled without delay, while they are no neighbours. */
  readonly #urgent = new Set<PeerId>()
  #wanted: ReadonlySet<PeerId> = new Set()
  #others: ReadonlySet<PeerId> = new Set()
  /** How often the dialler had failed when it was last taken into account. */
  #failures = 0
  #updatedAt: Millis = 0
  /** Until when this peer counts as new in the mesh; undefined while it has no link. */
  #newUntil: Millis | undefined

  constructor(
    context: NodeContext,
    given: {
      view: MeshView
      dialler: Dialler
      /** Where data of a peer last came from for certain. */
      provedEndpointOf: (peer: PeerId) => Endpoint | undefined
      /** Whether a peer that nobody reaches is left alone. */
      isForgotten: (peer: PeerId, endpoints: readonly Endpoint[]) => boolean
    },
  ) {
    this.#context = context
    this.#view = given.view
    this.#dialler = given.dialler
    this.#provedEndpointOf = given.provedEndpointOf
    this.#isForgotten = given.isForgotten
    this.#choice = new NeighbourChoice(context.config.identity.peerId)
    this.#retirement = new LinkRetirement(context.config.chance)
    this.#healing = new Healing(context.config.chance)
  }

  viewChanged(now: Millis): void {
    this.update(now)
  }

  /** The mesh, the links, or what is known of a dial has changed. */
  update(now: Millis): void {
    const { config, neighbours } = this.#context
    this.#updatedAt = now
    this.#failures = this.#dialler.failures
    if (!config.isDiscovering) return
    const links = neighbours.neighbours
    const linked = new Set(links.map(({ peerId }) => peerId))
    const before = this.#others
    this.#others = this.#othersNow(linked)
    for (const peer of this.#dialler.configuredPeers)
      if (before.has(peer) && !this.#others.has(peer))
        this.#dialler.handleLost(peer, now, Math.max(RETRY_FIRST_MS, dialSpreadMs(before.size)))
    this.#noteFailing(linked, now)
    const choice = this.#choice.choose(
      {
        others: this.#others,
        peersSaid: this.#peersSaid(now),
        configured: this.#dialler.configuredPeers,
        isFailing: peer => this.#failing.has(peer),
        costOf: peer => this.#view.controlRoutes.get(peer)?.cost,
      },
      now,
    )
    this.#wanted = choice.wanted
    this.#retirement.update(links, choice.wanted, now)
    this.#dialler.setDiscovered(this.#worthDialling(choice, linked), now)
    this.#makeRoom(now)
  }

  /** Where a peer would be dialled that data came from: data roams, and links do not. */
  dialEndpointOf(peer: PeerId): Endpoint | undefined {
    const endpoint = this.#provedEndpointOf(peer)
    const port = this.#view.portOf(peer)
    return endpoint === undefined || port === undefined ? endpoint : withPort(endpoint, port)
  }

  /** The data path of a peer that is no neighbour has changed: it may show where to dial. */
  handlePath(peer: PeerId, now: Millis): void {
    const endpoint = this.dialEndpointOf(peer)
    if (endpoint === undefined || this.#view.reachable.has(peer)) return
    this.#dialler.handleRoamed(peer, endpoint, now)
    this.update(now)
  }

  /** Whether the peer is reached through others, and a link to it is not wanted, or not allowed. */
  isReachedAnyhow(peer: PeerId): boolean {
    if (!this.#others.has(peer)) return false
    return this.#isFull || (this.#choice.isSparse && !this.#wanted.has(peer))
  }

  /** Whether one more link may be refused to a peer: never its first, unless there are more than can be published. */
  mayRefuse(peer: PeerId): boolean {
    const { neighbours } = this.#context
    if (neighbours.neighbour(peer) !== undefined) return false
    if (neighbours.count >= NEIGHBOURS_MAX) return true
    // Whoever has links in another part of the mesh has none in this one.
    const theirLinks = this.#view.reachable.has(peer) ? this.#view.degreeOf(peer) : 0
    if (this.#isFull) return theirLinks > 0
    if (this.#wanted.has(peer) || this.#dialler.configuredPeers.has(peer)) return false
    if (neighbours.count >= NEIGHBOURS_CROWDED && theirLinks > 0) return true
    return this.#choice.mayRefuse(this.#others.size + 1, neighbours.count, theirLinks)
  }

  handleTimeout(now: Millis): void {
    const isGrownUp = this.#newUntil !== undefined && this.#updatedAt < this.#newUntil && now >= this.#newUntil
    if (isGrownUp || this.#dialler.failures !== this.#failures) this.update(now)
    for (const peer of this.#retirement.take(now))
      // Whoever has few links needs each of them.
      if (this.#context.neighbours.count > wantedCount(this.#others.size + 1)) this.#disconnect(peer, now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    if (this.#dialler.failures !== this.#failures) return { at: this.#updatedAt, reason: 'another neighbour' }
    const at = this.#retirement.nextAt()
    const grownUpAt = this.#newUntil !== undefined && this.#updatedAt < this.#newUntil ? this.#newUntil : undefined
    return soonest([
      at === undefined ? undefined : { at, reason: 'spare link' },
      grownUpAt === undefined ? undefined : { at: grownUpAt, reason: 'size of the mesh' },
    ])
  }

  /** It has as many links as the operator allows. */
  get #isFull(): boolean {
    const { config, neighbours } = this.#context
    return config.linksMax > 0 && neighbours.count >= config.linksMax
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
      const cannotBeDialled = this.#dialler.failedRounds(peer) > 0 || this.#endpointsOf(peer).length === 0
      if (cannotBeDialled) this.#failing.set(peer, now)
    }
  }

  #worthDialling(choice: Choice, linked: ReadonlySet<PeerId>) {
    const { config, neighbours } = this.#context
    for (const peer of this.#urgent)
      if (linked.has(peer) || !choice.wanted.has(peer) || this.#failing.has(peer)) this.#urgent.delete(peer)
    const lost: PeerId[] = []
    for (const { id, info } of this.#view.peers) {
      const isLost = info !== undefined && !this.#others.has(id)
      if (isLost && !this.#isForgotten(id, this.#view.endpointsOf(id))) lost.push(id)
    }
    const worth = [
      ...[...choice.wanted, ...choice.passedOver].map(peerId => ({
        peerId,
        delayMs: this.#delayMs(peerId, this.#isUrgent(peerId, choice)),
      })),
      ...this.#healing
        .choose(lost, peer => this.#dialler.failedRounds(peer) > 0, linked.size === 0)
        .map(({ peer, delayMs }) => ({ peerId: peer, delayMs })),
    ]
    let room = config.linksMax === 0 ? Infinity : config.linksMax - neighbours.count
    return worth
      .filter(({ peerId }) => linked.has(peerId) || room-- > 0)
      .map(one => ({ ...one, endpoints: this.#endpointsOf(one.peerId) }))
  }

  #endpointsOf(peer: PeerId): Endpoint[] {
    const roamed = this.dialEndpointOf(peer)
    const known = this.#view.endpointsOf(peer)
    return roamed === undefined ? known : [...new Set([roamed, ...known])]
  }

  /** Few are, and only to who has few links: who comes dials, who has been here can wait for it. */
  #isUrgent(peer: PeerId, choice: Choice): boolean {
    if (this.#urgent.has(peer)) return true
    if (!choice.urgent.has(peer) || this.#context.neighbours.count + this.#urgent.size >= WANTED_MIN) return false
    this.#urgent.add(peer)
    return true
  }

  /**
   * Where both want the link, usually the smaller one's dial succeeds meanwhile. What is not urgent waits: while a mesh
   * grows fast, it may soon not be wanted any more.
   */
  #delayMs(peer: PeerId, isUrgent: boolean): number {
    const { config } = this.#context
    if (isUrgent) return 0
    const isPatient = !this.#choice.isSparse && config.identity.peerId > peer
    return Math.round(SPARE_DIAL_DELAY_MS * (1 + config.chance())) + (isPatient ? DISCOVERED_DIAL_DELAY_MS : 0)
  }

  /** Who has just come sees little of the mesh; the neighbours said how large it is. */
  #peersSaid(now: Millis): number {
    const links = this.#context.neighbours.neighbours
    if (links.length === 0) this.#newUntil = undefined
    else this.#newUntil ??= now + NEWCOMER_MS
    if (this.#newUntil === undefined || now >= this.#newUntil) return 0
    return links.reduce((most, { hello }) => Math.max(most, hello.peersKnown), 0)
  }

  /**
   * The last places are for those who have no link yet. Beyond what the operator allows there is one of them: somebody
   * else's link goes, one with each change of the view.
   */
  #makeRoom(now: Millis): void {
    const { config, neighbours } = this.#context
    if (config.linksMax > 0 && neighbours.count > config.linksMax) {
      const spare = linkToSpare({
        self: config.identity.peerId,
        graph: this.#view.graph,
        linked: neighbours.neighbours.map(({ peerId }) => peerId),
        wanted: this.#wanted,
        configured: this.#dialler.configuredPeers,
        degreeOf: peer => this.#view.degreeOf(peer),
      })
      if (spare !== undefined) this.#disconnect(spare, now)
    }
    const excess = neighbours.count - NEIGHBOURS_CROWDED
    if (excess <= 0) return
    // Where hundreds come at once the first of them have only just found others.
    const spare = neighbours.neighbours
      .map(({ peerId }) => ({ peerId, degree: this.#view.degreeOf(peerId) }))
      .filter(({ peerId, degree }) => degree >= WANTED_MIN && !this.#wanted.has(peerId))
      .sort((a, b) => b.degree - a.degree)
    for (const { peerId } of spare.slice(0, excess)) this.#disconnect(peerId, now)
  }

  #disconnect(peer: PeerId, now: Millis): void {
    this.#context.neighbours.disconnect(peer, GOODBYE_CODE.full, 'this peer has more links than it needs', now)
  }
}
