import { peerIdBytes, type Endpoint, type PeerId } from '../address/mod.ts'
import { isDrop, toHex, type Millis } from '../base/mod.ts'
import {
  Graph,
  childrenOfAll,
  decodeLinks,
  decodePeerInfo,
  encodeLinks,
  encodePeerInfo,
  reachable,
  routes,
  type LinkClaim,
  type PeerInfo,
  type Routes,
} from '../topology/mod.ts'
import { RECORD_KIND, SHORT_ID_BYTES, type LedgerRecord } from '../wire/mod.ts'
import { CANDIDATES_MAX, VIEW_DELAY_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { PROTOCOL_VERSION_MAX } from '../peer/mod.ts'

const NO_KEY = new Uint8Array(0)
/** This peer's own index in forwarding tables. */
export const SELF_INDEX = 0
const LINKS_PUBLISHED_MAX = 256

/** What is known of another peer. */
export interface KnownPeer {
  readonly id: PeerId
  /** The small number that the lanes and the engine know it by. */
  readonly index: number
  info: PeerInfo | undefined
  links: readonly LinkClaim[]
}

/**
 * The mesh as the ledger tells it: who there is, the graph, the routes. Changes of records are gathered for a moment before
 * the graph is made anew; `version` grows whenever it was.
 */
export class MeshView {
  readonly #context: NodeContext
  readonly #self: PeerId
  readonly #onForget: (peer: PeerId, now: Millis) => void
  readonly #peers = new Map<PeerId, KnownPeer>()
  readonly #byIndex = new Map<number, PeerId>()
  readonly #freeIndices: number[] = []
  #nextIndex = SELF_INDEX + 1
  #graph = new Graph([])
  #control: Routes = new Map()
  #data: Routes = new Map()
  #reachable: ReadonlySet<PeerId> = new Set()
  #children: ReadonlyMap<PeerId, readonly PeerId[]> = new Map()
  #dirtyAt: Millis | undefined
  #version = 0
  #seen: { readonly version: number; readonly byPeer: ReadonlyMap<PeerId, readonly Endpoint[]> } | undefined

  /** `onForget`: the peer's index is free from then on, and may soon be another's: let go of what uses it. */
  constructor(context: NodeContext, onForget: (peer: PeerId, now: Millis) => void) {
    this.#context = context
    this.#onForget = onForget
    this.#self = context.config.identity.peerId
  }

  get version(): number {
    return this.#version
  }

  get graph(): Graph {
    return this.#graph
  }

  /** Next hops over control links. */
  get controlRoutes(): Routes {
    return this.#control
  }

  /** Next hops over proved data paths. */
  get dataRoutes(): Routes {
    return this.#data
  }

  /** Peers that can be reached over control links, this one included. */
  get reachable(): ReadonlySet<PeerId> {
    return this.#reachable
  }

  /** The children of this peer in the broadcast tree of each source. */
  get children(): ReadonlyMap<PeerId, readonly PeerId[]> {
    return this.#children
  }

  get peers(): IterableIterator<KnownPeer> {
    return this.#peers.values()
  }

  peer(id: PeerId): KnownPeer | undefined {
    return this.#peers.get(id)
  }

  peerAt(index: number): PeerId | undefined {
    return index === SELF_INDEX ? this.#self : this.#byIndex.get(index)
  }

  indexOf(id: PeerId): number | undefined {
    return id === this.#self ? SELF_INDEX : this.#peers.get(id)?.index
  }

  nicknameOf(id: PeerId): string {
    if (id === this.#self) return this.#context.config.nickname
    return this.#peers.get(id)?.info?.nickname ?? this.#context.neighbours.neighbour(id)?.hello.nickname ?? '?'
  }

  publishSelf(): void {
    const { config, ledger } = this.#context
    const value = encodePeerInfo({
      nickname: config.nickname,
      incarnation: toHex(config.incarnation),
      softwareVersion: config.software,
      protocolVersion: PROTOCOL_VERSION_MAX,
      udpPort: config.port,
      capabilities: 0,
      endpoints: config.advertised.slice(0, 16),
    })
    ledger.put(RECORD_KIND.peer, NO_KEY, value)
  }

  publishLinks(claims: readonly LinkClaim[]): void {
    this.#context.ledger.put(RECORD_KIND.links, NO_KEY, encodeLinks(claims.slice(0, LINKS_PUBLISHED_MAX)))
  }

  /** A record of kind `peer` or `links` is new or gone. Returns the peer when it has restarted. */
  handleRecord(owner: PeerId, kind: number, record: LedgerRecord | undefined, now: Millis): PeerId | undefined {
    this.#dirty(now)
    if (owner === this.#self) return undefined
    const value = record === undefined || record.isTombstone ? undefined : record.value
    if (kind === RECORD_KIND.links) {
      const links = value === undefined ? [] : decodeLinks(value)
      if (isDrop(links)) return void this.#context.drop(links.reason)
      this.ensurePeer(owner).links = links
      if (value === undefined) this.#forgetIfGone(owner, now)
      return undefined
    }
    if (kind !== RECORD_KIND.peer) return undefined
    const info = value === undefined ? undefined : decodePeerInfo(value)
    if (isDrop(info)) return void this.#context.drop(info.reason)
    const known = this.ensurePeer(owner)
    if (info === undefined) {
      known.info = undefined
      this.#forgetIfGone(owner, now)
      return undefined
    }
    const hasRestarted = known.info !== undefined && known.info.incarnation !== info.incarnation
    known.info = info
    return hasRestarted ? owner : undefined
  }

  /** All that the ledger holds now, at a start and after a change of mesh. */
  reload(now: Millis): void {
    for (const id of [...this.#peers.keys()]) this.forget(id, now)
    for (const kind of [RECORD_KIND.peer, RECORD_KIND.links])
      for (const { owner, key } of this.#context.ledger.records(kind))
        this.handleRecord(owner, kind, this.#context.ledger.get(owner, kind, key), now)
  }

  ensurePeer(id: PeerId): KnownPeer {
    const known = this.#peers.get(id)
    if (known !== undefined) return known
    const index = this.#freeIndices.pop() ?? this.#nextIndex++
    const peer: KnownPeer = { id, index, info: undefined, links: [] }
    this.#peers.set(id, peer)
    this.#byIndex.set(index, id)
    const shortId = peerIdBytes(id).slice(0, SHORT_ID_BYTES)
    this.#context.emit({ type: 'engine', op: { op: 'set-peer', peerIndex: index, shortId } })
    return peer
  }

  /** A peer that left for good has withdrawn what it said of itself. */
  #forgetIfGone(id: PeerId, now: Millis): void {
    const peer = this.#peers.get(id)
    if (peer?.info !== undefined || (peer?.links.length ?? 0) > 0) return
    if (this.#context.neighbours.neighbour(id) === undefined) this.forget(id, now)
  }

  handleNeighbourDown(id: PeerId, now: Millis): void {
    this.#dirty(now)
    this.#forgetIfGone(id, now)
  }

  /** Withdraws what this peer said of itself. */
  withdrawSelf(): void {
    this.#context.ledger.remove(RECORD_KIND.peer, NO_KEY)
    this.#context.ledger.remove(RECORD_KIND.links, NO_KEY)
  }

  /** The peer is no longer in the ledger, nor a neighbour. */
  forget(id: PeerId, now: Millis): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    this.#onForget(id, now)
    this.#peers.delete(id)
    this.#byIndex.delete(peer.index)
    this.#freeIndices.push(peer.index)
    this.#context.emit({ type: 'engine', op: { op: 'remove-peer', peerIndex: peer.index } })
    this.#dirty(now)
  }

  /** Endpoints of UDP and TCP under which a peer may be reached, the likeliest first. */
  endpointsOf(id: PeerId): Endpoint[] {
    const found = new Set<Endpoint>()
    const neighbour = this.#context.neighbours.neighbour(id)
    const peer = this.#peers.get(id)
    const port = neighbour?.hello.port ?? peer?.info?.udpPort
    if (neighbour !== undefined && port !== undefined) found.add(withPort(neighbour.endpoint, port))
    for (const endpoint of peer?.info?.endpoints ?? []) found.add(endpoint)
    if (port !== undefined) for (const endpoint of this.#seenAt(id)) found.add(withPort(endpoint, port))
    // Whoever claims links may name any address: nobody is made to dial more of them than a peer can have.
    return [...found].slice(0, CANDIDATES_MAX)
  }

  /** Where others see a peer. Gathered once for each version: every peer asks for every other whenever the view changes. */
  #seenAt(id: PeerId): readonly Endpoint[] {
    if (this.#seen?.version !== this.#version) {
      const byPeer = new Map<PeerId, Endpoint[]>()
      for (const { links } of this.#peers.values())
        for (const { neighbour, endpoint } of links) {
          if (endpoint === undefined) continue
          const held = byPeer.get(neighbour)
          if (held === undefined) byPeer.set(neighbour, [endpoint])
          else held.push(endpoint)
        }
      this.#seen = { version: this.#version, byPeer }
    }
    return this.#seen.byPeer.get(id) ?? []
  }

  handleTimeout(now: Millis): boolean {
    if (this.#dirtyAt === undefined || now < this.#dirtyAt) return false
    this.#rebuild()
    return true
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#dirtyAt === undefined ? undefined : { at: this.#dirtyAt, reason: 'mesh view' }
  }

  /** The graph as it would be now; used when waiting would be wrong. */
  refresh(): void {
    this.#rebuild()
  }

  markDirty(now: Millis): void {
    this.#dirty(now)
  }

  #dirty(now: Millis): void {
    this.#dirtyAt ??= now + VIEW_DELAY_MS
  }

  #rebuild(): void {
    this.#dirtyAt = undefined
    this.#version++
    const own = this.#context.ledger.get(this.#self, RECORD_KIND.links, NO_KEY)
    const ownLinks = own === undefined ? [] : decodeLinks(own.value)
    const claims = [{ peer: this.#self, links: isDrop(ownLinks) ? [] : ownLinks }]
    for (const peer of this.#peers.values()) claims.push({ peer: peer.id, links: [...peer.links] })
    this.#graph = new Graph(claims)
    this.#control = routes(this.#graph, 'control', this.#self, this.#control)
    this.#data = routes(this.#graph, 'data', this.#self, this.#data)
    this.#reachable = reachable(this.#graph, this.#self)
    this.#children = childrenOfAll(this.#graph, this.#self)
  }
}

/** The address of one endpoint with the port that the peer says it listens on. */
function withPort(endpoint: Endpoint, port: number): Endpoint {
  // The canonical form ends with the port.
  return `${endpoint.slice(0, endpoint.lastIndexOf(':'))}:${port}` as Endpoint
}
