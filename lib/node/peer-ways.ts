import type { PeerId } from '../address/mod.ts'
import { TCP_RTT_CLASS, Ways, costClass, rttClass, type WayStep } from '../topology/mod.ts'
import type { Node } from './node.ts'
import type { PathState } from './path-state.ts'

interface WayHop {
  readonly peer: PeerId
  /** Of the edge that leads to it. */
  readonly rttClass: number
}

/** How data goes from here to a peer, as far as this peer knows. */
export interface PeerWay {
  readonly peer: PeerId
  /** Over control links. */
  readonly isReachable: boolean
  /** Undefined: there is no session. */
  readonly state: PathState | undefined
  /** What frames take, or would take, the peer last; empty: none is known. */
  readonly hops: readonly WayHop[]
  /** Of the route through others, as RTT classes cost; undefined: there is none. */
  readonly cost: number | undefined
  /** Of the cheapest one: less than `cost` where the present one was kept. */
  readonly leastCost: number | undefined
}

/** One for each peer that is known of, the nearest first. */
export function waysOf({ config, view, paths }: Pick<Node, 'config' | 'view' | 'paths'>): PeerWay[] {
  const self = config.identity.peerId
  const ways = new Ways(view.graph, 'data')
  const through = (next: PeerId, to: PeerId): WayStep[] => {
    const first = ways.edge(self, next)
    const rest = next === to ? [] : ways.between(next, to)
    return first === undefined || rest === undefined ? [] : [...first, ...rest]
  }
  return view.nearestPeers().flatMap(({ id }): PeerWay[] => {
    if (id === self) return []
    const state = paths.path(id)?.state
    const route = view.dataRoutes.get(id)
    const next = state?.kind === 'relayed' ? state.via : route?.nextHop
    const steps = next === undefined ? [] : through(next, id)
    const hops =
      state?.kind === 'direct' || state?.kind === 'tcp'
        ? [{ peer: id, rttClass: state.kind === 'tcp' ? TCP_RTT_CLASS : rttClass(state.rttMs) }]
        : steps.map(({ peer, cost }) => ({ peer, rttClass: costClass(cost) }))
    const leastCost = ways.cost(self, id)
    return [{ peer: id, isReachable: view.reachable.has(id), state, hops, cost: route?.cost, leastCost }]
  })
}
