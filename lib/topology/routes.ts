import type { PeerId } from '../address/mod.ts'
import { SWITCH_COST_SHARE } from './constants.ts'
import { broadcastTree, NO_TREE, type BroadcastTree } from './broadcast-tree.ts'
import type { Graph, Layer } from './graph.ts'
import { PathSearch, type ShortestPaths, type WorkMeter } from './shortest-paths.ts'

export interface Route {
  readonly nextHop: PeerId
  /** Of the way through `nextHop`. */
  readonly cost: number
  readonly hops: number
  /** Another next hop, which reaches the destination neither through this peer nor through `nextHop`, if there is one. */
  readonly spare?: PeerId
}

export type Routes = ReadonlyMap<PeerId, Route>

/** What a peer does with the mesh as it is. */
export interface MeshRoutes {
  /** Next hops over control links. */
  readonly control: Routes
  /** Next hops over proved data paths. */
  readonly data: Routes
  /** By which this peer floods what begins here: its shortest-path tree in the data graph. */
  readonly tree: BroadcastTree
}

/**
 * Routes and trees of `self`, in steps: it pauses when the meter says so, and is done when it returns.
 *
 * A route is the cheapest by RTT class, then by hops, then by PeerId. A present next hop of the data layer (`previous`)
 * stays unless the best way costs at most SWITCH_COST_SHARE of the way through it. It must also be nearer to the
 * destination than `self` is: so the next hops of all peers that hold the same graph make no loop, whatever each of them keeps. (Control
 * messages may overtake each other, so there the best is taken.)
 *
 * A spare next hop is a loop-free alternate that protects from the loss of the first one (RFC 5286, inequalities 1 and 3):
 * what the first one itself sends, for it knows already that its way is gone, goes there.
 *
 * That takes one search for each neighbour, and one from `self`.
 */
export function* meshRoutes(
  graph: Graph,
  self: PeerId,
  previous: Routes,
  meter: WorkMeter,
): Generator<undefined, MeshRoutes, undefined> {
  const from = graph.indexOf(self)
  if (from < 0) return { control: new Map(), data: new Map(), tree: NO_TREE }
  const onward = new Map<number, ShortestPaths>()
  for (const vertex of graph.neighbourIndices('data', from).slice().sort()) {
    onward.set(vertex, yield* search(graph, 'data', vertex, meter))
  }
  const dataPaths = yield* search(graph, 'data', from, meter)
  const isUniform = graph.layers.data === graph.layers.control
  const controlPaths = isUniform ? dataPaths : yield* search(graph, 'control', from, meter)
  const kept = (to: number, best: Route): Route => {
    const present = previous.get(graph.peers[to]!)?.nextHop
    const hop = present === undefined ? -1 : graph.indexOf(present)
    const paths = hop === dataPaths.firstHop[to] ? undefined : onward.get(hop)
    if (paths === undefined || paths.cost[to]! >= best.cost) return best
    const cost = graph.edgeCost('data', from, hop)! + paths.cost[to]!
    if (best.cost <= cost * SWITCH_COST_SHARE) return best
    return { nextHop: present!, cost, hops: 1 + paths.hops[to]! }
  }
  const data = routesOf(graph, dataPaths, (to, best) => {
    const route = kept(to, best)
    if (route.nextHop === graph.peers[to]) return route
    meter.work += onward.size
    const spare = spareOf(onward, from, to, graph.indexOf(route.nextHop), best.cost)
    return spare === undefined ? route : { ...route, spare: graph.peers[spare]! }
  })
  meter.work += 3 * graph.peers.length
  const tree = broadcastTree(graph, dataPaths, from)
  return { control: routesOf(graph, controlPaths, (_to, best) => best), data, tree }
}

/** The cheapest of the neighbours but `first` that need neither `from` nor `first` to get there. */
function spareOf(
  onward: ReadonlyMap<number, ShortestPaths>,
  from: number,
  to: number,
  first: number,
  cost: number,
): number | undefined {
  const throughFirst = onward.get(first)!.cost[to]!
  let spare: number | undefined
  let least = Infinity
  for (const [vertex, paths] of onward) {
    const rest = paths.cost[to]!
    const isLoopFree = rest < paths.cost[from]! + cost
    const isApart = rest < paths.cost[first]! + throughFirst
    if (vertex === first || !isLoopFree || !isApart || paths.cost[from]! + rest >= least) continue
    spare = vertex
    least = paths.cost[from]! + rest
  }
  return spare
}

function* search(
  graph: Graph,
  layer: Layer,
  from: number,
  meter: WorkMeter,
): Generator<undefined, ShortestPaths, undefined> {
  const found = new PathSearch(graph.layers[layer], from)
  while (!found.run(meter)) yield
  return found.paths
}

function routesOf(graph: Graph, paths: ShortestPaths, choose: (to: number, best: Route) => Route): Routes {
  const routes = new Map<PeerId, Route>()
  for (const [to, peer] of graph.peers.entries()) {
    const hop = paths.firstHop[to]!
    if (hop >= 0)
      routes.set(peer, choose(to, { nextHop: graph.peers[hop]!, cost: paths.cost[to]!, hops: paths.hops[to]! }))
  }
  return routes
}
