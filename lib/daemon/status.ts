import { cidrSize, formatIpv4, formatMac, lastAddress, parseCidr, shortPeerId, type PeerId } from '../address/mod.ts'
import type { ConnectionView, IpamView, PathView, PeerRef, PeerView, Report, Status, TargetView } from '../api/mod.ts'
import { WeaveError, toHex, type Millis } from '../base/mod.ts'
import type { IpamReport } from '../ipam/mod.ts'
import type { DialTarget, Node } from '../node/mod.ts'
import { MAC_LOCAL, type MacEntry } from '../overlay/mod.ts'
import { PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN } from '../peer/mod.ts'

/** What the daemon knows besides the node. */
export interface DaemonFacts {
  readonly version: string
  readonly stateDir: string
  readonly startedAt: Millis
  readonly hasSecret: boolean
  readonly bridge: string
  readonly device: string
  readonly mtu: number
  readonly mac: string
  readonly warnings: readonly string[]
}

export interface EngineFacts {
  readonly offloads: Record<string, boolean>
  readonly counters: Record<string, number>
  readonly macs: readonly MacEntry[]
}

export function statusOf(node: Node, facts: DaemonFacts, now: Millis): Status {
  const { config } = node
  const ipamReport = node.addresses.report()
  const ipam = ipamView(node, ipamReport, now)
  const waiting = ipam.state === 'waiting' && ipam.reason !== null ? [`${ipam.reason}${trouble(node)}`] : []
  return {
    version: facts.version,
    pid: process.pid,
    uptimeSeconds: Math.floor((now - facts.startedAt) / 1000),
    isReady: node.meshId !== undefined && ipam.state === 'ready',
    stateDir: facts.stateDir,
    protocol: { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION_MAX },
    mesh: { id: node.meshId === undefined ? null : toHex(node.meshId), isPristine: node.isPristine },
    peer: { id: config.identity.peerId, nickname: config.nickname, incarnation: toHex(config.incarnation) },
    port: config.port,
    encryption: facts.hasSecret ? 'secret' : 'open',
    isDiscovering: config.isDiscovering,
    connections: connectionViews(node, facts, now),
    peers: peerViews(node, now),
    targets: node.dialler.targets
      .filter(target => target.origin === 'configured')
      .map(target => targetView(node, target, now)),
    ipam,
    overlay: { bridge: facts.bridge, device: facts.device, mtu: facts.mtu, mac: facts.mac },
    warnings: [...facts.warnings, ...rangeWarnings(node, ipamReport)],
    waiting,
  }
}

export function reportOf(node: Node, facts: DaemonFacts, engine: EngineFacts, now: Millis): Report {
  const { view } = node
  const owners = node.ledger.owners()
  const nowSeconds = Math.floor(now / 1000)
  return {
    ...statusOf(node, facts, now),
    macs: engine.macs.map(({ mac, peer, lastSeenSeconds }) => {
      const id = peer === MAC_LOCAL ? node.config.identity.peerId : view.peerAt(peer)
      return {
        mac: formatMac(mac),
        peer: id === undefined ? null : refOf(node, id),
        secondsAgo: nowSeconds - lastSeenSeconds,
      }
    }),
    routes: [...view.dataRoutes].map(([to, route]) => ({
      destination: refOf(node, to),
      via: refOf(node, route.nextHop),
    })),
    broadcastTree: [...view.children].map(([source, children]) => ({
      source: refOf(node, source),
      children: children.map(child => refOf(node, child)),
    })),
    engine: { offloads: engine.offloads, counters: engine.counters },
    drops: Object.fromEntries([...node.drops, ...node.ledger.drops]),
    ledger: {
      owners: owners.length,
      records: owners.reduce((sum, owner) => sum + owner.records, 0),
      bytes: owners.reduce((sum, owner) => sum + owner.bytes, 0),
    },
  }
}

/** Why there is no mesh yet: what the first target that failed said last. */
function trouble(node: Node): string {
  if (node.meshId !== undefined) return ''
  const target = node.dialler.targets.find(one => one.origin === 'configured' && one.lastError !== undefined)
  return target === undefined ? '' : `; ${target.text}: ${target.lastError ?? ''}`
}

/** An address that nobody could give because this peer has not joined: says why it has not. */
export function explained(error: unknown, node: Node): unknown {
  if (!(error instanceof WeaveError) || error.code !== 'IPAM_WAITING') return error
  const why = trouble(node)
  if (why === '') return error
  return new WeaveError(
    error.code,
    `${error.message}${why}`,
    '`weave-ts status connections` shows all attempts; mend that first.',
  )
}

function refOf(node: Node, id: PeerId): PeerRef {
  return { id, nickname: node.view.nicknameOf(id) }
}

function pathView(node: Node, id: PeerId, now: Millis): PathView | null {
  const path = node.paths.path(id)
  if (path === undefined) return null
  const { state } = path
  const session = path.session.report(now)
  return {
    kind: state.kind,
    endpoint: state.kind === 'direct' ? state.endpoint : null,
    via: state.kind === 'relayed' ? refOf(node, state.via) : null,
    rttMs: state.kind === 'none' ? null : state.rttMs,
    cipher: session.cipher ?? null,
    keyAgeSeconds: session.epochAgeMs === undefined ? null : Math.floor(session.epochAgeMs / 1000),
    why: state.kind === 'direct' ? null : state.why,
  }
}

function connectionViews(node: Node, facts: DaemonFacts, now: Millis): ConnectionView[] {
  const views: ConnectionView[] = []
  const idle = { peer: null, rttMs: null, path: null, mtu: null }
  for (const { connection, endpoint, isOutbound, peerId } of node.neighbours.connections) {
    const neighbour = peerId === undefined ? undefined : node.neighbours.neighbour(peerId)
    const direction = isOutbound ? 'outbound' : 'inbound'
    if (peerId === undefined || neighbour?.connection !== connection) {
      views.push({
        ...idle,
        direction,
        address: endpoint,
        state: 'connecting',
        info: 'handshake',
        error: null,
        retryInSeconds: null,
      })
      continue
    }
    const path = pathView(node, peerId, now)
    const name = `${shortPeerId(peerId)}(${neighbour.hello.nickname})`
    const isUp = path?.kind === 'direct'
    views.push({
      direction,
      address: endpoint,
      state: isUp ? 'established' : 'pending',
      peer: { id: peerId, nickname: neighbour.hello.nickname },
      info: `${isUp ? `encrypted udp ${path.cipher ?? ''}` : 'no data path'} ${name}${isUp ? '' : `: ${path?.why ?? 'no session yet'}`}`,
      error: isUp ? null : (path?.why ?? 'no session yet'),
      retryInSeconds: null,
      rttMs: neighbour.rttMs ?? null,
      path,
      mtu: facts.mtu,
    })
  }
  const { targets } = node.dialler
  const named = new Set(targets.filter(target => target.origin === 'configured').map(target => target.peerId))
  for (const target of targets) {
    if (target.origin === 'discovered' && named.has(target.peerId)) continue
    if (target.state === 'connected' || target.state === 'handshake') continue
    const isNeighbour = target.peerId !== undefined && node.neighbours.neighbour(target.peerId) !== undefined
    if (isNeighbour) continue
    const info = target.lastError ?? (target.state === 'waiting' ? 'waiting for its turn' : target.state)
    const name =
      target.origin === 'discovered' && target.peerId !== undefined
        ? ` ${shortPeerId(target.peerId)}(${node.view.nicknameOf(target.peerId)})`
        : ''
    views.push({
      ...idle,
      direction: 'outbound',
      address: target.endpoint ?? target.text,
      state:
        target.state === 'ourself'
          ? 'failed'
          : target.state !== 'waiting' || target.lastError === undefined
            ? 'connecting'
            : target.attempts > 1
              ? 'retrying'
              : 'failed',
      peer: target.peerId === undefined ? null : refOf(node, target.peerId),
      info: info + name,
      error: target.lastError ?? null,
      retryInSeconds: target.retryAt === undefined ? null : Math.max(0, (target.retryAt - now) / 1000),
    })
  }
  for (const failed of node.neighbours.failedInbound(now))
    views.push({
      ...idle,
      direction: 'inbound',
      address: failed.endpoint,
      state: 'failed',
      info: failed.error,
      error: failed.error,
      retryInSeconds: null,
    })
  return views
}

function peerViews(node: Node, now: Millis): PeerView[] {
  const { view, config } = node
  const self = config.identity.peerId
  const ownLinks = node.neighbours.neighbours.map(neighbour => ({
    direction: neighbour.isOutbound ? ('outbound' as const) : ('inbound' as const),
    address: neighbour.endpoint as string,
    peer: { id: neighbour.peerId as string, nickname: neighbour.hello.nickname },
    state: node.paths.isDirect(neighbour.peerId) ? ('established' as const) : ('pending' as const),
  }))
  const own: PeerView = {
    id: self,
    nickname: config.nickname,
    isSelf: true,
    version: config.software,
    incarnation: toHex(config.incarnation),
    isReachable: true,
    path: null,
    connections: ownLinks,
  }
  const others = [...view.peers].map(peer => ({
    ...refOf(node, peer.id),
    isSelf: false,
    version: peer.info?.softwareVersion ?? '?',
    incarnation: peer.info?.incarnation ?? '',
    isReachable: view.reachable.has(peer.id),
    path: pathView(node, peer.id, now),
    connections: peer.links.map(link => ({
      direction: link.isOutbound ? ('outbound' as const) : ('inbound' as const),
      address: link.endpoint ?? '?',
      peer: refOf(node, link.neighbour),
      state: link.isDataUp ? ('established' as const) : ('pending' as const),
    })),
  }))
  return [own, ...others.sort((a, b) => (a.id < b.id ? -1 : 1))]
}

function targetView(node: Node, target: DialTarget, now: Millis): TargetView {
  return {
    target: target.text,
    state:
      target.peerId !== undefined && node.neighbours.neighbour(target.peerId) !== undefined
        ? 'connected'
        : target.state,
    address: target.endpoint ?? null,
    peer: target.peerId === undefined ? null : refOf(node, target.peerId),
    error: target.lastError ?? null,
    retryInSeconds: target.retryAt === undefined ? null : Math.max(0, (target.retryAt - now) / 1000),
  }
}

function ipamView(node: Node, report: IpamReport, now: Millis): IpamView {
  const range = parseCidr(report.range)!
  const total = cidrSize(range)
  return {
    state: report.state,
    reason: report.reason ?? null,
    range: `${report.range} (${formatIpv4(range.address)}-${formatIpv4(lastAddress(range))})`,
    rangeAddresses: total,
    defaultSubnet: report.defaultSubnet,
    blockPrefix: report.blockPrefix,
    activeAddresses: report.leases.length,
    owners: report.perPeer.map(owner => ({
      peer: refOf(node, owner.peer),
      isSelf: owner.peer === node.config.identity.peerId,
      addresses: owner.addresses,
      percent: (owner.addresses / total) * 100,
      isReachable: owner.isReachable,
    })),
    pending: report.pending.map(pending => ({
      container: pending.container,
      seconds: Math.floor((now - pending.since) / 1000),
      reason: pending.reason,
    })),
    disputed: report.disputed.map(dispute => ({
      container: dispute.container,
      address: dispute.cidr,
      owner: dispute.owner === undefined ? null : refOf(node, dispute.owner),
    })),
  }
}

function rangeWarnings(node: Node, { otherRanges }: IpamReport): string[] {
  return otherRanges.map(
    ({ peer, range }) =>
      `peer ${shortPeerId(peer)}(${node.view.nicknameOf(peer)}) manages another range (${range}): launch all peers with the same --ipalloc-range`,
  )
}
