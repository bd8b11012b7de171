import type { PeerId } from '../address/mod.ts'
import { Timers, type Millis } from '../base/mod.ts'
import type { NodeContext } from './context.ts'
import type { DataPath } from './data-path.ts'
import type { Candidates, MeshView } from './mesh-view.ts'
import { PathMaker } from './path-maker.ts'
import { UNPROVED_PATH_BYTES } from './path-size.ts'
import type { DataPathOutput } from './path-state.ts'
import { RelayChoice } from './relay-choice.ts'

const NO_CANDIDATES: Candidates = { own: [], seen: [] }

/** A path that there is. */
export interface HeldPath {
  readonly path: DataPath
  /** False while the path is kept, used or not. */
  isOnDemand: boolean
  /** Since when nothing gets through; undefined while something does. */
  unusableSince: Millis | undefined
  /** What the path was last fed with. */
  candidates: Candidates
}

/**
 * Drives the data paths that there are, whoever wants them: feeds each with the addresses of its peer and a relay, wakes
 * it when it is due, and carries out what it says, of which the other paths may have to know.
 */
export class PathDriver {
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #held = new Map<PeerId, HeldPath>()
  readonly #maker: PathMaker
  readonly #relays: RelayChoice
  /** When each path is due, by peer. */
  readonly #due = new Timers()
  /** Handshakes that were sent since the last session, by peer: a link that seems to be up may lead nowhere. */
  readonly #unanswered = new Map<PeerId, number>()
  readonly #route: (to: PeerId, body: Uint8Array, now: Millis) => boolean
  readonly #onChanged: (peer: PeerId, now: Millis) => void
  readonly #onSuspect: (peer: PeerId, now: Millis) => void
  readonly #onForgotten: (peer: PeerId) => void

  constructor(
    context: NodeContext,
    given: {
      view: MeshView
      /** Sends a session handshake through the mesh; false when there is no way. */
      route: (to: PeerId, body: Uint8Array, now: Millis) => boolean
      onChanged: (peer: PeerId, now: Millis) => void
      /** The path to a peer does not answer, or leads elsewhere than before: so may its link. */
      onSuspect: (peer: PeerId, now: Millis) => void
      /** There is no path to the peer any more; its last words are not carried out yet. */
      onForgotten: (peer: PeerId) => void
    },
  ) {
    this.#context = context
    this.#view = given.view
    this.#maker = new PathMaker(context, given.view)
    this.#relays = new RelayChoice({
      self: context.config.identity.peerId,
      view: given.view,
      pathTo: peer => this.path(peer),
      hasLink: peer => this.#hasLink(peer),
    })
    this.#route = given.route
    this.#onChanged = given.onChanged
    this.#onSuspect = given.onSuspect
    this.#onForgotten = given.onForgotten
  }

  /** All paths that there are, in the order in which they were made. */
  get held(): ReadonlyMap<PeerId, HeldPath> {
    return this.#held
  }

  path(peer: PeerId): DataPath | undefined {
    return this.#held.get(peer)?.path
  }

  /** Makes a path that has not begun its handshake; undefined when the remote's key is not known. */
  make(peerId: PeerId, isOnDemand: boolean, now: Millis): DataPath | undefined {
    const path = this.#maker.make(peerId, now)
    if (path === undefined) return undefined
    const held = { path, isOnDemand, candidates: NO_CANDIDATES, unusableSince: now }
    this.#held.set(peerId, held)
    const known = { bytes: UNPROVED_PATH_BYTES, isFound: false, hasTrains: false }
    this.#context.emit({ type: 'engine', op: { op: 'set-path-bytes', peerIndex: path.peerIndex, ...known } })
    this.feed(held, now)
    return path
  }

  /** Tells the path what is new of the ways to its peer. */
  feed(held: HeldPath, now: Millis): void {
    const { path } = held
    const candidates = this.#view.candidatesOf(path.peerId)
    if (!areSame(candidates, held.candidates)) {
      held.candidates = candidates
      path.setCandidates(candidates.own, candidates.seen, now)
    }
    const via = this.#relays.viaOf(path.peerId)
    path.setVia(via, via === undefined ? -1 : this.#view.indexOf(via)!, now)
    const spare = this.#relays.spareOf(path.peerId)
    path.setSpare(spare === undefined ? -1 : this.#view.indexOf(spare)!)
    path.setLink(this.#hasLink(path.peerId), now)
  }

  /** Ends the session and the path, if there are any. */
  stop(peer: PeerId, now: Millis): void {
    const path = this.path(peer)
    if (path === undefined) return
    path.stop(now)
    this.#forget(path, now)
  }

  /** The same, and tells the remote. */
  end(path: DataPath, now: Millis): void {
    path.end(now)
    this.#forget(path, now)
  }

  /** To be called after each input to a path: carries out what it wants, and notes when it is due. */
  drain(path: DataPath, now: Millis): void {
    let isChanged = false
    let isOver = false
    for (let output = path.pollOutput(); output !== undefined; output = path.pollOutput()) {
      isChanged ||= output.type === 'changed'
      isOver = this.#handle(output, path, now) || isOver
    }
    const held = this.#held.get(path.peerId)
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

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    for (const { path } of this.#held.values()) {
      path.forgive(lateMs)
      const at = path.pollTimeout()?.at
      if (at !== undefined) this.#due.set(path.peerId, at)
    }
  }

  handleTimeout(now: Millis): void {
    for (let peer = this.#due.popDue(now); peer !== undefined; peer = this.#due.popDue(now)) {
      const path = this.path(peer as PeerId)
      if (path === undefined) continue
      path.handleTimeout(now)
      // The frames that a relay passes on are not counted for the path to it.
      if (path.state.kind === 'relayed') this.path(path.state.via)?.use.want(now)
      this.drain(path, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const due = this.#due.next()
    return due && this.path(due.reason as PeerId)?.pollTimeout()
  }

  #hasLink(peer: PeerId): boolean {
    return this.#context.neighbours.neighbour(peer) !== undefined
  }

  #forget(path: DataPath, now: Millis): void {
    this.#held.delete(path.peerId)
    this.#onForgotten(path.peerId)
    this.#unanswered.delete(path.peerId)
    this.drain(path, now)
    this.#due.cancel(path.peerId)
    this.#onChanged(path.peerId, now)
  }

  /** Looks for other relays for those that are reached through a peer. */
  #avoid(relay: PeerId, now: Millis): void {
    for (const held of [...this.#held.values()]) {
      const { state } = held.path
      if (state.kind !== 'relayed' || state.via !== relay) continue
      this.feed(held, now)
      this.drain(held.path, now)
    }
  }

  /** This peer is seen elsewhere: those to whom there is no direct path may reach it there. `path`: is drained anyway. */
  #tellMapping(path: DataPath, now: Millis): void {
    for (const { path: one } of this.#held.values()) {
      one.handleMapping(now)
      if (one !== path) this.drain(one, now)
    }
  }

  /** The way to the relay may have changed as well, and the relay tells where this peer is seen now. */
  #doubt(path: DataPath, now: Millis): void {
    const via = this.#relays.viaOf(path.peerId)
    const relay = via === undefined ? undefined : this.path(via)
    if (relay === undefined) return
    relay.doubt(now)
    this.drain(relay, now)
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
        if (this.#held.get(path.peerId)?.isOnDemand !== true) path.restart(now)
        return true
      case 'note':
        this.#context.log(
          'info',
          'path',
          { peer: output.peer, nickname: this.#view.nicknameOf(output.peer), text: output.text },
          now,
        )
        return false
    }
  }
}

function areSame(a: Candidates, b: Candidates): boolean {
  return String(a.own) === String(b.own) && String(a.seen) === String(b.seen)
}
