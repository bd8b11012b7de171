import { isDialable, isScoped, type Endpoint, type PeerId } from '../address/mod.ts'
import { isDrop, toHex, type Millis } from '../base/mod.ts'
import { PROTOCOL_VERSION_MAX } from '../peer/mod.ts'
import {
  EDGES_MAX,
  Graph,
  NO_TREE,
  decodeLinks,
  decodePeerInfo,
  encodeLinks,
  encodePeerInfo,
  PEER_CAPABILITY,
  meshRoutes,
  type BroadcastTree,
  type LinkClaim,
  type MeshRoutes,
  type Routes,
  type Survey,
  type WorkMeter,
} from '../topology/mod.ts'
import { RECORD_KIND, type LedgerRecord } from '../wire/mod.ts'
import { CANDIDATES_MAX } from './constants.ts'
import type { NodeContext } from './context.ts'
import { KnownPeers, SELF_INDEX, type KnownPeer } from './known-peers.ts'
import { Rebuild } from './rebuild.ts'

const NO_KEY = new Uint8Array(0)

/** Endpoints under which a peer may be reached. */
export interface Candidates {
  /** Where it is linked to, and what it advertises. */
  readonly own: readonly Endpoint[]
  /** Where others see it: their endpoints with the port that it names, so behind a NAT no more than a guess. */
  readonly seen: readonly Endpoint[]
}

interface Built {
  readonly survey: Survey
  readonly graph: Graph
  readonly routes: MeshRoutes
}

const NO_EDGES = { count: 0, offsets: new Int32Array(1), ends: new Int32Array(0), costs: new Int32Array(0) }
const NOTHING: Built = {
  survey: { nearest: [], hops: new Int32Array(0), claims: 0, shares: undefined },
  graph: new Graph([], { control: NO_EDGES, data: NO_EDGES }),
  routes: { control: new Map(), data: new Map(), tree: NO_TREE },
}

/**
 * The mesh as the ledger tells it: who there is, the graph, the routes. Changes of records are gathered for a moment
 * before routes and trees are made anew, all at once; `version` grows whenever they were.
 */
export class MeshView {
  readonly #context: NodeContext
  readonly #self: PeerId
  readonly #onForget: (peer: PeerId, now: Millis) => void
  readonly #onStart: (peer: PeerId, start: Uint8Array, now: Millis) => void
  readonly #known: KnownPeers
  readonly #rebuild: Rebuild<Built>
  #built = NOTHING
  #reachable: ReadonlySet<PeerId> = new Set()
  #version = 0

  /**
   * `onForget`: the peer's index is free from then on, and may soon be another's: let go of what uses it. `onStart`: its links
   * tell the number (8 bytes) that it drew at its start.
   */
  constructor(
    context: NodeContext,
    onForget: (peer: PeerId, now: Millis) => void,
    onStart: (peer: PeerId, start: Uint8Array, now: Millis) => void = () => undefined,
  ) {
    this.#context = context
    this.#onStart = onStart
    this.#onForget = onForget
    this.#self = context.config.identity.peerId
    const { advertised } = context.config
    this.#known = new KnownPeers(this.#self, advertised, op => context.emit({ type: 'engine', op }))
    this.#rebuild = new Rebuild(meter => this.#build(meter))
    this.refresh()
  }

  get version(): number {
    return this.#version
  }

  /** Grows whenever a peer gets an index or loses it. */
  get indexVersion(): number {
    return this.#known.version
  }

  /** The part of the mesh that this peer reaches. */
  get graph(): Graph {
    return this.#built.graph
  }

  /** Next hops over control links. */
  get controlRoutes(): Routes {
    return this.#built.routes.control
  }

  /** Next hops over proved data paths. */
  get dataRoutes(): Routes {
    return this.#built.routes.data
  }

  /** Peers that can be reached over control links, this one included. The same object while they are the same. */
  get reachable(): ReadonlySet<PeerId> {
    return this.#reachable
  }

  /** By which this peer floods what begins here. */
  get tree(): BroadcastTree {
    return this.#built.routes.tree
  }

  /** What was computed so far: rows of claims looked at, and what the rebuilds cost (WORK_PER_MS). */
  get effort(): { readonly rows: number; readonly work: number; readonly slices: number } {
    return { rows: this.#known.claims.work, work: this.#rebuild.work, slices: this.#rebuild.slices }
  }

  /** Everybody who is of the mesh by a record of its own, reachable or not. */
  get members(): ReadonlySet<PeerId> {
    const members = new Set<PeerId>()
    for (const { id, info } of this.#known.all) if (info !== undefined) members.add(id)
    return members
  }

  get peers(): IterableIterator<KnownPeer> {
    return this.#known.all
  }

  /** The nearest first, those that nobody reaches last. */
  nearestPeers(): KnownPeer[] {
    const near = this.#built.survey.nearest.map(({ peer }) => peer)
    const isNear = new Set(near)
    return [
      ...near.flatMap(peer => this.#known.get(peer) ?? []),
      ...[...this.#known.all].filter(({ id }) => !isNear.has(id)),
    ]
  }

  peer(id: PeerId): KnownPeer | undefined {
    return this.#known.get(id)
  }

  peerAt(index: number): PeerId | undefined {
    return this.#known.at(index)
  }

  indexOf(id: PeerId): number | undefined {
    return this.#known.indexOf(id)
  }

  /** How many links a peer has that the far ends confirm. */
  degreeOf(id: PeerId): number {
    const index = this.#known.indexOf(id)
    return index === undefined ? 0 : this.#known.claims.degree(index)
  }

  nicknameOf(id: PeerId): string {
    if (id === this.#self) return this.#context.config.nickname
    return this.#known.get(id)?.info?.nickname ?? this.#context.neighbours.neighbour(id)?.hello.nickname ?? '?'
  }

  publishSelf(): void {
    const { config, ledger } = this.#context
    const value = encodePeerInfo({
      nickname: config.nickname,
      incarnation: toHex(config.incarnation),
      softwareVersion: config.software,
      protocolVersion: PROTOCOL_VERSION_MAX,
      udpPort: config.port,
      capabilities: PEER_CAPABILITY.joinedDatagrams,
      endpoints: config.advertised,
    })
    ledger.put(RECORD_KIND.peer, NO_KEY, value)
  }

  /** An endpoint that the neighbour advertises itself need not be told, nor one that is of this host only. */
  publishLinks(claims: readonly LinkClaim[]): void {
    const told = claims.map(claim => {
      const { endpoint, neighbour } = claim
      const isNews =
        endpoint !== undefined && !isScoped(endpoint) && !this.#known.get(neighbour)?.info?.endpoints.includes(endpoint)
      return isNews ? claim : { ...claim, endpoint: undefined }
    })
    this.#context.ledger.put(RECORD_KIND.links, NO_KEY, encodeLinks(told, this.#context.config.incarnation))
  }

  /** Withdraws what this peer said of itself. */
  withdrawSelf(): void {
    this.#context.ledger.remove(RECORD_KIND.peer, NO_KEY)
    this.#context.ledger.remove(RECORD_KIND.links, NO_KEY)
  }

  /** True when a peer said, by a tombstone of what it is, that it left for good. */
  hasLeft(peer: PeerId): boolean {
    return this.#context.ledger.held(peer, RECORD_KIND.peer, NO_KEY)?.isTombstone === true
  }

  /** A record of kind `peer` or `links` is new or gone. Returns the peer when it has restarted. */
  handleRecord(owner: PeerId, kind: number, record: LedgerRecord | undefined, now: Millis): PeerId | undefined {
    const value = record === undefined || record.isTombstone ? undefined : record.value
    if (kind === RECORD_KIND.links) this.#handleLinks(owner, value, now)
    else if (kind === RECORD_KIND.peer && owner !== this.#self) return this.#handleInfo(owner, value, now)
    return undefined
  }

  #handleLinks(owner: PeerId, value: Uint8Array | undefined, now: Millis): void {
    const links = value === undefined ? undefined : decodeLinks(value)
    if (isDrop(links)) return this.#context.drop(links.reason)
    const index = owner === this.#self ? SELF_INDEX : this.#known.ensure(owner).index
    const isChanged = this.#known.claims.set(index, links)
    if (links?.start !== undefined && index !== SELF_INDEX) this.#onStart(owner, links.start, now)
    // Whom a full ledger takes in depends on who is named, too.
    if (isChanged || this.#context.ledger.isFull) this.#rebuild.want(now)
    if (value === undefined && owner !== this.#self) this.#forgetIfGone(owner, now)
  }

  #handleInfo(owner: PeerId, value: Uint8Array | undefined, now: Millis): PeerId | undefined {
    const info = value === undefined ? undefined : decodePeerInfo(value)
    if (isDrop(info)) return void this.#context.drop(info.reason)
    this.#rebuild.want(now)
    const before = this.#known.ensure(owner).info
    const { range } = this.#context.config
    this.#known.setInfo(owner, info, info?.endpoints.filter(endpoint => isDialable(endpoint, range)) ?? [])
    if (info === undefined) this.#forgetIfGone(owner, now)
    return info !== undefined && before !== undefined && before.incarnation !== info.incarnation ? owner : undefined
  }

  /** All that the ledger holds now, at a start and after a change of mesh. */
  reload(now: Millis): void {
    for (const { id } of [...this.#known.all]) this.forget(id, now)
    for (const kind of [RECORD_KIND.peer, RECORD_KIND.links])
      for (const { owner, key } of this.#context.ledger.records(kind))
        this.handleRecord(owner, kind, this.#context.ledger.get(owner, kind, key), now)
  }

  ensurePeer(id: PeerId): KnownPeer {
    return this.#known.ensure(id)
  }

  /** A peer that left for good has withdrawn what it said of itself. */
  #forgetIfGone(id: PeerId, now: Millis): void {
    const peer = this.#known.get(id)
    if (peer === undefined || peer.info !== undefined || this.#known.claims.claimed(peer.index) > 0) return
    if (this.#context.neighbours.neighbour(id) === undefined) this.forget(id, now)
  }

  handleNeighbourDown(id: PeerId, now: Millis): void {
    this.#rebuild.want(now, true)
    this.#forgetIfGone(id, now)
  }

  /** The peer is no longer in the ledger, nor a neighbour. */
  forget(id: PeerId, now: Millis): void {
    if (this.#known.get(id) === undefined) return
    this.#onForget(id, now)
    this.#known.forget(id)
    this.#rebuild.want(now)
  }

  /** Of UDP and TCP, as the peer says itself. */
  portOf(id: PeerId): number | undefined {
    return this.#context.neighbours.neighbour(id)?.hello.port ?? this.#known.get(id)?.info?.udpPort
  }

  /** Endpoints of UDP and TCP under which a peer may be reached, the likeliest first, at most CANDIDATES_MAX. */
  endpointsOf(id: PeerId): Endpoint[] {
    const { own, seen } = this.candidatesOf(id)
    return [...own, ...seen].slice(0, CANDIDATES_MAX)
  }

  /** The same, each once, apart by who names them. */
  candidatesOf(id: PeerId): Candidates {
    const neighbour = this.#context.neighbours.neighbour(id)
    const peer = this.#known.get(id)
    const port = this.portOf(id)
    const own = new Set<Endpoint>()
    const seen = new Set<Endpoint>()
    // Where a connection really came from is beyond doubt; what records name must be a host elsewhere.
    if (neighbour !== undefined && port !== undefined) own.add(withPort(neighbour.endpoint, port))
    for (const endpoint of peer?.endpoints ?? []) own.add(endpoint)
    if (port !== undefined && peer !== undefined) {
      const { range } = this.#context.config
      for (const endpoint of this.#known.claims.seenAt(peer.index, CANDIDATES_MAX))
        if (isDialable(endpoint, range)) seen.add(withPort(endpoint, port))
    }
    return { own: [...own], seen: [...seen].filter(endpoint => !own.has(endpoint)) }
  }

  /** Tells the ledger who can be reached and, when it is full, who may have which share of its places. */
  informLedger(now: Millis): void {
    const { nearest, shares } = this.#built.survey
    const shareOf = shares && ((peer: PeerId) => shares.of(peer))
    this.#context.ledger.setReachable(new Set(nearest.map(({ peer }) => peer)), now, shareOf)
  }

  /** Does a slice of what is due. True when routes and trees are new. */
  handleTimeout(now: Millis): boolean {
    return this.#commit(this.#rebuild.handleTimeout(now))
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#rebuild.pollTimeout()
  }

  /** The graph as it would be now; used when waiting would be wrong. */
  refresh(): void {
    this.#commit(this.#rebuild.runNow())
  }

  /** This peer's own links have changed. */
  markDirty(now: Millis): void {
    this.#rebuild.want(now, true)
  }

  *#build(meter: WorkMeter): Generator<undefined, Built, undefined> {
    const { claims } = this.#known
    const survey = yield* claims.survey(SELF_INDEX, this.#context.ledger.isFull, meter)
    // A graph is made in one go.
    if (meter.work + Math.min(survey.claims, EDGES_MAX) > meter.pauseAt) yield
    const before = claims.work
    const graph = claims.graph(survey)
    meter.work += claims.work - before
    const routes = yield* meshRoutes(graph, this.#self, this.#built.routes.data, meter)
    return { survey, graph, routes }
  }

  #commit(built: Built | undefined): boolean {
    if (built === undefined) return false
    this.#built = built
    const { peers } = built.graph
    if (peers.length !== this.#reachable.size || !peers.every(peer => this.#reachable.has(peer)))
      this.#reachable = new Set(peers)
    this.#version++
    return true
  }
}

/** The address of one endpoint with the port that the peer says it listens on. */
export function withPort(endpoint: Endpoint, port: number): Endpoint {
  // The canonical form ends with the port.
  return `${endpoint.slice(0, endpoint.lastIndexOf(':'))}:${port}` as Endpoint
}
