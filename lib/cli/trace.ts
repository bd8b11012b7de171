import type { ApiClient, PingAnswer, PeerRouteView } from '../api/mod.ts'
import { duration } from './table.ts'
import { peerName } from './render.ts'
import { renderMilliseconds, renderRttClass, renderVia, renderWay } from './render-ways.ts'

/** What a trace is made of, as `trace --json` prints it. */
export interface Trace {
  readonly route: PeerRouteView
  /** The peers on the way, each with the answers to pings of its own. */
  readonly hops: readonly { readonly rttClass: number | null; readonly answers: readonly PingAnswer[] }[]
}

const PINGS_PER_HOP = 3

/**
 * Asks each peer on the way for some answers, one hop after the other.
 *
 * @throws WeaveError PEER_UNKNOWN and others
 */
export async function tracePeer(client: Pick<ApiClient, 'call'>, name: string, timeoutSeconds: number): Promise<Trace> {
  const { peer } = await client.call('ping', { peer: name, timeoutSeconds })
  const { routes } = await client.call('routes')
  const found = routes.find(route => route.peer.id === peer.id)
  // It was known a moment ago; without a way it is asked itself.
  const route: PeerRouteView = found ?? {
    ...{ peer, isReachable: false, kind: 'idle', endpoint: null, via: null, rttMs: null, way: [], cost: null },
    why: 'it is not known any more',
  }
  const way = route.way.length === 0 ? [{ peer, rttClass: null }] : route.way
  const hops: Trace['hops'][number][] = []
  for (const hop of way) {
    const answers: PingAnswer[] = []
    for (let i = 0; i < PINGS_PER_HOP; i++)
      answers.push(await client.call('ping', { peer: hop.peer.id, timeoutSeconds }))
    hops.push({ rttClass: hop.rttClass, answers })
  }
  return { route, hops }
}

/** Whether the far end answered. */
export function isTraced({ hops }: Trace): boolean {
  return hops.at(-1)?.answers.some(({ isAnswered }) => isAnswered) ?? false
}

export function renderTrace({ route, hops }: Trace): string {
  const cost = route.cost === null ? '' : `, cost ${route.cost} (in units of 4 ms)`
  const lines = [`${peerName(route.peer)} by the way of ${renderWay(route)}${cost}`, `   ${route.why}`]
  hops.forEach(({ rttClass, answers }, i) => {
    const last = answers.at(-1)
    if (last === undefined) return
    const times = answers.map(({ rttMs }) => (rttMs === null ? '*' : renderMilliseconds(rttMs))).join('  ')
    const edge = rttClass === null ? '' : `  edge ${renderRttClass(rttClass)}`
    lines.push(`${String(i + 1).padStart(2)}  ${peerName(last.peer)}  ${times}${edge}`, `      ${stateOf(last)}`)
  })
  return lines.join('\n')
}

/** The path from here to the hop. */
function stateOf({ path, why }: PingAnswer): string {
  if (path === null) return `no path: ${why ?? '?'}`
  const keys = path.keyAgeSeconds === null ? '' : `, keys ${duration(path.keyAgeSeconds)} old`
  const reason = path.kind === 'direct' ? '' : `: ${path.why ?? ''}`
  return `${renderVia(path)}, ${path.cipher ?? 'no keys'}${keys}${reason}${why === null ? '' : ` (${why})`}`
}
