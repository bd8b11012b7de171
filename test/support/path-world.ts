import {
  endpointOf,
  endpointParts,
  parseCidr,
  parseEndpoint,
  peerIdFromBytes,
  type Endpoint,
  type PeerId,
} from '../../lib/address/mod.ts'
import { Beat, isDrop, type Millis } from '../../lib/base/mod.ts'
import { identityOf, type Identity } from '../../lib/crypto/mod.ts'
import type { NodeContext } from '../../lib/node/context.ts'
import { DataPaths } from '../../lib/node/data-paths.ts'
import { LocalHealth } from '../../lib/node/local-health.ts'
import type { MeshView } from '../../lib/node/mesh-view.ts'
import type { NodeOutput } from '../../lib/node/mod.ts'
import { Graph } from '../../lib/topology/mod.ts'
import { CONTROL_KIND, decodeControl, encodeProbe } from '../../lib/wire/mod.ts'
import { changeBetween, type ForwardingTable } from '../../lib/overlay/mod.ts'
import { MemoryEngine } from './memory-engine.ts'
import { MemoryPlane } from './memory-plane.ts'
import { ethernetFrame } from './frames.ts'
import { SimClock } from './sim-clock.ts'
import { labelledChance, seededEntropy } from './sim-randomness.ts'
import { lightSuite, memoisedSuite } from './sim-suite.ts'

const LATENCY_MS = 2
const NO_EDGES = { count: 0, offsets: new Int32Array(1), ends: new Int32Array(0), costs: new Int32Array(0) }
const MESH_ID = new Uint8Array(16).fill(1)
const EVERYBODY = 0xffff_ffff_ffff
const suite = lightSuite(memoisedSuite())
const STRANGER = identityOf(suite, new Uint8Array(32).fill(1))

/** One peer's data paths on a data plane of their own; what else a node has is what the test says it is. */
export class PathPeer {
  readonly identity: Identity
  readonly endpoint: Endpoint
  readonly paths: DataPaths
  readonly plane: MemoryPlane
  readonly neighbours = new Set<PeerId>()
  /** All that this peer sent as handshakes, and to whom. */
  readonly handshakes: { readonly to: PeerId; readonly at: Millis }[] = []
  readonly notes: string[] = []
  readonly drops: string[] = []
  reachable = new Set<PeerId>()
  probes = 0
  readonly #world: PathWorld
  #table: ForwardingTable | undefined
  readonly #indices: PeerId[] = []
  readonly #outputs: NodeOutput[] = []
  #wakeAt: Millis | undefined

  constructor(world: PathWorld, number: number) {
    this.#world = world
    const label = `${number} of ${world.seed}`
    const entropy = seededEntropy(label)
    this.identity = identityOf(suite, entropy.bytes(32))
    this.endpoint = parseEndpoint(`192.0.2.${number + 1}:6783`)!
    const onDatagram = (bytes: Uint8Array, to: { ip: Uint8Array; port: number }) => world.datagram(this, bytes, to)
    this.plane = new MemoryPlane(
      new MemoryEngine({ onDatagram, sealing: 'none' }),
      {
        onControl: (peer, receiver, body, source) =>
          this.input(now => this.paths.handleControl(this.peerAt(peer), receiver, body, source, now)),
        onMoved: (peer, _receiver, source) => this.input(now => this.paths.handleMoved(this.peerAt(peer), source, now)),
        onWanted: peer => this.input(now => this.paths.want(this.peerAt(peer), now)),
        onLarge: peer => this.input(now => this.paths.handleLarge(this.peerAt(peer), now)),
        onSpoofed: () => undefined,
        onNotice: () => undefined,
        onGroupFrame: () => undefined,
        onHanded: (peer, bundle) => world.handed(this, this.peerAt(peer), bundle),
      },
      { macSlots: 64 },
    )
    const chance = labelledChance(label)
    const config = {
      identity: this.identity,
      suite,
      entropy,
      chance,
      beat: new Beat(chance),
      incarnation: entropy.bytes(8),
      hasAes: false,
      underlayBytes: 1500,
      port: 6783,
      advertised: [this.endpoint],
      range: parseCidr('10.32.0.0/12')!,
      sessionTotals: (receiverIndex: number) => this.plane.sessionTotals(receiverIndex),
    }
    const context = {
      config,
      ledger: { meshId: MESH_ID, signingPublicOf: (peer: PeerId) => world.keyOf(peer) },
      neighbours: {
        neighbour: (peerId: PeerId) =>
          this.neighbours.has(peerId) ? { peerId, hello: { signingPublic: world.keyOf(peerId) } } : undefined,
      },
      health: new LocalHealth(),
      emit: (output: NodeOutput) => this.#outputs.push(output),
      log: (_level: string, _event: string, fields: Record<string, unknown>) => this.notes.push(String(fields['text'])),
      drop: (reason: string) => this.drops.push(reason),
    } as unknown as NodeContext
    Object.defineProperty(context.neighbours, 'neighbours', {
      get: () => [...this.neighbours].map(peerId => ({ peerId })),
    })
    const view = {
      nicknameOf: () => '',
      dataRoutes: new Map(),
      graph: new Graph([], { control: NO_EDGES, data: NO_EDGES }),
      indexOf: (peer: PeerId) => this.indexOf(peer),
      ensurePeer: (peer: PeerId) => ({ index: this.indexOf(peer) }),
      candidatesOf: (peer: PeerId) => ({ own: world.endpointsOf(peer), seen: [] }),
    } as unknown as MeshView
    Object.defineProperty(view, 'reachable', { get: () => this.reachable })
    this.paths = new DataPaths(context, {
      view,
      route: (to, body) => {
        this.handshakes.push({ to, at: world.clock.now })
        return world.route(this, to, body)
      },
      onChanged: () => undefined,
      onSuspect: () => undefined,
    })
  }

  get id(): PeerId {
    return this.identity.peerId
  }

  kindTo(other: PathPeer): string {
    return this.paths.path(other.id)?.state.kind ?? 'no path'
  }

  indexOf(peer: PeerId): number {
    if (!this.#indices.includes(peer)) {
      this.#indices.push(peer)
      const shortId = new Uint8Array(8).fill(this.#indices.length)
      this.plane.order({ op: 'set-peer', peerIndex: this.#indices.length, shortId })
    }
    return this.#indices.indexOf(peer) + 1
  }

  peerAt(index: number): PeerId {
    return this.#indices[index - 1]!
  }

  /** An input of the node, and what it causes. */
  input(give: (now: Millis) => void): void {
    give(this.#world.clock.now)
    for (let output = this.#outputs.shift(); output !== undefined; output = this.#outputs.shift()) {
      if (output.type !== 'engine') continue
      const { op } = output
      if (op.op === 'send-control') {
        const message = decodeControl(op.body)
        // Those of the size of a path are padded.
        const isPadded = op.body.length > encodeProbe(0).length
        if (!isDrop(message) && message.type === 'probe' && !isPadded) this.probes++
        if (op.body[0] === CONTROL_KIND.pathEnd && this.#world.losesPathEnds) continue
      }
      this.plane.order(op)
    }
    this.#arm()
  }

  update(): void {
    this.input(now => this.paths.update(now))
  }

  /** Sends a frame to everybody to whom there is a path. */
  sendFrame(): void {
    const reachable = [...this.paths.all].filter(path => path.isUsable).map(path => path.peerIndex)
    const tree = Int32Array.from(reachable.flatMap(peer => [peer, 0]))
    const table = { selfIndex: 0, tree, adjacent: reachable, reachable, owners: undefined }
    const change = changeBetween(this.#table, table)
    this.#table = table
    if (change !== undefined) this.plane.changeTable(change)
    this.plane.engine.pushTap(ethernetFrame(EVERYBODY, 0x0200_0000_0001, new Uint8Array(50)))
    this.plane.pump(this.#world.clock.now)
  }

  #arm(): void {
    const next = this.paths.pollTimeout()
    if (next === undefined) return
    const at = Math.max(next.at, this.#world.clock.now)
    if (this.#wakeAt !== undefined && this.#wakeAt <= at) return
    this.#wakeAt = at
    this.#world.clock.at(at, () => {
      if (this.#wakeAt !== at) return
      this.#wakeAt = undefined
      this.input(now => this.paths.handleTimeout(now))
    })
  }
}

/** Peers that know each other's keys and addresses, on virtual time; handshakes and datagrams take LATENCY_MS. */
export class PathWorld {
  readonly seed: number
  readonly clock = new SimClock()
  readonly peers: readonly PathPeer[]
  /** Whether datagrams of one peer get to another. */
  carries: (from: PathPeer, to: PathPeer) => boolean = () => true
  losesPathEnds = false
  /** Whether handshakes find a way over control links. */
  hasLinks = true
  /** They seem to find one, and get nowhere. */
  losesHandshakes = false
  readonly #strangers = new Set<PeerId>()

  constructor(seed: number, peers: number) {
    this.seed = seed
    this.peers = Array.from({ length: peers }, (_, number) => new PathPeer(this, number))
    for (const peer of this.peers) peer.reachable = new Set(this.peers.map(({ id }) => id))
  }

  /** More peers, which nobody hears from: known to all and reachable, so that the mesh is a large one. */
  addStrangers(count: number): PeerId[] {
    const added: PeerId[] = []
    for (let i = 0; i < count; i++) {
      const id = peerIdFromBytes(seededEntropy(`stranger ${this.#strangers.size} of ${this.seed}`).bytes(16))
      this.#strangers.add(id)
      added.push(id)
    }
    for (const peer of this.peers) peer.reachable = new Set([...peer.reachable, ...added])
    return added
  }

  keyOf(peer: PeerId): Uint8Array | undefined {
    if (this.#strangers.has(peer)) return STRANGER.signingPublic
    return this.peers.find(({ id }) => id === peer)?.identity.signingPublic
  }

  endpointsOf(peer: PeerId): Endpoint[] {
    return this.peers.filter(({ id }) => id === peer).map(({ endpoint }) => endpoint)
  }

  run(forMs: number): void {
    this.clock.runTo(this.clock.now + forMs)
  }

  /** How long it took; undefined when it did not come true within the limit. */
  until(isSo: () => boolean, limitMs: number, lookMs = 10): Millis | undefined {
    const begun = this.clock.now
    for (; this.clock.now - begun <= limitMs; this.run(lookMs)) if (isSo()) return this.clock.now - begun
    return undefined
  }

  route(from: PathPeer, to: PeerId, body: Uint8Array): boolean {
    const peer = this.peers.find(({ id }) => id === to)
    if (!this.hasLinks) return false
    if (this.losesHandshakes) return true
    this.clock.after(LATENCY_MS, () => peer?.input(now => peer.paths.handleHandshake(from.id, body, now)))
    return true
  }

  /** Over the link between two neighbours, if there is one. */
  handed(from: PathPeer, to: PeerId, bundle: Uint8Array): void {
    const peer = this.peers.find(({ id }) => id === to)
    if (peer === undefined || !from.neighbours.has(to) || !this.hasLinks) return
    this.clock.after(LATENCY_MS, () => {
      peer.plane.order({ op: 'inject-datagrams', peerIndex: 1 + this.peers.indexOf(from), bundle })
      peer.plane.pump(this.clock.now)
    })
  }

  datagram(from: PathPeer, bytes: Uint8Array, to: { readonly ip: Uint8Array; readonly port: number }): void {
    const peer = this.peers.find(({ endpoint }) => endpoint === endpointOf(to.ip, to.port))
    if (peer === undefined || !this.carries(from, peer)) return
    this.clock.after(LATENCY_MS, () => {
      peer.plane.engine.receiveDatagram(bytes, endpointParts(from.endpoint))
      peer.plane.pump(this.clock.now)
    })
  }
}
