import t from 'tap'
import type { PeerId } from '../../../lib/address/mod.ts'
import { Detours } from '../../../lib/node/detours.ts'
import { claimsOf, graphOf, peerNumber, type Edge } from '../../support/graphs.ts'

/** 0 to 4 by way of 1, of 2 and 3, or of 5, 6 and 7. */
const EDGES: readonly Edge[] = [
  [0, 1],
  [1, 4],
  [0, 2],
  [2, 3],
  [3, 4],
  [0, 5],
  [5, 6],
  [6, 7],
  [7, 4],
]

const graphFrom = (count: number, edges: readonly Edge[]) => graphOf(claimsOf(count, edges), peerNumber(0))

function detours(...silent: number[]) {
  const lost = new Set(silent.map(peerNumber))
  return { lost, of: new Detours(peerNumber(0), (peer: PeerId) => !lost.has(peer)) }
}

t.test('a way round those that do not answer is the shortest through those that do', t => {
  const graph = graphFrom(8, EDGES)
  const { lost, of } = detours()
  t.equal(of.firstHop(graph, peerNumber(4)), peerNumber(1))
  lost.add(peerNumber(1))
  t.equal(of.firstHop(graph, peerNumber(4)), peerNumber(2), 'the longer one')
  lost.add(peerNumber(2))
  t.equal(of.firstHop(graph, peerNumber(4)), peerNumber(5), 'the longest')
  t.equal(of.firstHop(graph, peerNumber(3)), peerNumber(5), 'also to who is behind one of them')
  lost.add(peerNumber(5))
  t.equal(of.firstHop(graph, peerNumber(4)), undefined)
  lost.delete(peerNumber(1))
  t.equal(of.firstHop(graph, peerNumber(4)), peerNumber(1), 'what answers again is believed')
  t.end()
})

t.test('no way leads back through this peer, through a silent neighbour, or over an edge that carries no data', t => {
  const { of } = detours(1)
  // 2 reaches 4 through 0 and 1 only.
  t.equal(
    of.firstHop(
      graphFrom(5, [
        [0, 1],
        [1, 4],
        [0, 2],
        [2, 1],
      ]),
      peerNumber(4),
    ),
    undefined,
  )
  t.equal(
    of.firstHop(
      graphFrom(5, [
        [0, 1],
        [1, 4],
        [0, 2],
        [2, 4, 0, false],
      ]),
      peerNumber(4),
    ),
    undefined,
  )
  t.equal(
    of.firstHop(
      graphFrom(5, [
        [0, 1],
        [1, 4],
        [0, 2],
        [2, 4],
      ]),
      peerNumber(4),
    ),
    peerNumber(2),
    'of the new graph',
  )
  t.equal(of.firstHop(graphFrom(5, []), peerNumber(4)), undefined)
  t.end()
})
