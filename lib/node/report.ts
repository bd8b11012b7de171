import { formatMeshPrefix, meshPrefixOf, type Endpoint, type PeerId } from '../address/mod.ts'
import { equalBytes, toHex, type Millis } from '../base/mod.ts'
import type { IpamReport } from '../ipam/mod.ts'
import { treeBranches, type LinkClaim, type PeerInfo, type TreeBranch } from '../topology/mod.ts'
import type { Contact } from './contact.ts'
import type { ElectionReport } from './election-report.ts'
import { NO_MESH } from './membership.ts'
import type { FailedInbound } from './failed-inbounds.ts'
import type { ConnectionState } from './neighbour.ts'
import type { MeshView } from './mesh-view.ts'
import type { Node } from './node.ts'
import type { DataPathReport } from './path-state.ts'
import { REPORTED_LINKS_MAX } from './constants.ts'

/** A whole node as plain data: what status, metrics and diagnostics are made of. Times are of the node's clock. */
export interface NodeReport {
  readonly self: {
    readonly peerId: PeerId
    readonly nickname: string
    /** 16 hex characters. */
    readonly incarnation: string
    /** TCP and UDP. */
    readonly port: number
    readonly software: string
    readonly isDiscovering: boolean
    /** Most links that it may have; 0 for no limit. */
    readonly linksMax: number
    /** It holds no address blocks, and founds no mesh. */
    readonly isEphemeral?: boolean
  }
  readonly mesh: {
    /** 32 hex characters; undefined while no mesh was founded or joined. */
    readonly id: string | undefined
    readonly isPristine: boolean
    /** As in `fd12:3456:789a::/48`: that of all IPv6 addresses of the mesh. */
    readonly ipv6Prefix: string | undefined
    readonly isUnused: boolean
    /** The only mesh that this peer may come into, 32 hex characters; undefined for any. */
    readonly invitedTo?: string | undefined
    /** How far the decision is who founds; undefined where none was asked for. */
    readonly election?: ElectionReport | undefined
  }
  /** Control connections of any state. */
  readonly connections: readonly ConnectionReport[]
  readonly neighbours: readonly NeighbourReport[]
  readonly failedInbound: readonly FailedInbound[]
  readonly contacts: readonly Contact[]
  /** All other peers that are known of, the nearest first, those that nobody reaches last. */
  readonly peers: readonly PeerReport[]
  /** Peers that `rmpeer` removed, and that are not known any more. */
  readonly removed: readonly { readonly peerId: PeerId; readonly nickname: string }[]
  /** First hops over proved data paths. */
  readonly routes: readonly { readonly destination: PeerId; readonly nextHop: PeerId }[]
  /** Who passes on to whom what is flooded from here. */
  readonly tree: readonly TreeBranch[]
  readonly paths: readonly PathReport[]
  readonly ipam: IpamReport
  readonly ledger: { readonly owners: number; readonly records: number; readonly bytes: number }
  /** Foreign input that was dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>
  /** What the parts of a node report besides, under their names. */
  readonly parts: Readonly<Record<string, unknown>>
}

export interface ConnectionReport extends ConnectionState {
  /** It is the link to this neighbour. */
  readonly isUp: boolean
}

export interface NeighbourReport {
  readonly connection: number
  readonly peerId: PeerId
  readonly nickname: string
  readonly endpoint: Endpoint
  readonly isOutbound: boolean
  readonly upAt: Millis
  readonly rttMs: number | undefined
  /** It is of a mesh, or was when the link was made. */
  readonly hasMesh: boolean
}

export interface PeerReport {
  readonly peerId: PeerId
  /** The small number that the lanes and the engine know it by. */
  readonly index: number
  /** `?` while unknown. */
  readonly nickname: string
  readonly info: PeerInfo | undefined
  readonly links: readonly LinkClaim[]
  /** Its links are left out, because those of nearer peers are REPORTED_LINKS_MAX already. */
  readonly isAbridged: boolean
  /** Over control links. */
  readonly isReachable: boolean
}

export interface PathReport extends DataPathReport {
  /** It ends when it has carried nothing for long. */
  readonly isOnDemand: boolean
  /** Since when nothing gets through; undefined while something does. */
  readonly unusableSince: Millis | undefined
}

/** That of the IPv6 addresses of the mesh, as 6 bytes; undefined while there is no mesh. */
export function ipv6PrefixOf({ meshId, config: { suite } }: Pick<Node, 'meshId' | 'config'>): Uint8Array | undefined {
  return meshId && meshPrefixOf(meshId, (bytes, length) => suite.hash(bytes, length))
}

/** Gathers the report from the parts of a node. */
export function reportOf(node: Node, now: Millis): Omit<NodeReport, 'parts'> {
  const { config, meshId, neighbours, view } = node
  const owners = node.ledger.owners()
  const ipv6Prefix = ipv6PrefixOf(node)
  return {
    self: {
      peerId: config.identity.peerId,
      nickname: config.nickname,
      incarnation: toHex(config.incarnation),
      port: config.port,
      software: config.software,
      isDiscovering: config.isDiscovering,
      linksMax: config.linksMax,
      isEphemeral: config.isEphemeral === true,
    },
    mesh: {
      id: meshId === undefined ? undefined : toHex(meshId),
      isPristine: node.use.isPristine,
      ipv6Prefix: ipv6Prefix && formatMeshPrefix(ipv6Prefix),
      isUnused: node.use.isUnused,
      invitedTo: config.onlyMesh && toHex(config.onlyMesh),
      election: node.election(now),
    },
    connections: neighbours.connections.map(one => ({
      ...one,
      isUp: one.peerId !== undefined && neighbours.neighbour(one.peerId)?.connection === one.connection,
    })),
    neighbours: neighbours.neighbours.map(({ connection, peerId, hello, endpoint, isOutbound, upAt, rttMs }) => ({
      connection,
      peerId,
      nickname: hello.nickname,
      endpoint,
      isOutbound,
      upAt,
      rttMs,
      hasMesh: !equalBytes(hello.meshId, NO_MESH),
    })),
    failedInbound: neighbours.failedInbound(now),
    contacts: node.dialler.contacts,
    peers: peerReports(view),
    removed: [...node.addresses.removed].map(([peerId, nickname]) => ({ peerId, nickname })),
    routes: [...view.dataRoutes].map(([destination, { nextHop }]) => ({ destination, nextHop })),
    tree: treeBranches(view.tree, config.identity.peerId),
    paths: node.paths.report(now),
    ipam: node.addresses.ipam.report(),
    ledger: {
      owners: owners.length,
      records: owners.reduce((sum, owner) => sum + owner.records, 0),
      bytes: owners.reduce((sum, owner) => sum + owner.bytes, 0),
    },
    drops: Object.fromEntries([...node.drops, ...node.ledger.drops]),
  }
}

function peerReports(view: MeshView): PeerReport[] {
  let left = REPORTED_LINKS_MAX
  return view.nearestPeers().map(peer => {
    const { id, index, info, linkCount } = peer
    const isAbridged = linkCount > left
    if (!isAbridged) left -= linkCount
    const links = isAbridged ? [] : peer.links
    const isReachable = view.reachable.has(id)
    return { peerId: id, index, nickname: view.nicknameOf(id), info, links, isAbridged, isReachable }
  })
}
