import type { Endpoint, EndpointParts, PeerId } from '../address/mod.ts'
import { soonest, type Millis } from '../base/mod.ts'
import { FULL_MESH_PEERS } from '../topology/mod.ts'
import { ROUTED_KIND, type RoutedMessage } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'
import type { DataPath } from './data-path.ts'
import type { MeshView } from './mesh-view.ts'
import type { NodePart } from './part.ts'
import { PathDriver } from './path-driver.ts'
import { PathsOnDemand } from './paths-on-demand.ts'
import type { PathReport } from './report.ts'

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
  readonly #driver: PathDriver
  readonly #onDemand: PathsOnDemand

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
    this.#driver = new PathDriver(context, { ...given, onForgotten: peer => this.#onDemand.forget(peer) })
    this.#onDemand = new PathsOnDemand({
      held: this.#driver.held,
      isReachable: peer => given.view.reachable.has(peer),
      end: (path, now) => this.#driver.end(path, now),
    })
  }

  get all(): IterableIterator<DataPath> {
    return this.#each()
  }

  path(peer: PeerId): DataPath | undefined {
    return this.#driver.path(peer)
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
    return [...this.#driver.held.values()].map(({ path, isOnDemand, unusableSince }) => ({
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
      const held = this.#driver.held.get(peer)
      if (held === undefined) this.#make(peer, false, now)?.start(now)
      else if (held.isOnDemand) this.#onDemand.keep(held)
    }
    for (const [peer, held] of [...this.#driver.held]) {
      if (!kept.has(peer)) {
        // A path that still answers outlives the control links: a reset of TCP must not stop frames. One that was kept
        // and cannot be used is nobody's wish any more: a link that the far side refuses is up for a moment, too.
        const isLost = !this.#view.reachable.has(peer) && held.path.state.kind !== 'direct'
        if (isLost || (!held.isOnDemand && !held.path.isUsable)) {
          this.stop(peer, now)
          continue
        }
        if (!held.isOnDemand) this.#onDemand.release(held, now)
      }
      this.#driver.feed(held, now)
      this.#driver.drain(held.path, now)
    }
  }

  /** There are frames for the peer. */
  want(peer: PeerId, now: Millis): void {
    const held = this.#driver.held.get(peer)
    if (held !== undefined) return held.path.use.want(now)
    if (!this.#view.reachable.has(peer)) return
    const path = this.#make(peer, true, now)
    if (path === undefined) return
    path.start(now, true)
    this.#driver.drain(path, now)
  }

  handleHandshake(from: PeerId, body: Uint8Array, now: Millis): void {
    const held = this.#driver.held.get(from)
    const isKept = this.#isKept(from)
    const path = held?.path ?? this.#make(from, !isKept, now)
    if (path === undefined) return this.#context.drop('handshake-no-peer')
    const drop = path.handleHandshake(body, now)
    if (drop !== undefined) this.#context.drop(drop.reason)
    if (held === undefined && isKept) path.start(now)
    this.#driver.drain(path, now)
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
    this.#driver.drain(path, now)
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(peer: PeerId, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.handleLarge(now)
    this.#driver.drain(path, now)
  }

  /** See `DataPath.ask`. */
  ask(peer: PeerId, token: number, now: Millis): boolean {
    const path = this.path(peer)
    if (path?.ask(token) !== true) return false
    this.#driver.drain(path, now)
    return true
  }

  /** See `DataPath.tell`. */
  tell(peer: PeerId, body: Uint8Array, now: Millis): boolean {
    const path = this.path(peer)
    if (path?.tell(body) !== true) return false
    this.#driver.drain(path, now)
    return true
  }

  handleMoved(peer: PeerId, source: EndpointParts, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.handleMoved(source, now)
    this.#driver.drain(path, now)
  }

  /** The peer lives in this incarnation (8 bytes): keys of an earlier one are void. */
  meet(peer: PeerId, incarnation: Uint8Array, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.meet(incarnation, now)
    this.#driver.drain(path, now)
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    this.#driver.forgive(lateMs)
  }

  /** Ends the session and the path, if there are any. */
  stop(peer: PeerId, now: Millis): void {
    this.#driver.stop(peer, now)
  }

  /** Ends every session: the mesh changes. */
  stopAll(now: Millis): void {
    for (const peer of [...this.#driver.held.keys()]) this.stop(peer, now)
  }

  handleTimeout(now: Millis): void {
    this.#driver.handleTimeout(now)
    this.#onDemand.handleTimeout(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return soonest([this.#driver.pollTimeout(), this.#onDemand.pollTimeout()])
  }

  *#each(): Generator<DataPath, undefined> {
    for (const { path } of this.#driver.held.values()) yield path
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

  /** One that has not begun its handshake; undefined when the remote's key is not known, or there is no room. */
  #make(peer: PeerId, isOnDemand: boolean, now: Millis): DataPath | undefined {
    if (isOnDemand && !this.#onDemand.makeRoom(now)) return undefined
    const path = this.#driver.make(peer, isOnDemand, now)
    if (path !== undefined && isOnDemand) this.#onDemand.add(peer, now)
    return path
  }
}
