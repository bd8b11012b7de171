import t from 'tap'
import { claimsOf, graphOf, peerNumber as p, randomClaims, routesIn, type PeerLinks } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'
import type { PeerId } from '../../../lib/address/mod.ts'

/** The children of a peer in the tree of a source. */
function children(claims: readonly PeerLinks[], source: PeerId, self: PeerId): readonly PeerId[] {
  return routesIn(graphOf(claims, self), self).children.get(source) ?? []
}

t.test('in a chain the middle passes on', async t => {
  const chain = claimsOf(3, [
    [0, 1],
    [1, 2],
  ])
  t.same(children(chain, p(0), p(0)), [p(1)])
  t.same(children(chain, p(0), p(1)), [p(2)])
  t.same(children(chain, p(0), p(2)), [])
  t.same(children(chain, p(1), p(1)), [p(0), p(2)].sort())
  t.same(children(chain, p(9), p(1)), [], 'a source that nobody knows')
})

t.test('links without a data path carry no broadcast', async t => {
  const claims = claimsOf(3, [
    [0, 1],
    [1, 2],
    [0, 2, 0, false],
  ])
  t.same(children(claims, p(0), p(0)), [p(1)])
})

t.test('the trees of every source span all that it reaches, without copies, on shortest ways', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(2 + Math.floor(chance() * 25), 4, chance, 0.15)
    const naive = new NaiveGraph(claims, 'data')
    // Every peer works for itself, as in life, with its claims in another order, and pauses where it likes.
    const childrenOf = new Map(
      naive.peers.map(self => {
        const mine = [...claims].sort(() => chance() - 0.5)
        return [self, routesIn(graphOf(mine, self), self, undefined, 1 + Math.floor(chance() * 50)).children]
      }),
    )
    for (const source of naive.peers) {
      const distances = naive.distances(source)
      const parents = new Map<string, string>()
      for (const [self, all] of childrenOf) {
        const mine = all.get(source) ?? []
        if ([...mine].sort().join() !== mine.join()) t.fail(`seed ${seed}: children out of order`)
        for (const child of mine) {
          if (parents.has(child)) t.fail(`seed ${seed}: ${child} has two parents`)
          if (child === source) t.fail(`seed ${seed}: the source has a parent`)
          const [cost, hops] = distances.get(child)!
          const [parentCost, parentHops] = distances.get(self)!
          if (parentCost + naive.edges.get(self)!.get(child)! !== cost || parentHops + 1 !== hops) {
            t.fail(`seed ${seed}: ${self} is on no shortest way to ${child}`)
          }
          parents.set(child, self)
        }
      }
      if (parents.size !== distances.size - 1) t.fail(`seed ${seed}: reaches ${parents.size} of ${distances.size - 1}`)
    }
  }
  t.pass('all span')
})
