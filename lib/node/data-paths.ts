import { endpointParts, type Endpoint, type EndpointParts, type PeerId } from '../address/mod.ts'
import { ByteReader, soonest, type Millis } from '../base/mod.ts'
import { PeerSession } from '../noise/mod.ts'
import { SESSIONS_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'
import { DataPath, type DataPathOutput } from './data-path.ts'
import type { MeshView } from './mesh-view.ts'

const IPV4_HEADER_BYTES = 20
const IPV6_HEADER_BYTES = 40
const UDP_HEADER_BYTES = 8

/**
 * The data paths to all peers that are worth one: the neighbours, and as many others as SESSIONS_MAX allows. Asks for the
 * remote's key, its addresses and a relay from the view; tells when a path came or went.
 */
export class DataPaths {
  readonly #context: NodeContext
  readonly #view: MeshView
  readonly #paths = new Map<PeerId, DataPath>()
  readonly #indices = new Set<number>()
  /** Looked up after every input of the node: made anew only when a path was touched. */
  #timeout: { at: Millis; reason: string } | undefined
  #isTimeoutStale = false
  /** Of all sessions of this start: a session that is made anew must not begin below what the remote has seen of it. */
  #sequence = 0
  readonly #route: (to: PeerId, body: Uint8Array, now: Millis) => void
  readonly #onChanged: (peer: PeerId, now: Millis) => void

  constructor(
    context: NodeContext,
    ports: {
      view: MeshView
      /** Sends a session handshake through the mesh. */
      route: (to: PeerId, body: Uint8Array, now: Millis) => void
      onChanged: (peer: PeerId, now: Millis) => void
    },
  ) {
    this.#context = context
    this.#view = ports.view
    this.#route = ports.route
    this.#onChanged = ports.onChanged
  }

  get all(): IterableIterator<DataPath> {
    return this.#paths.values()
  }

  path(peer: PeerId): DataPath | undefined {
    return this.#paths.get(peer)
  }

  isDirect(peer: PeerId): boolean {
    return this.#paths.get(peer)?.state.kind === 'direct'
  }

  /** Makes, feeds and ends paths so that they are those of the mesh as it is now. */
  update(now: Millis): void {
    const wanted = this.#wanted()
    for (const [peer, path] of [...this.#paths]) {
      // A path that still answers outlives the control links: a reset of TCP must not stop frames.
      if (!wanted.has(peer) && path.state.kind !== 'direct') this.stop(peer, now)
    }
    for (const peer of wanted) {
      const path = this.#paths.get(peer) ?? this.#start(peer, now)
      if (path === undefined) continue
      path.setCandidates(this.#view.endpointsOf(peer), now)
      const via = this.#viaOf(peer)
      path.setVia(via, via === undefined ? -1 : this.#view.indexOf(via)!, now)
      this.#drain(path, now)
    }
  }

  handleHandshake(from: PeerId, body: Uint8Array, now: Millis): void {
    const path = this.#paths.get(from) ?? this.#start(from, now)
    if (path === undefined) return this.#context.drop('handshake-no-peer')
    const drop = path.handleHandshake(body, now)
    if (drop !== undefined) this.#context.drop(drop.reason)
    this.#drain(path, now)
  }

  handleControl(
    peer: PeerId,
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): void {
    const path = this.#paths.get(peer)
    if (path === undefined) return
    path.handleControl(receiverIndex, body, source, now)
    this.#drain(path, now)
  }

  handleMoved(peer: PeerId, source: EndpointParts, now: Millis): void {
    const path = this.#paths.get(peer)
    if (path === undefined) return
    path.handleMoved(source, now)
    this.#drain(path, now)
  }

  /** The peer lives in this incarnation (8 bytes): keys of an earlier one are void. */
  meet(peer: PeerId, incarnation: Uint8Array, now: Millis): void {
    const path = this.#paths.get(peer)
    if (path === undefined) return
    path.meet(incarnation, now)
    this.#drain(path, now)
  }

  /** Ends every session: the mesh changes. */
  stopAll(now: Millis): void {
    for (const peer of [...this.#paths.keys()]) this.stop(peer, now)
  }

  handleTimeout(now: Millis): void {
    for (const path of [...this.#paths.values()]) {
      const due = path.pollTimeout()
      if (due === undefined || due.at > now) continue
      path.handleTimeout(now)
      this.#drain(path, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    if (this.#isTimeoutStale) this.#timeout = soonest([...this.#paths.values()].map(path => path.pollTimeout()))
    this.#isTimeoutStale = false
    return this.#timeout
  }

  #wanted(): Set<PeerId> {
    const wanted = new Set<PeerId>(this.#context.neighbours.neighbours.map(neighbour => neighbour.peerId))
    for (const peer of [...this.#view.reachable].sort()) {
      if (wanted.size >= SESSIONS_MAX) break
      if (peer !== this.#context.config.identity.peerId) wanted.add(peer)
    }
    return wanted
  }

  /** The neighbour through which a peer without a direct path is reached: the first hop over proved paths. */
  #viaOf(peer: PeerId): PeerId | undefined {
    const next = this.#view.dataRoutes.get(peer)?.nextHop
    return next === undefined || next === peer || !this.isDirect(next) ? undefined : next
  }

  #start(peerId: PeerId, now: Millis): DataPath | undefined {
    const { config, ledger, neighbours } = this.#context
    const neighbour = neighbours.neighbour(peerId)
    const signingPublic = neighbour?.hello.signingPublic ?? ledger.signingPublicOf(peerId)
    const exchangePublic = signingPublic && config.suite.exchangePublicKey(signingPublic)
    if (exchangePublic === undefined || this.#paths.size >= 2 * SESSIONS_MAX) return undefined
    const { index } = this.#view.ensurePeer(peerId)
    const session = new PeerSession({
      self: config.identity,
      incarnation: config.incarnation,
      remote: { peerId, exchangePublic },
      suite: config.suite,
      entropy: config.entropy,
      chance: config.chance,
      meshId: ledger.meshId,
      hasAes: config.hasAes,
      allocateIndex: () => this.#allocateIndex(),
      nextSequence: () => ++this.#sequence,
    })
    const path = new DataPath({
      peerId,
      peerIndex: index,
      session,
      chance: config.chance,
      pathBytes: endpoint => udpPayloadMax(endpoint, config.underlayBytes),
    })
    this.#paths.set(peerId, path)
    // Until a direct endpoint is proved datagrams may go through a relay, over whichever family.
    const bytes = config.underlayBytes - IPV6_HEADER_BYTES - UDP_HEADER_BYTES
    this.#context.emit({ type: 'engine', op: { op: 'set-path-bytes', peerIndex: index, bytes } })
    path.start(now)
    this.#drain(path, now)
    return path
  }

  /** Ends the session and the path, if there are any. */
  stop(peer: PeerId, now: Millis): void {
    const path = this.#paths.get(peer)
    if (path === undefined) return
    path.stop(now)
    this.#drain(path, now)
    this.#paths.delete(peer)
    this.#onChanged(peer, now)
  }

  #drain(path: DataPath, now: Millis): void {
    this.#isTimeoutStale = true
    const changed = new Set<PeerId>()
    for (let output = path.pollOutput(); output !== undefined; output = path.pollOutput())
      this.#handle(output, changed, now)
    for (const peer of changed) this.#onChanged(peer, now)
  }

  #handle(output: DataPathOutput, changed: Set<PeerId>, now: Millis): void {
    switch (output.type) {
      case 'engine':
        if (output.op.op === 'add-session') this.#indices.add(output.op.session.receiverIndex)
        if (output.op.op === 'remove-session') this.#indices.delete(output.op.receiverIndex)
        this.#context.emit({ type: 'engine', op: output.op })
        break
      case 'handshake':
        this.#route(output.to, output.body, now)
        break
      case 'changed':
        changed.add(output.peer)
        break
      case 'note':
        this.#context.log('info', 'path', { peer: output.peer, text: output.text }, now)
        break
    }
  }

  /** A random index that no live session of this peer has. */
  #allocateIndex(): number {
    for (;;) {
      const index = new ByteReader(this.#context.config.entropy.bytes(4)).u32()
      if (index !== 0 && !this.#indices.has(index)) return index
    }
  }
}

/** The largest UDP payload that an underlay packet of so many bytes holds, towards this endpoint. */
function udpPayloadMax(endpoint: Endpoint, underlayBytes: number): number {
  const headerBytes = endpointParts(endpoint).ip.length === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES
  return underlayBytes - headerBytes - UDP_HEADER_BYTES
}
