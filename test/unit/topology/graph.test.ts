import t from 'tap'
import { claim, claimsOf, graphOf, peerNumber as p } from '../../support/graphs.ts'

t.test('an edge exists only when both ends claim it', async t => {
  const graph = graphOf(
    [
      { peer: p(0), links: [claim(p(1)), claim(p(2)), claim(p(9)), claim(p(0))] },
      { peer: p(1), links: [claim(p(0))] },
      { peer: p(2), links: [] },
    ],
    p(0),
  )
  t.same(graph.neighbours('control', p(0)), [p(1)])
  t.same(graph.neighbours('control', p(2)), [])
  t.same(graph.neighbours('control', p(9)), [])
})

t.test('the data path is up only when both ends say so', async t => {
  const graph = graphOf(
    [
      { peer: p(0), links: [claim(p(1), 0, true), claim(p(2), 0, true)] },
      { peer: p(1), links: [claim(p(0), 0, true)] },
      { peer: p(2), links: [claim(p(0), 0, false)] },
    ],
    p(0),
  )
  t.same(graph.neighbours('data', p(0)), [p(1)])
  t.same(graph.neighbours('control', p(0)), [p(1), p(2)].sort())
})

t.test('an edge costs what the worse claim costs', async t => {
  const graph = graphOf(
    [
      { peer: p(0), links: [claim(p(1), 2)] },
      { peer: p(1), links: [claim(p(0), 5)] },
    ],
    p(0),
  )
  t.equal(graph.edgeCost('control', graph.indexOf(p(0)), graph.indexOf(p(1))), 36)
  t.equal(graph.edgeCost('control', graph.indexOf(p(1)), graph.indexOf(p(0))), 36)
})

t.test('in the graph are those that can be reached over control links', async t => {
  const claims = claimsOf(6, [
    [0, 1, 0, false],
    [1, 2],
    [3, 4],
  ])
  const graph = graphOf(claims, p(0))
  t.same(graph.peers, [p(0), p(1), p(2)].sort())
  t.same(graphOf(claims, p(5)).peers, [p(5)])
  t.same(graphOf(claims, p(77)).peers, [], 'a stranger reaches nobody')
})
