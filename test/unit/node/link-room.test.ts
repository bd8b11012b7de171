import t from 'tap'
import { linkToSpare, type LinkCrowd } from '../../../lib/node/link-room.ts'
import { claimsOf, graphOf, peerNumber, type Edge } from '../../support/graphs.ts'

const SELF = peerNumber(0)
const peers = (...numbers: readonly number[]) => numbers.map(peerNumber)

/** Peer 0 has links to 1, 2 and 3, which have some with each other; 4 has just come and has no other. */
const EDGES: readonly Edge[] = [
  [0, 1],
  [0, 2],
  [0, 3],
  [0, 4],
  [1, 2],
  [2, 3],
  [2, 5],
]

function spare(parts: Partial<LinkCrowd> = {}, edges = EDGES): string | undefined {
  const graph = graphOf(claimsOf(6, edges), SELF)
  return linkToSpare({
    self: SELF,
    graph,
    linked: graph.neighbours('control', SELF),
    wanted: new Set(),
    configured: new Set(),
    degreeOf: peer => graph.neighbours('control', peer).length,
    ...parts,
  })
}

t.test('the link of whoever has most others goes, never a newcomer’s first', async t => {
  t.equal(spare(), peerNumber(2))
  t.not(spare({ degreeOf: peer => (peer === peerNumber(4) ? 9 : 1) }), peerNumber(4), 'whatever it is said to have')
})

t.test('one that is not wanted before one that is, and what the operator named last', async t => {
  t.not(spare({ wanted: new Set(peers(2)) }), peerNumber(2))
  t.equal(spare({ wanted: new Set(peers(1, 2, 3)), configured: new Set(peers(1, 2)) }), peerNumber(3))
  t.equal(spare({ wanted: new Set(peers(1, 2, 3)), configured: new Set(peers(1, 2, 3)) }), peerNumber(2))
})

t.test('none where each is needed', async t => {
  t.equal(
    spare({}, [
      [0, 1],
      [0, 2],
      [0, 3],
    ]),
    undefined,
  )
})
