import t from 'tap'
import { Graph, reachable } from '../../../lib/topology/mod.ts'
import { claim, claimsOf, peerNumber as p } from '../../support/graphs.ts'

t.test('an edge exists only when both ends claim it', async t => {
  const graph = new Graph([
    { peer: p(0), links: [claim(p(1)), claim(p(2)), claim(p(9)), claim(p(0))] },
    { peer: p(1), links: [claim(p(0))] },
    { peer: p(2), links: [] },
  ])
  t.same(graph.neighbours('control', p(0)), [p(1)])
  t.same(graph.neighbours('control', p(2)), [])
  t.same(graph.neighbours('control', p(9)), [])
})

t.test('the data path is up only when both ends say so', async t => {
  const graph = new Graph([
    { peer: p(0), links: [claim(p(1), 0, true), claim(p(2), 0, true)] },
    { peer: p(1), links: [claim(p(0), 0, true)] },
    { peer: p(2), links: [claim(p(0), 0, false)] },
  ])
  t.same(graph.neighbours('data', p(0)), [p(1)])
  t.same(graph.neighbours('control', p(0)), [p(1), p(2)].sort())
})

t.test('an edge costs what the worse claim costs', async t => {
  const graph = new Graph([
    { peer: p(0), links: [claim(p(1), 2)] },
    { peer: p(1), links: [claim(p(0), 5)] },
  ])
  t.equal(graph.edgeCost('control', graph.indexOf(p(0)), graph.indexOf(p(1))), 32)
  t.equal(graph.edgeCost('control', graph.indexOf(p(1)), graph.indexOf(p(0))), 32)
})

t.test('reachable are those in the same part of the control graph', async t => {
  const graph = new Graph(
    claimsOf(6, [
      [0, 1, 0, false],
      [1, 2],
      [3, 4],
    ]),
  )
  t.same([...reachable(graph, p(0))].sort(), [p(0), p(1), p(2)].sort())
  t.same([...reachable(graph, p(5))], [p(5)])
  t.same([...reachable(graph, p(77))], [p(77)], 'a stranger reaches itself')
})
