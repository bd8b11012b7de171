import type { PathView, PeerRef, PeerRouteView } from '../api/mod.ts'
import { TCP_RTT_CLASS } from '../topology/mod.ts'
import { peerName } from './render.ts'
import { tabled } from './table.ts'

/** A time on the way, with as many digits as say something. */
export function renderMilliseconds(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** What is known to whole milliseconds. */
export function renderWholeMilliseconds(ms: number): string {
  return ms < 1 ? '<1 ms' : `${Math.round(ms)} ms`
}

/** As `tailscale ping` says it. */
export function renderVia(path: Pick<PathView, 'kind' | 'endpoint' | 'via'> | null): string {
  if (path?.kind === 'direct') return `direct ${path.endpoint ?? ''}`
  if (path?.kind === 'relayed' && path.via !== null) return `relay ${peerName(path.via)}`
  return path?.kind === 'tcp' ? 'over TCP' : 'no path'
}

/** The peers from here to there. */
export function renderWay({ peer, way }: Pick<PeerRouteView, 'peer' | 'way'>): string {
  return way.length === 0 ? `? ${peerName(peer)}` : way.map(hop => peerName(hop.peer)).join(' > ')
}

/** The bounds of an RTT class, as peers tell them to each other. */
export function renderRttClass(rttClass: number): string {
  if (rttClass === TCP_RTT_CLASS) return 'TCP'
  const lowest = 4 * 2 ** (rttClass - 1)
  return rttClass === 0 ? '<4 ms' : `${lowest}-${2 * lowest} ms`
}

const KINDS: Readonly<Record<PeerRouteView['kind'], string>> = {
  direct: 'direct',
  relayed: 'relayed',
  tcp: 'over TCP',
  none: 'no path',
  idle: 'idle',
}

const HEADINGS = ['PEER', 'PATH', 'NEXT HOP', 'RTT', 'CLASS', 'WAY', 'WHY']

/** One line for each peer, below a line of headings; of a way that is no single hop the classes of all its hops. */
export function renderRoutes(routes: readonly PeerRouteView[]): string {
  if (routes.length === 0) return ''
  const rows = routes.map(route => [
    peerName(route.peer),
    KINDS[route.kind],
    nextHop(route),
    route.rttMs === null ? '-' : renderWholeMilliseconds(route.rttMs),
    route.way.map(hop => renderRttClass(hop.rttClass)).join(' + ') || '-',
    renderWay(route),
    route.why,
  ])
  return tabled([HEADINGS, ...rows]).join('\n')
}

function nextHop({ kind, endpoint, way, via }: PeerRouteView): string {
  const hop: PeerRef | undefined = via ?? way[0]?.peer
  if (kind === 'direct') return endpoint ?? '-'
  return hop === undefined ? '-' : peerName(hop)
}
