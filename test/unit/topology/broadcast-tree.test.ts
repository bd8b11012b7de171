import t from 'tap'
import { broadcastTree, children, childrenOfAll, Graph } from '../../../lib/topology/mod.ts'
import { claimsOf, peerNumber as p, randomClaims } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'

t.test('in a chain the middle passes on', async t => {
  const graph = new Graph(
    claimsOf(3, [
      [0, 1],
      [1, 2],
    ]),
  )
  t.same(children(graph, p(0), p(0)), [p(1)])
  t.same(children(graph, p(0), p(1)), [p(2)])
  t.same(children(graph, p(0), p(2)), [])
  t.same(children(graph, p(1), p(1)), [p(0), p(2)].sort())
  t.same(children(graph, p(9), p(1)), [], 'a source that nobody knows')
})

t.test('links without a data path carry no broadcast', async t => {
  const graph = new Graph(
    claimsOf(3, [
      [0, 1],
      [1, 2],
      [0, 2, 0, false],
    ]),
  )
  t.same(children(graph, p(0), p(0)), [p(1)])
})

t.test('the children lists of all peers make a spanning tree of what the source can reach', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(2 + Math.floor(chance() * 25), 4, chance, 0.15)
    const naive = new NaiveGraph(claims, 'data')
    // Every peer has a graph of its own, as in life, with its claims in another order.
    const graphs = new Map(naive.peers.map(peer => [peer, new Graph(claims.map(c => c).sort(() => chance() - 0.5))]))
    for (const source of naive.peers) {
      const distances = naive.distances(source)
      const parents = new Map<string, string>()
      for (const [self, graph] of graphs) {
        for (const child of children(graph, source, self)) {
          if (parents.has(child)) t.fail(`seed ${seed}: ${child} has two parents`)
          if (child === source) t.fail(`seed ${seed}: the source has a parent`)
          const [cost, hops] = distances.get(child)!
          const [parentCost, parentHops] = distances.get(self)!
          if (parentCost + naive.edges.get(self)!.get(child)! !== cost || parentHops + 1 !== hops) {
            t.fail(`seed ${seed}: ${self} is on no shortest way to ${child}`)
          }
          parents.set(child, self)
        }
        const all = childrenOfAll(graph, self).get(source) ?? []
        if (all.join() !== children(graph, source, self).join()) t.fail(`seed ${seed}: childrenOfAll differs`)
      }
      if (parents.size !== distances.size - 1) t.fail(`seed ${seed}: reaches ${parents.size} of ${distances.size - 1}`)
      const tree = broadcastTree(graphs.get(source)!, source)
      if (JSON.stringify([...tree].sort()) !== JSON.stringify([...parents].sort())) t.fail(`seed ${seed}: trees differ`)
    }
  }
  t.pass('all span')
})
