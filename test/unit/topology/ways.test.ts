import t from 'tap'
import { Ways } from '../../../lib/topology/mod.ts'
import { claimsOf, graphOf, peerNumber as p, randomClaims } from '../../support/graphs.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'
import { seededChance } from '../../support/seeded-chance.ts'

t.test('a way has all its peers, each with what the edge before it costs', async t => {
  const ways = new Ways(
    graphOf(
      claimsOf(5, [
        [0, 1, 1],
        [1, 2, 3],
        [0, 3, 5],
        [3, 2],
      ]),
      p(0),
    ),
    'data',
  )
  t.same(ways.between(p(0), p(2)), [
    { peer: p(1), cost: 6 },
    { peer: p(2), cost: 12 },
  ])
  t.same(ways.edge(p(0), p(3)), [{ peer: p(3), cost: 36 }])
  t.equal(ways.edge(p(0), p(2)), undefined, 'no neighbours')
  t.equal(ways.cost(p(0), p(2)), 18)
  t.same(ways.between(p(0), p(0)), [])
  t.equal(ways.between(p(0), p(4)), undefined, 'no way')
  t.equal(ways.between(p(0), p(77)), undefined, 'nobody')
})

t.test('ways cost and are as long as a naive model says, and each step is an edge', async t => {
  for (let seed = 1; seed <= 20; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(2 + Math.floor(chance() * 12), 4, chance, 0.15)
    for (const layer of ['control', 'data'] as const) {
      const from = p(0)
      const ways = new Ways(graphOf(claims, from), layer)
      for (const [to, { cost, hops }] of new NaiveGraph(claims, layer).ways(from)) {
        const steps = ways.between(from, to) ?? []
        t.equal(steps.length, hops, `seed ${seed}`)
        t.equal(
          steps.reduce((sum, step) => sum + step.cost, 0),
          cost,
        )
        steps.forEach((step, i) => t.same(ways.edge(i === 0 ? from : steps[i - 1]!.peer, step.peer), [step]))
      }
    }
  }
})
