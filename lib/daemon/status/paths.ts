import type { PeerId } from '../../address/mod.ts'
import type { PathView } from '../../api/mod.ts'
import { adviceText, type Millis } from '../../base/mod.ts'
import type { DataPathReport, NodeReport } from '../../node/mod.ts'
import { smallPathAdvice, udpAdvice, type SmallPathView } from '../../doctor/mod.ts'
import { few } from '../few.ts'
import type { Names } from './names.ts'

/** A handshake and the first probes may take so long. */
const PATH_WARNING_MS = 10_000

/**
 * Peers of the mesh that a link leads to, or that are reached through others, and to which no data gets through; for
 * people. Between peers of which one has not joined yet there is no data to be missed.
 */
export function pathWarnings(
  { paths, neighbours, peers, self, mesh }: Pick<NodeReport, 'paths' | 'neighbours' | 'peers' | 'self' | 'mesh'>,
  names: Names,
  now: Millis,
): string[] {
  const members = new Set(peers.filter(({ info }) => info !== undefined).map(({ peerId }) => peerId))
  const linked = new Set(neighbours.map(({ peerId }) => peerId))
  const reachable = new Set(peers.filter(({ isReachable }) => isReachable).map(({ peerId }) => peerId))
  const lines = paths.flatMap(({ peerId, state, unusableSince, isOnDemand }) => {
    const isOfMesh = mesh.id !== undefined && members.has(peerId)
    const isMissed = isOfMesh && (linked.has(peerId) || (reachable.has(peerId) && !isOnDemand))
    if (state.kind !== 'none' || unusableSince === undefined || !isMissed) return []
    const forMs = now - unusableSince
    if (forMs < PATH_WARNING_MS) return []
    const link = linked.has(peerId) ? 'the control link is up' : 'it is reached through others'
    return [
      `no data gets through to ${names.short(peerId)} for ${Math.floor(forMs / 1000)} s, though ${link}: ${state.why}; ${udpAdvice(self.port)}`,
    ]
  })
  return few(lines, more => `no data gets through to ${more} more peers`)
}

/** Peers to which data goes over the control link, because UDP does not get through; for people. */
export function tcpWarnings({ paths, self }: Pick<NodeReport, 'paths' | 'self'>, names: Names): string[] {
  const lines = paths.flatMap(({ peerId, state }) =>
    state.kind === 'tcp'
      ? [
          `data to ${names.short(peerId)} goes over TCP, which is slower: ${state.why}; nobody relays; ${udpAdvice(self.port)}`,
        ]
      : [],
  )
  return few(lines, more => `data to ${more} more peers goes over TCP`)
}

/** The data paths of a report by their far ends; null where there is none. */
export function pathViews({ paths }: NodeReport, names: Names): (peer: PeerId) => PathView | null {
  const views = new Map(paths.map(path => [path.peerId, pathView(path, names)]))
  return peer => views.get(peer) ?? null
}

export function pathView(
  { state, cipher, epochAgeMs, lossPercent, size }: DataPathReport,
  names: Pick<Names, 'ref'>,
): PathView {
  return {
    kind: state.kind,
    endpoint: state.kind === 'direct' ? state.endpoint : null,
    via: state.kind === 'relayed' ? names.ref(state.via) : null,
    rttMs: state.kind === 'none' ? null : state.rttMs,
    cipher: cipher ?? null,
    keyAgeSeconds: epochAgeMs === undefined ? null : Math.floor(epochAgeMs / 1000),
    lossPercent: lossPercent ?? null,
    mtu: size?.mtu ?? null,
    carries: size?.carries ?? null,
    why: state.kind === 'direct' ? null : state.why,
  }
}

/** Paths that carry less than the overlay lets containers send, once that is known. */
export function smallPaths(
  { paths }: Pick<NodeReport, 'paths'>,
  names: Pick<Names, 'ref'>,
  overlayMtu: number,
): SmallPathView[] {
  return paths.flatMap(({ peerId, size }) => {
    if (size === undefined || size.phase === 'base' || size.phase === 'searching') return []
    const { mtu, carries, phase } = size
    return carries < overlayMtu ? [{ peer: names.ref(peerId), mtu, carries, isLost: phase === 'error' }] : []
  })
}

/** What the paths carry that were measured. */
export function carriedSizes({ paths }: Pick<NodeReport, 'paths'>): number[] {
  return paths.flatMap(({ size }) => (size?.phase === 'complete' ? [size.carries] : []))
}

/** The same for people. */
export function pathSizeWarnings(report: Pick<NodeReport, 'paths'>, names: Names, overlayMtu: number): string[] {
  const lines = smallPaths(report, names, overlayMtu).map(path => adviceText(smallPathAdvice(path, overlayMtu)))
  return few(lines, more => `so have ${more} more paths`)
}
