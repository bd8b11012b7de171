import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import type { CallContext } from '../../../lib/api/mod.ts'
import { SHOWN_EDGES_MAX, SHOWN_PEERS_MAX } from '../../../lib/daemon/constants.ts'
import { GraphService } from '../../../lib/daemon/graph-service.ts'
import type { PathReport } from '../../../lib/node/report.ts'
import type { Graph } from '../../../lib/topology/mod.ts'
import { claimsOf, graphOf, peerNumber, type Edge } from '../../support/graphs.ts'
import { endpoint, path } from '../../support/node-reports.ts'

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const SELF = peerNumber(0)

/** A peer that knows of `known` others, of which the graph has those that it reaches. */
function service(
  graph: Graph,
  known: number,
  parts: {
    paths?: readonly PathReport[]
    zone?: readonly { owner: PeerId; container: string }[]
    now?: () => number
  } = {},
) {
  const node = {
    config: { identity: { peerId: SELF } },
    view: {
      graph,
      nearestPeers: () => Array.from({ length: known }, (_, i) => ({ id: peerNumber(1 + i) })),
      nicknameOf: (id: PeerId) => `name of ${id}`,
      reachable: new Set(graph.peers),
    },
    paths: { report: () => parts.paths ?? [] },
    names: { zone: { all: () => parts.zone ?? [] } },
  }
  return new GraphService({ node } as never, parts.now ?? (() => 0))
}

const ask = async (one: GraphService) => one.calls.graph({}, context)
const meshOf = (count: number, edges: readonly Edge[]) => graphOf(claimsOf(count, edges), SELF)

t.test('each link is one edge, whichever end tells of it, with the class of its round trip', async t => {
  const edges: Edge[] = [
    [0, 1, 0],
    [1, 2, 3],
    [2, 0, 15, false],
  ]
  const answer = await ask(service(meshOf(3, edges), 2))
  const pair = ({ from, to }: { from: string; to: string }) => [from, to].sort().join(' ')
  t.strictSame(
    answer.edges.map(edge => [pair(edge), edge.rttClass, edge.kind]).sort(),
    edges.map(([a, b, rtt]) => [pair({ from: peerNumber(a), to: peerNumber(b) }), rtt, 'link']).sort(),
  )
  t.strictSame(answer.leftOut, { peers: 0, edges: 0 })
})

t.test('this peer stands first; who is not reached is there without edges; containers are counted', async t => {
  const at = (peer: number, container: string) => ({ owner: peerNumber(peer), container })
  const zone = [
    ...[at(1, 'netns:a'), at(1, 'netns:b'), at(2, 'netns:a')],
    ...[at(0, 'weave:expose'), at(1, 'weave:extern/192.0.2.1')],
  ]
  const answer = await ask(service(meshOf(2, [[0, 1]]), 2, { zone }))
  t.strictSame(
    answer.peers.map(peer => [peer.id, peer.nickname, peer.isSelf, peer.isReachable, peer.containers]),
    [
      [SELF, `name of ${SELF}`, true, true, 0],
      [peerNumber(1), `name of ${peerNumber(1)}`, false, true, 2],
      [peerNumber(2), `name of ${peerNumber(2)}`, false, false, 1],
    ],
  )
})

t.test('a peer alone is a graph too', async t => {
  const answer = await ask(service(meshOf(1, []), 0))
  t.match(answer, { peers: [{ id: SELF, isReachable: true }], edges: [], paths: [], leftOut: { peers: 0, edges: 0 } })
})

t.test('data paths are told with whom they go through, and why', async t => {
  const paths = [
    path(peerNumber(1), { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 2 }),
    path(peerNumber(2), { kind: 'relayed', via: peerNumber(1), rttMs: 5, why: 'no answer' }),
    path(peerNumber(3), { kind: 'tcp', rttMs: 6, why: 'no UDP' }),
    path(peerNumber(4), { kind: 'none', why: 'waiting' }),
  ]
  const answer = await ask(service(meshOf(1, []), 0, { paths }))
  t.strictSame(answer.paths, [
    { to: peerNumber(1), kind: 'direct', via: null, rttMs: 2, why: 'its endpoint answers: no peer is between' },
    { to: peerNumber(2), kind: 'relayed', via: peerNumber(1), rttMs: 5, why: 'no answer' },
    { to: peerNumber(3), kind: 'tcp', via: null, rttMs: 6, why: 'no UDP' },
    { to: peerNumber(4), kind: 'none', via: null, rttMs: null, why: 'waiting' },
  ])
})

t.test('of more peers and edges than are shown the nearest are there, and it is said how many are not', async t => {
  const others = SHOWN_PEERS_MAX + 5
  const own = 100
  const edges: Edge[] = Array.from({ length: own }, (_, i) => [0, 1 + i])
  for (let step = 1; edges.length <= SHOWN_EDGES_MAX + 100; step++)
    for (let i = 0; i < others; i++) edges.push([1 + i, 1 + ((i + step) % others)])
  const graph = meshOf(1 + others, edges)
  const answer = await ask(service(graph, others))
  t.equal(answer.peers.length, 1 + SHOWN_PEERS_MAX)
  t.equal(answer.edges.length, SHOWN_EDGES_MAX)
  t.strictSame(answer.leftOut, { peers: 5, edges: graph.layers.control.ends.length / 2 - SHOWN_EDGES_MAX })
  t.equal(answer.edges.filter(({ from }) => from === SELF).length, own, 'all of its own')
  const shown = new Set(answer.peers.map(({ id }) => id))
  t.ok(
    answer.edges.every(({ from, to }) => shown.has(from) && shown.has(to)),
    'both ends are there',
  )
  const pairs = new Set(answer.edges.map(({ from, to }) => [from, to].sort().join(' ')))
  t.equal(pairs.size, answer.edges.length, 'each pair once')
})

t.test('it is made again when something was changed, or when it is old', async t => {
  let now = 0
  const one = service(meshOf(1, []), 0, { now: () => (now += 3) })
  const first = await ask(one)
  t.equal(await ask(one), first)
  one.changed()
  const second = await ask(one)
  t.not(second, first)
  now += 100
  t.not(await ask(one), second)
})
