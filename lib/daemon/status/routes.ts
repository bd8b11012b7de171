import type { PeerId } from '../../address/mod.ts'
import type { PeerRef, PeerRouteView } from '../../api/mod.ts'
import { counted } from '../../base/mod.ts'
import type { PeerWay } from '../../node/mod.ts'

/** Why data goes to a peer as it does, where nothing is in the way. */
export const WHY_DIRECT = 'its endpoint answers: no peer is between'

/** One way for people. */
export function routeView(way: PeerWay, ref: (peer: PeerId) => PeerRef): PeerRouteView {
  const { state, hops } = way
  const relay = state?.kind === 'relayed' ? state.via : hops.length > 1 ? hops[0]!.peer : undefined
  return {
    peer: ref(way.peer),
    isReachable: way.isReachable,
    kind: state?.kind ?? 'idle',
    endpoint: state?.kind === 'direct' ? state.endpoint : null,
    via: state?.kind === 'direct' || relay === undefined ? null : ref(relay),
    rttMs: state === undefined || state.kind === 'none' ? null : state.rttMs,
    way: hops.map(({ peer, rttClass }) => ({ peer: ref(peer), rttClass })),
    cost: way.cost ?? null,
    why: whyOf(way),
  }
}

function whyOf({ state, hops, cost, leastCost, isReachable }: PeerWay): string {
  if (state?.kind === 'direct') return WHY_DIRECT
  const choice = choiceOf(hops.length, cost, leastCost)
  if (state?.kind === 'relayed') return `not direct: ${state.why}; ${choice}`
  if (state?.kind === 'tcp') return `over the control link (TCP), for nobody relays: ${state.why}`
  if (state?.kind === 'none') return `no path yet: ${state.why}`
  if (!isReachable) return 'no link leads to it'
  if (hops.length === 0) return 'no data path leads to it'
  return `no session now: one is made when there are frames for it; ${choice}`
}

function choiceOf(hops: number, cost: number | undefined, leastCost: number | undefined): string {
  if (cost === undefined || leastCost === undefined || hops === 0) return 'the way beyond the relay is not known'
  const way = `${counted(hops, 'hop')}, cost ${cost}`
  return cost > leastCost
    ? `kept (${way}), though one costs ${leastCost}: a way is left for one that costs a fifth less`
    : `the cheapest of the ways through others (${way})`
}
