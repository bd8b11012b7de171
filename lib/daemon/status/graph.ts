import type { PeerId } from '../../address/mod.ts'
import type { CallAnswer } from '../../api/mod.ts'
import type { Millis } from '../../base/mod.ts'
import type { Node } from '../../node/mod.ts'
import { costClass, type Graph } from '../../topology/mod.ts'
import { WHY_DIRECT } from './routes.ts'
import { EXPOSED_ID, EXTERNAL_PREFIX, SHOWN_EDGES_MAX, SHOWN_PEERS_MAX } from '../constants.ts'

type GraphAnswer = CallAnswer<'graph'>

/** What of a node is shown as a graph. */
export interface GraphSource {
  readonly config: { readonly identity: { readonly peerId: PeerId } }
  readonly view: Pick<Node['view'], 'graph' | 'nearestPeers' | 'nicknameOf' | 'reachable'>
  readonly paths: Pick<Node['paths'], 'report'>
  readonly names: { readonly zone: Pick<Node['names']['zone'], 'all'> }
}

/** Peers and the links between them as the graph of this peer has them, and its own data paths. This peer is the first. */
export function graphView({ config, view, paths, names }: GraphSource, now: Millis): GraphAnswer {
  const self = config.identity.peerId
  const others = view.nearestPeers().map(({ id }) => id)
  const shown = [self, ...others.slice(0, SHOWN_PEERS_MAX)]
  const { edges, count } = controlEdges(view.graph, shown)
  const containers = containerCounts(names.zone)
  return {
    peers: shown.map(id => ({
      id,
      nickname: view.nicknameOf(id),
      isSelf: id === self,
      isReachable: id === self || view.reachable.has(id),
      containers: containers.get(id) ?? 0,
    })),
    edges,
    paths: paths.report(now).map(({ peerId, state }) => ({
      to: peerId,
      kind: state.kind,
      via: state.kind === 'relayed' ? state.via : null,
      rttMs: state.kind === 'none' ? null : state.rttMs,
      why: state.kind === 'direct' ? WHY_DIRECT : state.why,
    })),
    leftOut: { peers: others.length + 1 - shown.length, edges: count - edges.length },
  }
}

/** Each pair once, those of the peers that stand first in `shown` first; `count`: how many there are. */
function controlEdges(graph: Graph, shown: readonly PeerId[]): { edges: GraphAnswer['edges']; count: number } {
  const { offsets, ends, costs } = graph.layers.control
  const isShown = new Uint8Array(graph.peers.length)
  for (const id of shown) if (graph.indexOf(id) >= 0) isShown[graph.indexOf(id)] = 1
  const edges: GraphAnswer['edges'] = []
  for (const from of shown) {
    const vertex = graph.indexOf(from)
    if (vertex < 0) continue
    for (let at = offsets[vertex]!; at < offsets[vertex + 1]! && edges.length < SHOWN_EDGES_MAX; at++)
      if (isShown[ends[at]!] === 1)
        edges.push({ from, to: graph.peers[ends[at]!]!, rttClass: costClass(costs[at]!), kind: 'link' })
    // Its edges are there, and none of them comes again from the far end.
    isShown[vertex] = 0
  }
  return { edges, count: ends.length / 2 }
}

/** How many containers each peer tells of: neither itself, where it is exposed, nor addresses elsewhere. */
function containerCounts(zone: GraphSource['names']['zone']): ReadonlyMap<PeerId, number> {
  const counts = new Map<PeerId, number>()
  for (const { owner, container } of zone.all())
    if (container !== EXPOSED_ID && !container.startsWith(EXTERNAL_PREFIX))
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}
