import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import type { PathState } from '../../../lib/node/path-state.ts'
import { RelayChoice } from '../../../lib/node/relay-choice.ts'
import { TCP_RTT_CLASS } from '../../../lib/topology/mod.ts'
import { claimsOf, graphOf, peerNumber, routesIn, type Edge } from '../../support/graphs.ts'

/** How the path to a neighbour is: not suspect; suspect for a moment; suspect for long; over the link; or not there. */
type Path = 'sound' | 'doubted' | 'lasting' | 'tcp' | undefined

const STATES: Readonly<Record<Exclude<Path, undefined>, { state: PathState; isSound: boolean; isBelieved: boolean }>> =
  {
    sound: { state: { kind: 'direct', endpoint: '192.0.2.1:1' as never, rttMs: 1 }, isSound: true, isBelieved: true },
    doubted: {
      state: { kind: 'direct', endpoint: '192.0.2.1:1' as never, rttMs: 1 },
      isSound: false,
      isBelieved: true,
    },
    lasting: {
      state: { kind: 'direct', endpoint: '192.0.2.1:1' as never, rttMs: 1 },
      isSound: false,
      isBelieved: false,
    },
    tcp: { state: { kind: 'tcp', rttMs: 1, why: '' }, isSound: false, isBelieved: false },
  }

/** What peer 0 chooses for `to`, as the number of a peer. */
function relayOf(
  given: { edges: readonly Edge[]; paths: Readonly<Record<number, Path>>; links?: readonly number[] },
  to: number,
  which: 'via' | 'spare' = 'via',
) {
  const count = 1 + Math.max(...given.edges.flatMap(([a, b]) => [a, b]), to)
  const numbers = new Map(Array.from({ length: count }, (_, i) => [peerNumber(i), i]))
  const graph = graphOf(claimsOf(count, given.edges), peerNumber(0))
  const path = (peer: PeerId) => given.paths[numbers.get(peer)!]
  const choice = new RelayChoice({
    self: peerNumber(0),
    view: { graph, dataRoutes: routesIn(graph, peerNumber(0)).data },
    pathTo: peer => {
      const kind = path(peer)
      return kind && STATES[kind]
    },
    hasLink: peer => given.links?.includes(numbers.get(peer)!) === true,
  })
  const relay = which === 'via' ? choice.viaOf(peerNumber(to)) : choice.spareOf(peerNumber(to))
  return relay && numbers.get(relay)
}

/** 0 to 3 by way of 1, which is near, or of 2. */
const EDGES: readonly Edge[] = [
  [0, 1],
  [1, 3],
  [0, 2, 4],
  [2, 3, 4],
]

t.test('the first hop is the relay as long as it is believed, and the one behind it after that', t => {
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'sound', 2: 'sound' } }, 3), 1)
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'doubted', 2: 'sound' } }, 3), 1, 'one miss is no reason')
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'lasting', 2: 'sound' } }, 3), 2)
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'lasting', 2: undefined } }, 3), 1, 'rather than none')
  t.equal(relayOf({ edges: EDGES, paths: { 1: undefined, 2: undefined } }, 3), undefined)
  t.end()
})

t.test('the spare relay is the other way, while it is believed', t => {
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'sound', 2: 'sound' } }, 3, 'spare'), 2)
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'lasting', 2: 'doubted' } }, 3, 'spare'), 2)
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'sound', 2: 'lasting' } }, 3, 'spare'), undefined)
  t.equal(relayOf({ edges: EDGES, paths: { 1: 'sound', 2: 'sound' } }, 1, 'spare'), undefined)
  t.end()
})

t.test('whoever is reached without a relay has the cheapest of those in readiness that answer', t => {
  const edges: readonly Edge[] = [...EDGES, [0, 3]]
  t.equal(relayOf({ edges, paths: { 1: 'sound', 2: 'sound', 3: 'sound' } }, 3), 1)
  t.equal(relayOf({ edges, paths: { 1: 'doubted', 2: 'sound', 3: 'sound' } }, 3), 2)
  t.equal(relayOf({ edges, paths: { 1: 'lasting', 2: 'doubted', 3: 'sound' } }, 3), undefined)
  t.end()
})

t.test('of equal ones the first by its id is taken, in whichever order they are looked at', t => {
  const edges: readonly Edge[] = [4, 3, 2, 1].flatMap((relay): Edge[] => [
    [0, relay],
    [relay, 5],
  ])
  const paths = { 1: 'sound', 2: 'sound', 3: 'sound', 4: 'sound', 5: 'sound' } as const
  const [first] = [1, 2, 3, 4].sort((a, b) => (peerNumber(a) < peerNumber(b) ? -1 : 1))
  t.equal(relayOf({ edges: [...edges, [0, 5]], paths }, 5), first)
  t.end()
})

t.test('a way round what does not answer may have more hops than one', t => {
  const edges: readonly Edge[] = [
    [0, 1],
    [1, 4],
    [0, 2],
    [2, 3],
    [3, 4],
  ]
  t.equal(relayOf({ edges, paths: { 1: 'lasting', 2: 'sound' } }, 4), 2)
  t.end()
})

t.test('who would send over its own link is a relay for those only to whom there is no link', t => {
  const edges: readonly Edge[] = [
    [0, 1],
    [1, 3, TCP_RTT_CLASS],
    [0, 3],
  ]
  const paths = { 1: 'sound', 3: undefined } as const
  t.equal(relayOf({ edges, paths }, 3), 1)
  t.equal(relayOf({ edges, paths, links: [3] }, 3), undefined)
  t.end()
})

t.test('a first hop to which frames go over the link is of use where there is no link to the peer itself', t => {
  const edges: readonly Edge[] = [
    [0, 1, TCP_RTT_CLASS],
    [1, 3],
  ]
  t.equal(relayOf({ edges, paths: { 1: 'tcp' } }, 3), 1)
  t.equal(relayOf({ edges, paths: { 1: 'tcp' }, links: [3] }, 3), undefined)
  t.end()
})

t.test('a way of which any leg goes over a link is none for those to whom there is a link', t => {
  const edges: readonly Edge[] = [
    [0, 1],
    [1, 2],
    [2, 3, TCP_RTT_CLASS],
  ]
  t.equal(relayOf({ edges, paths: { 1: 'sound' } }, 3), 1)
  t.equal(relayOf({ edges, paths: { 1: 'sound' }, links: [3] }, 3), undefined)
  t.end()
})
