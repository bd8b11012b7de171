import t from 'tap'
import { hasOtherWay } from '../../../lib/topology/mod.ts'
import { claimsOf, graphOf, peerNumber, randomClaims, type Edge, type PeerLinks } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const between = (edges: readonly Edge[], count: number, from = 0, to = 1) =>
  hasOtherWay(graphOf(claimsOf(count, edges), peerNumber(from)), peerNumber(from), peerNumber(to))

t.test('a link can go where its ends reach each other without it, and only there', async t => {
  t.notOk(between([[0, 1]], 2), 'the only link')
  t.ok(
    between(
      [
        [0, 1],
        [1, 2],
        [2, 0],
      ],
      3,
    ),
    'a triangle',
  )
  t.notOk(
    between(
      [
        [0, 1],
        [0, 2],
        [1, 3],
      ],
      4,
    ),
    'a line',
  )
  t.ok(
    between(
      [
        [0, 1, 0, false],
        [1, 2, 0, false],
        [2, 0, 0, false],
      ],
      3,
    ),
    'control links without a data path',
  )
})

t.test('who is not in the graph is not cut off', async t => {
  t.notOk(between([[0, 2]], 3), 'a newcomer whose link nobody knows of')
})

t.test('is what is left without the link, in any mesh', async t => {
  const chance = seededChance(41)
  for (let round = 0; round < 60; round++) {
    const claims = randomClaims(12, 2, chance, 0.1)
    const graph = graphOf(claims, peerNumber(0))
    for (const other of graph.neighbours('control', peerNumber(0))) {
      const left = graphOf(without(claims, other), peerNumber(0))
      t.equal(hasOtherWay(graph, peerNumber(0), other), left.indexOf(other) >= 0)
    }
  }
})

/** Peer 0 no longer claims its link to `other`. */
function without(claims: readonly PeerLinks[], other: string): PeerLinks[] {
  return claims.map(({ peer, links }) =>
    peer === peerNumber(0) ? { peer, links: links.filter(({ neighbour }) => neighbour !== other) } : { peer, links },
  )
}
