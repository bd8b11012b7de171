import t from 'tap'
import { claimsOf, graphOf, peerNumber as p, randomClaims, routesIn, type PeerLinks } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'
import { peerIdBytes, peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import { toHex } from '../../../lib/base/mod.ts'
import { treeBranches, type BroadcastTree } from '../../../lib/topology/mod.ts'

function treeOf(claims: readonly PeerLinks[], self: PeerId, workPerStep?: number): BroadcastTree {
  return routesIn(graphOf(claims, self), self, undefined, workPerStep).tree
}

t.test('in a chain who is in the middle has the rest below it', async t => {
  const chain = claimsOf(4, [
    [0, 1],
    [1, 2],
    [2, 3],
  ])
  t.same(treeOf(chain, p(0)), { peers: [p(1), p(2), p(3)], below: [2, 1, 0] })
  t.same(treeBranches(treeOf(chain, p(2)), p(2))[0]!.children.length, 2)
  t.same(treeOf(chain, p(9)), { peers: [], below: [] }, 'a peer that nobody knows')
})

t.test('links without a data path carry no broadcast', async t => {
  const claims = claimsOf(3, [
    [0, 1],
    [1, 2],
    [0, 2, 0, false],
  ])
  t.same(treeOf(claims, p(0)), { peers: [p(1), p(2)], below: [1, 0] })
})

t.test('children ascend by the bytes of their ids, where base32 has the digits behind the letters', async t => {
  const star = [0, 64, 128, 192, 200, 216, 248].map(first => peerIdFromBytes(new Uint8Array(16).fill(first)))
  t.not([...star].sort().join(), star.join(), 'text is in another order')
  const [centre, ...leaves] = star
  const edge = { endpoint: undefined, isOutbound: false, rttClass: 0, isDataUp: true }
  const claims = [
    { peer: centre!, links: leaves.map(neighbour => ({ ...edge, neighbour })) },
    ...leaves.map(peer => ({ peer, links: [{ ...edge, neighbour: centre! }] })),
  ]
  t.same(treeOf(claims, centre!).peers, leaves)
})

t.test('the tree of every source spans all that it reaches, each once, on shortest ways', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(2 + Math.floor(chance() * 25), 4, chance, 0.15)
    const naive = new NaiveGraph(claims, 'data')
    for (const source of naive.peers) {
      const mine = [...claims].sort(() => chance() - 0.5)
      const tree = treeOf(mine, source, 1 + Math.floor(chance() * 50))
      t.same(tree, treeOf(claims, source), `seed ${seed}: neither the order of claims nor pauses matter`)
      const distances = naive.distances(source)
      const parents = new Map<string, string>()
      for (const { peer, children } of treeBranches(tree, source)) {
        const bytes = children.map(child => toHex(peerIdBytes(child)))
        if ([...bytes].sort().join() !== bytes.join()) t.fail(`seed ${seed}: children out of order`)
        for (const child of children) {
          if (parents.has(child)) t.fail(`seed ${seed}: ${child} has two parents`)
          if (child === source) t.fail(`seed ${seed}: the source has a parent`)
          const [cost, hops] = distances.get(child)!
          const [parentCost, parentHops] = distances.get(peer)!
          if (parentCost + naive.edges.get(peer)!.get(child)! !== cost || parentHops + 1 !== hops) {
            t.fail(`seed ${seed}: ${peer} is on no shortest way to ${child}`)
          }
          parents.set(child, peer)
        }
      }
      if (parents.size !== distances.size - 1) t.fail(`seed ${seed}: reaches ${parents.size} of ${distances.size - 1}`)
    }
  }
})

t.test('a line of thousands is a tree like any other', async t => {
  const count = 4_000
  const line = claimsOf(
    count,
    Array.from({ length: count - 1 }, (_, at) => [at, at + 1] as const),
  )
  const tree = treeOf(line, p(0))
  t.equal(tree.peers.length, count - 1)
  t.equal(tree.below[0], count - 2)
})
