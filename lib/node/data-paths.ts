import type { Endpoint, EndpointParts, PeerId } from '../address/mod.ts'
import { Timers, soonest, type Millis } from '../base/mod.ts'
import { FULL_MESH_PEERS, TCP_RTT_CLASS, costClass } from '../topology/mod.ts'
import { ROUTED_KIND, type RoutedMessage } from '../wire/mod.ts'
import { PATHS_ON_DEMAND_MAX, PATH_FUTILE_MS, PATH_IDLE_MS, PATH_LOOK_MS, PATH_SPARE_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { DataPath } from './data-path.ts'
import { Detours } from './detours.ts'
import type { Candidates, MeshView } from './mesh-view.ts'
import type { NodePart } from './part.ts'
import type { PathReport } from './report.ts'
import { PathMaker } from './path-maker.ts'
import { UNPROVED_PATH_BYTES } from './path-size.ts'
import type { DataPathOutput } from './path-state.ts'

const NO_CANDIDATES: Candidates = { own: [], seen: [] }

interface Held {
  readonly path: DataPath
  /** False while the path is kept, used or not. */
  isOnDemand: boolean
  /** Since when nothing gets through; undefined while something does. */
  unusableSince: Millis | undefined
  /** What the path was last fed with. */
  candidates: Candidates
}

/**
 * The data paths. Kept are those to the neighbours, and up to FULL_MESH_PEERS peers those to all that can be reached;
 * to others there is one on demand: from when the lanes have frames for the peer, or it begins a handshake with this
 * one, until it carried nothing for PATH_IDLE_MS, does not answer, or has to make room for another. Asks for the
 * remote's key, its addresses and a relay from the view; tells when a path came or went.
 */
export class DataPaths implements NodePart {
  readonly name = 'paths'
  readonly routedKinds = [ROUTED_KIND.sessionHandshake]
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #paths = new Map<PeerId, Held>()
  readonly #maker: PathMaker
  readonly #detours: Detours
  /** When each path is due, and when it is looked at whether one on demand is of use; by peer. */
  readonly #due = new Timers()
  readonly #looks = new Timers()
  /** There was no room for one more path on demand; it is not looked for again before. */
  #fullUntil: Millis = 0
  readonly #route: (to: PeerId, body: Uint8Array, now: Millis) => boolean
  /** Handshakes that were sent since the last session, by peer: a link that seems to be up may lead nowhere. */
  readonly #unanswered = new Map<PeerId, number>()
  readonly #onChanged: (peer: PeerId, now: Millis) => void
  readonly #onSuspect: (peer: PeerId, now: Millis) => void

  constructor(
    context: NodeContext,
    given: {
      view: MeshView
      /** Sends a session handshake through the mesh; false when there is no way. */
      route: (to: PeerId, body: Uint8Array, now: Millis) => boolean
      onChanged: (peer: PeerId, now: Millis) => void
      /** The path to a peer does not answer, or leads elsewhere than before: so may its link. */
      onSuspect: (peer: PeerId, now: Millis) => void
    },
  ) {
    this.#context = context
    this.#view = given.view
    this.#maker = new PathMaker(context, given.view)
    this.#detours = new Detours(context.config.identity.peerId, peer => this.path(peer)?.isSound === true)
    this.#route = given.route
    this.#onChanged = given.onChanged
    this.#onSuspect = given.onSuspect
  }

  get all(): IterableIterator<DataPath> {
    return this.#each()
  }

  path(peer: PeerId): DataPath | undefined {
    return this.#paths.get(peer)?.path
  }

  isDirect(peer: PeerId): boolean {
    return this.path(peer)?.state.kind === 'direct'
  }

  /** Whether frames go over the control link to a peer. */
  isTcp(peer: PeerId): boolean {
    return this.path(peer)?.state.kind === 'tcp'
  }

  /** Whether frames get to a peer without another one between. */
  isEdge(peer: PeerId): boolean {
    return this.isDirect(peer) || this.isTcp(peer)
  }

  /** The endpoint of a peer that was proved last, whether it still answers or not. */
  provedEndpoint(peer: PeerId): Endpoint | undefined {
    return this.path(peer)?.provedEndpoint
  }

  report(now: Millis): PathReport[] {
    return [...this.#paths.values()].map(({ path, isOnDemand, unusableSince }) => ({
      ...path.report(now),
      isOnDemand,
      unusableSince,
    }))
  }

  viewChanged(now: Millis): void {
    this.update(now)
  }

  /** Keys are of one mesh. */
  meshChanged(now: Millis): void {
    this.stopAll(now)
  }

  handleRouted({ source, body }: RoutedMessage, now: Millis): void {
    this.handleHandshake(source, body, now)
  }

  /** Makes, feeds and ends paths so that they are those of the mesh as it is now. */
  update(now: Millis): void {
    const kept = this.#kept()
    for (const peer of kept) {
      const held = this.#paths.get(peer)
      if (held === undefined) this.#start(peer, false, now)?.start(now)
      else if (held.isOnDemand) {
        held.isOnDemand = false
        this.#looks.cancel(peer)
      }
    }
    for (const [peer, held] of [...this.#paths]) {
      if (!kept.has(peer)) {
        // A path that still answers outlives the control links: a reset of TCP must not stop frames. One that was kept
        // and cannot be used is nobody's wish any more: a link that the far side refuses is up for a moment, too.
        const isLost = !this.#view.reachable.has(peer) && held.path.state.kind !== 'direct'
        if (isLost || (!held.isOnDemand && !held.path.isUsable)) {
          this.stop(peer, now)
          continue
        }
        if (!held.isOnDemand) this.#watch(held, now)
      }
      this.#feed(held, now)
      this.#drain(held.path, now)
    }
  }

  /** There are frames for the peer. */
  want(peer: PeerId, now: Millis): void {
    const held = this.#paths.get(peer)
    if (held !== undefined) return held.path.use.want(now)
    if (!this.#view.reachable.has(peer)) return
    const path = this.#start(peer, true, now)
    if (path === undefined) return
    path.start(now, true)
    this.#drain(path, now)
  }

  handleHandshake(from: PeerId, body: Uint8Array, now: Millis): void {
    const held = this.#paths.get(from)
    const isKept = this.#isKept(from)
    const path = held?.path ?? this.#start(from, !isKept, now)
    if (path === undefined) return this.#context.drop('handshake-no-peer')
    const drop = path.handleHandshake(body, now)
    if (drop !== undefined) this.#context.drop(drop.reason)
    if (held === undefined && isKept) path.start(now)
    this.#drain(path, now)
    // Nothing came of it, and nobody here has use for the peer.
    if (drop !== undefined && held === undefined && !isKept) this.stop(from, now)
  }

  handleControl(
    peer: PeerId,
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): void {
    const path = this.path(peer)
    if (path === undefined) return
    const drop = path.handleControl(receiverIndex, body, source, now)
    if (drop !== undefined) this.#context.drop(drop.reason)
    this.#drain(path, now)
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(peer: PeerId, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.handleLarge(now)
    this.#drain(path, now)
  }

  /** See `DataPath.ask`. */
  ask(peer: PeerId, token: number, now: Millis): boolean {
    const path = this.path(peer)
    if (path?.ask(token) !== true) return false
    this.#drain(path, now)
    return true
  }

  handleMoved(peer: PeerId, source: EndpointParts, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.handleMoved(source, now)
    this.#drain(path, now)
  }

  /** The peer lives in this incarnation (8 bytes): keys of an earlier one are void. */
  meet(peer: PeerId, incarnation: Uint8Array, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.meet(incarnation, now)
    this.#drain(path, now)
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    for (const { path } of this.#paths.values()) {
      path.forgive(lateMs)
      const at = path.pollTimeout()?.at
      if (at !== undefined) this.#due.set(path.peerId, at)
    }
  }

  /** Ends every session: the mesh changes. */
  stopAll(now: Millis): void {
    for (const peer of [...this.#paths.keys()]) this.stop(peer, now)
  }

  handleTimeout(now: Millis): void {
    for (let peer = this.#due.popDue(now); peer !== undefined; peer = this.#due.popDue(now)) {
      const path = this.path(peer as PeerId)
      if (path === undefined) continue
      path.handleTimeout(now)
      // The frames that a relay passes on are not counted for the path to it.
      if (path.state.kind === 'relayed') this.path(path.state.via)?.use.want(now)
      this.#drain(path, now)
    }
    for (let peer = this.#looks.popDue(now); peer !== undefined; peer = this.#looks.popDue(now)) {
      const held = this.#paths.get(peer as PeerId)
      if (held !== undefined) this.#look(held, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const due = this.#due.next()
    const look = this.#looks.next()
    return soonest([due && this.path(due.reason as PeerId)?.pollTimeout(), look && { at: look.at, reason: 'path use' }])
  }

  *#each(): Generator<DataPath, undefined> {
    for (const { path } of this.#paths.values()) yield path
    return undefined
  }

  /** The peers to which there is a path in use or not: the neighbours, and in a small mesh all. */
  #kept(): Set<PeerId> {
    const kept = new Set<PeerId>(this.#context.neighbours.neighbours.map(neighbour => neighbour.peerId))
    const { reachable } = this.#view
    if (reachable.size <= FULL_MESH_PEERS) for (const peer of [...reachable].sort()) kept.add(peer)
    kept.delete(this.#context.config.identity.peerId)
    return kept
  }

  #isKept(peer: PeerId): boolean {
    if (this.#context.neighbours.neighbour(peer) !== undefined) return true
    return this.#view.reachable.size <= FULL_MESH_PEERS && this.#view.reachable.has(peer)
  }

  #watch(held: Held, now: Millis): void {
    held.isOnDemand = true
    held.path.use.want(now)
    held.path.look(now)
    this.#looks.set(held.path.peerId, now + PATH_LOOK_MS)
  }

  /** Whether a path on demand is still of use. */
  #look({ path, isOnDemand }: Held, now: Millis): void {
    if (!isOnDemand) return
    path.look(now)
    const limitMs = path.isUsable ? PATH_IDLE_MS : PATH_FUTILE_MS
    const endsAt = path.use.usedAt + limitMs
    // The last way to a peer that no link leads to any more is kept, for it cannot be made anew.
    const isLast = path.isUsable && !this.#view.reachable.has(path.peerId)
    if (now >= endsAt && !isLast) this.#end(path, now)
    else this.#looks.set(path.peerId, isLast ? now + PATH_LOOK_MS : Math.min(now + PATH_LOOK_MS, endsAt))
  }

  /** Whether there is room for one more path on demand; ends the one that was not used for longest, if it has to be. */
  #makeRoom(now: Millis): boolean {
    const onDemand = [...this.#paths.values()].filter(held => held.isOnDemand).map(({ path }) => path)
    if (onDemand.length < PATHS_ON_DEMAND_MAX) return true
    if (now < this.#fullUntil) return false
    for (const path of onDemand) path.look(now)
    const idlest = onDemand.reduce((a, b) => (b.use.usedAt < a.use.usedAt ? b : a))
    if (now - idlest.use.usedAt >= PATH_SPARE_MS) {
      this.#end(idlest, now)
      return true
    }
    this.#fullUntil = idlest.use.usedAt + PATH_SPARE_MS
    return false
  }

  /** Tells the path what is new of the ways to its peer. */
  #feed(held: Held, now: Millis): void {
    const { path } = held
    const candidates = this.#view.candidatesOf(path.peerId)
    if (!areSame(candidates, held.candidates)) {
      held.candidates = candidates
      path.setCandidates(candidates.own, candidates.seen, now)
    }
    const via = this.#viaOf(path.peerId)
    path.setVia(via, via === undefined ? -1 : this.#view.indexOf(via)!, now)
    path.setLink(this.#hasLink(path.peerId), now)
  }

  #hasLink(peer: PeerId): boolean {
    return this.#context.neighbours.neighbour(peer) !== undefined
  }

  /**
   * The neighbour through which a peer would be reached without a direct path: the first hop over proved paths or, as
   * long as that is the peer itself, whoever has a path to both. Where the first hop does not answer, the way round it.
   */
  #viaOf(peer: PeerId): PeerId | undefined {
    const next = this.#view.dataRoutes.get(peer)?.nextHop
    if (next === undefined || next === peer) return this.#spareOf(peer)
    if (this.path(next)?.isBelieved === true) return next
    const detour = this.#spareOf(peer) ?? this.#detours.firstHop(this.#view.graph, peer)
    const isOfUse = this.isDirect(next) || (this.isTcp(next) && !this.#hasLink(peer))
    return detour ?? (isOfUse ? next : undefined)
  }

  /**
   * A sound path to a peer that says the same of the other; the cheapest, and of equal ones the first. One that would
   * send over its link is of no use to a peer that has a link itself.
   */
  #spareOf(peer: PeerId): PeerId | undefined {
    const { graph } = this.#view
    const at = graph.indexOf(peer)
    let best: PeerId | undefined
    let bestCost = Infinity
    const hasLink = this.#hasLink(peer)
    for (const index of graph.neighbourIndices('data', at)) {
      const id = graph.peers[index]!
      if (this.path(id)?.isSound !== true) continue
      const edgeCost = graph.edgeCost('data', at, index) ?? 0
      if (hasLink && costClass(edgeCost) === TCP_RTT_CLASS) continue
      const cost = edgeCost + (this.#view.dataRoutes.get(id)?.cost ?? Infinity)
      if (cost < bestCost || (cost === bestCost && best !== undefined && id < best)) [best, bestCost] = [id, cost]
    }
    return best
  }

  /**
   * Makes a path that has not begun its handshake; undefined when the remote's key is not known, or there is no room.
   */
  #start(peerId: PeerId, isOnDemand: boolean, now: Millis): DataPath | undefined {
    if (isOnDemand && !this.#makeRoom(now)) return undefined
    const path = this.#maker.make(peerId, now)
    if (path === undefined) return undefined
    const held = { path, isOnDemand, candidates: NO_CANDIDATES, unusableSince: now }
    this.#paths.set(peerId, held)
    if (isOnDemand) this.#looks.set(peerId, now + PATH_LOOK_MS)
    const known = { bytes: UNPROVED_PATH_BYTES, isFound: false, hasTrains: false }
    this.#context.emit({ type: 'engine', op: { op: 'set-path-bytes', peerIndex: path.peerIndex, ...known } })
    this.#feed(held, now)
    return path
  }

  /** Ends the session and the path, if there are any. */
  stop(peer: PeerId, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.stop(now)
    this.#forget(path, now)
  }

  /** The same, and tells the remote. */
  #end(path: DataPath, now: Millis): void {
    path.end(now)
    this.#forget(path, now)
  }

  #forget(path: DataPath, now: Millis): void {
    this.#paths.delete(path.peerId)
    this.#looks.cancel(path.peerId)
    this.#unanswered.delete(path.peerId)
    this.#drain(path, now)
    this.#due.cancel(path.peerId)
    this.#onChanged(path.peerId, now)
  }

  #drain(path: DataPath, now: Millis): void {
    let isChanged = false
    let isOver = false
    for (let output = path.pollOutput(); output !== undefined; output = path.pollOutput()) {
      isChanged ||= output.type === 'changed'
      isOver = this.#handle(output, path, now) || isOver
    }
    const held = this.#paths.get(path.peerId)
    if (held?.path === path) {
      held.unusableSince = path.isUsable ? undefined : (held.unusableSince ?? now)
      // What is on demand begins anew when it is wanted again, and not before.
      if (isOver && held.isOnDemand) return this.stop(path.peerId, now)
      const at = path.pollTimeout()?.at
      if (at === undefined) this.#due.cancel(path.peerId)
      else if (this.#due.at(path.peerId) !== at) this.#due.set(path.peerId, at)
    }
    if (isChanged) this.#onChanged(path.peerId, now)
  }

  /** Looks for other relays for those that are reached through a peer. */
  #avoid(relay: PeerId, now: Millis): void {
    for (const held of [...this.#paths.values()]) {
      const { state } = held.path
      if (state.kind !== 'relayed' || state.via !== relay) continue
      this.#feed(held, now)
      this.#drain(held.path, now)
    }
  }

  /** This peer is seen elsewhere: those to whom there is no direct path may reach it there. `path`: is drained anyway. */
  #tellMapping(path: DataPath, now: Millis): void {
    for (const one of this.#each()) {
      one.handleMapping(now)
      if (one !== path) this.#drain(one, now)
    }
  }

  /** The way to the relay may have changed as well, and the relay tells where this peer is seen now. */
  #doubt(path: DataPath, now: Millis): void {
    const via = this.#viaOf(path.peerId)
    const relay = via === undefined ? undefined : this.path(via)
    if (relay === undefined) return
    relay.doubt(now)
    this.#drain(relay, now)
  }

  /** Through the mesh or, where that is no way and every second time, over the path that there is. */
  #sendHandshake(body: Uint8Array, path: DataPath, now: Millis): void {
    const { peerId } = path
    const before = this.#unanswered.get(peerId) ?? 0
    this.#unanswered.set(peerId, before + 1)
    if (before % 2 === 1 && path.carry(body)) return
    if (!this.#route(peerId, body, now)) path.carry(body)
  }

  /** True when the path is over but for what is done to keep it. */
  #handle(output: DataPathOutput, path: DataPath, now: Millis): boolean {
    switch (output.type) {
      case 'engine':
        this.#maker.note(output.op)
        this.#context.emit({ type: 'engine', op: output.op })
        return false
      case 'handshake':
        this.#sendHandshake(output.body, path, now)
        return false
      case 'established':
        this.#unanswered.delete(path.peerId)
        return false
      case 'changed':
        if (path.state.kind !== 'direct') this.#maker.mappings.forget(path.peerId)
        return false
      case 'seen':
        if (this.#maker.mappings.handleSeen(path.peerId, output.endpoint, now)) this.#tellMapping(path, now)
        return false
      case 'doubt':
        this.#doubt(path, now)
        return false
      case 'roamed':
        this.#onSuspect(path.peerId, now)
        return false
      case 'suspect':
        this.#onSuspect(path.peerId, now)
        this.#avoid(path.peerId, now)
        return false
      case 'down':
        this.#onSuspect(path.peerId, now)
        return true
      case 'ended':
        if (this.#paths.get(path.peerId)?.isOnDemand !== true) path.restart(now)
        return true
      case 'note':
        this.#context.log('info', 'path', { peer: output.peer, text: output.text }, now)
        return false
    }
  }
}

function areSame(a: Candidates, b: Candidates): boolean {
  return String(a.own) === String(b.own) && String(a.seen) === String(b.seen)
}
