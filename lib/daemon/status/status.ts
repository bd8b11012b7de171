import { formatMac } from '../../address/mod.ts'
import { SCHEMA_VERSION, type Report, type Status } from '../../api/mod.ts'
import { adviceText, type Advice, type Millis } from '../../base/mod.ts'
import type { NodeReport, PastReport } from '../../node/mod.ts'
import { MAC_LOCAL, type MacEntry } from '../../overlay/mod.ts'
import { PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN } from '../../peer/mod.ts'
import { aloneWarnings } from './alone.ts'
import { connectionViews } from './connections.ts'
import { electionOf } from './election.ts'
import { floodOriginAdvice } from './flood-origins.ts'
import { floodAdvice } from './floods.ts'
import { impostureAdvice } from './impostures.ts'
import { macConflictAdvice } from './mac-conflicts.ts'
import { disputeAdvice } from './disputes.ts'
import { twiceGiverAdvice, ipamView, rangeAdvice } from './ipam.ts'
import { memberEndpoints } from './member-endpoints.ts'
import { Names } from './names.ts'
import { pastDoubts, pastAdvice } from './past.ts'
import { pathSizeWarnings, pathViews, pathWarnings, tcpWarnings } from './paths.ts'
import { peerViews, unshownWarnings, targetViews } from './peers.ts'
import { ownRemovalWarnings } from './own-removals.ts'
import { refusalWarnings, secretCause, secretWarnings } from './trouble.ts'

/** What the daemon knows besides the node. */
export interface DaemonFacts {
  readonly version: string
  readonly pid: number
  readonly stateDir: string
  readonly startedAt: Millis
  readonly hasSecret: boolean
  /** Of the overlay, in bytes. */
  readonly mtu: number
}

export interface DataPlaneFacts {
  readonly offloads: Readonly<Record<string, boolean>>
  readonly counters: Readonly<Record<string, number>>
  readonly macs: readonly MacEntry[]
  /** Connections refused before the node heard of them, by reason. */
  readonly refused: Readonly<Record<string, number>>
}

/** What of a Status follows from the node; the rest is the services'. */
export type NodeStatus = Omit<
  Status,
  'overlay' | 'exposed' | 'dns' | 'docker' | 'driver' | 'launchOptions' | 'endpoints' | 'readers'
>
/** What of a Report is not in a Status. */
export type NodeDetails = Omit<Report, keyof Status>

/** `now` and `startedAt` are of the clock of the report. */
export function statusOf(report: NodeReport, facts: DaemonFacts, now: Millis): NodeStatus {
  const { self, mesh } = report
  const names = new Names(report)
  const pathTo = pathViews(report, names)
  const ipam = ipamView(report, names, now)
  const election = electionOf(report, names)
  const cause = secretCause(report)
  const isCaused = cause !== undefined && ipam.reason !== null
  const reason = election.wait ?? (isCaused ? `${ipam.reason}; ${cause}` : ipam.reason)
  return {
    schemaVersion: SCHEMA_VERSION,
    version: facts.version,
    pid: facts.pid,
    uptimeSeconds: Math.floor((now - facts.startedAt) / 1000),
    isReady: mesh.id !== undefined && ipam.state === 'ready',
    stateDir: facts.stateDir,
    protocol: { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION_MAX },
    mesh: {
      id: mesh.id ?? null,
      isPristine: mesh.isPristine,
      founding: election.state,
      ipv6Prefix: mesh.ipv6Prefix ?? null,
      isUnused: mesh.isUnused,
    },
    peer: { id: self.peerId, nickname: self.nickname, incarnation: self.incarnation },
    port: self.port,
    memberEndpoints: memberEndpoints(report),
    encryption: facts.hasSecret ? 'secret' : 'open',
    isDiscovering: self.isDiscovering,
    links: { count: report.neighbours.length, limit: self.linksMax === 0 ? null : self.linksMax },
    connections: connectionViews(report, names, pathTo, now),
    peers: peerViews(report, names, pathTo),
    targets: targetViews(report, names, now),
    ipam,
    warnings: [
      ...secretWarnings(report),
      ...refusalWarnings(report),
      ...ownRemovalWarnings(report, names, now),
      ...aloneWarnings(report, now - facts.startedAt),
      ...pathWarnings(report, names, now),
      ...tcpWarnings(report, names),
      ...pathSizeWarnings(report, names, facts.mtu),
      ...[...pastAdvice(report), ...addressAndFrameAdvice(report, names)].map(adviceText),
      ...unshownWarnings(report),
    ],
    waiting: reason === null ? [] : [reason],
  }
}

function addressAndFrameAdvice(report: NodeReport, names: Names): Advice[] {
  return [
    ...rangeAdvice(report, names),
    ...disputeAdvice(report, names),
    ...twiceGiverAdvice(report, names),
    ...impostureAdvice(report, names),
    ...floodOriginAdvice(report, names),
    ...macConflictAdvice(report, names),
    ...floodAdvice(report, names),
  ]
}

/** What is warned of, and no check of lib/doctor is about. */
export function uncheckedAdvice(report: NodeReport, names: Names): Advice[] {
  const past = report.parts['past'] as PastReport | undefined
  return [...(past === undefined ? [] : pastDoubts(past)), ...addressAndFrameAdvice(report, names)]
}

/** What `report` shows besides the status. */
export function detailsOf(report: NodeReport, plane: DataPlaneFacts, now: Millis): NodeDetails {
  const names = new Names(report)
  const byIndex = new Map(report.peers.map(peer => [peer.index, peer.peerId]))
  const refused = Object.entries(plane.refused).filter(([, count]) => count > 0)
  return {
    macs: plane.macs.map(({ mac, peer, lastSeenSeconds }) => ({
      mac: formatMac(mac),
      peer: names.refOrNull(peer === MAC_LOCAL ? report.self.peerId : byIndex.get(peer)),
      secondsAgo: Math.floor(now / 1000) - lastSeenSeconds,
    })),
    routes: report.routes.map(({ destination, nextHop }) => ({
      destination: names.ref(destination),
      via: names.ref(nextHop),
    })),
    broadcastTree: report.tree.map(({ peer, children }) => ({
      peer: names.ref(peer),
      children: children.map(child => names.ref(child)),
    })),
    engine: { offloads: { ...plane.offloads }, counters: { ...plane.counters } },
    drops: {
      ...report.drops,
      ...Object.fromEntries(refused.map(([reason, count]) => [`link-refused-${reason}`, count])),
    },
    ledger: report.ledger,
  }
}
