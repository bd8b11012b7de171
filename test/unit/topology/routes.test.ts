import t from 'tap'
import { rttClass, type Layer, type Routes } from '../../../lib/topology/mod.ts'
import type { PeerId } from '../../../lib/address/mod.ts'
import { claimsOf, graphOf, peerNumber as p, randomClaims, routesIn } from '../../support/graphs.ts'
import { seededChance } from '../../support/seeded-chance.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'

t.test('rtt classes are doublings', async t => {
  for (const [ms, expected] of [
    [0, 0],
    [3.9, 0],
    [4, 1],
    [7.9, 1],
    [8, 2],
    [100, 5],
    [65_536, 15],
    [1e9, 15],
  ] as const) {
    t.equal(rttClass(ms), expected, `${ms} ms`)
  }
})

t.test('routes are those of a naive model: cheapest, then fewest hops, then lowest id', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(2 + Math.floor(chance() * 20), 4, chance, 0.15)
    for (const layer of ['control', 'data'] as Layer[]) {
      const naive = new NaiveGraph(claims, layer)
      for (const self of naive.peers) {
        const expected = [...naive.ways(self)]
          .map(([to, { cost, hops, firstHops }]) => `${to} ${firstHops[0]} ${cost} ${hops}`)
          .sort()
        const actual = [...routesIn(graphOf(claims, self), self, undefined, 1 + Math.floor(chance() * 50))[layer]]
          .map(([to, { nextHop, cost, hops }]) => `${to} ${nextHop} ${cost} ${hops}`)
          .sort()
        if (actual.join() !== expected.join()) t.same(actual, expected, `seed ${seed} ${layer} ${self}`)
      }
    }
  }
  t.pass('all equal')
})

/** 0 reaches 5 through 1 at a cost of 8 + 12, or through 2 and 6 at 5 + 4 + 2^rtt + 5. */
const twoWays = (rtt: number) =>
  graphOf(
    claimsOf(7, [
      [0, 1, 2],
      [1, 5, 3],
      [0, 2, 0],
      [2, 6, rtt],
      [6, 5, 0],
    ]),
    p(0),
  )
const data = (graph: ReturnType<typeof twoWays>, previous?: Routes) => routesIn(graph, p(0), previous).data

t.test('a present next hop stays until the best way is a fifth better, or it is gone', async t => {
  const first = data(twoWays(3))
  t.match(first.get(p(5)), { nextHop: p(1), cost: 20, hops: 2 })
  const kept = data(twoWays(2), first)
  t.match(kept.get(p(5)), { nextHop: p(1), cost: 20, hops: 2 }, '18 instead of 20 is not')
  t.match(data(twoWays(2)).get(p(5)), { nextHop: p(2), cost: 18 }, 'a newcomer takes the best')
  t.match(data(twoWays(1), kept).get(p(5)), { nextHop: p(2), cost: 16, hops: 3 }, '16 is')
  const gone = graphOf(
    claimsOf(7, [
      [0, 2, 0],
      [1, 5, 3],
      [2, 5, 9],
    ]),
    p(0),
  )
  t.equal(data(gone, kept).get(p(5))?.nextHop, p(2))
  t.equal(data(graphOf(claimsOf(7, []), p(0)), kept).size, 0)
  t.equal(routesIn(twoWays(2), p(0), kept).control.get(p(5))?.nextHop, p(2), 'control messages take the best')
})

t.test('a way with one hop more has to be shorter by more than a hop costs', async t => {
  const nearby = (rtt: number) =>
    data(
      graphOf(
        claimsOf(3, [
          [0, 1, 0],
          [1, 2, 0],
          [0, 2, rtt],
        ]),
        p(0),
      ),
    ).get(p(2))
  t.match(nearby(2), { nextHop: p(2), cost: 8 }, '16 ms direct, which may be a busy host, and not 8 ms by another')
  t.match(nearby(3), { nextHop: p(1), cost: 10 }, '32 ms direct are worth a hop')
})

t.test('a spare next hop gets there, neither through this peer nor through the first one', async t => {
  let spares = 0
  for (let seed = 1; seed <= 60; seed++) {
    const chance = seededChance(seed)
    const claims = randomClaims(4 + Math.floor(chance() * 12), 5, chance, 0.15)
    const best = new Map(claims.map(({ peer }) => [peer, routesIn(graphOf(claims, peer), peer)]))
    for (const { peer: self } of claims) {
      t.notOk([...best.get(self)!.control.values()].some(({ spare }) => spare !== undefined))
      for (const [to, { nextHop, spare }] of best.get(self)!.data) {
        if (spare === undefined) continue
        spares++
        const passed = [spare]
        while (passed.at(-1) !== to) passed.push(best.get(passed.at(-1)!)!.data.get(to)!.nextHop)
        if (passed.includes(self) || passed.includes(nextHop))
          t.fail(`seed ${seed}: ${self} → ${to} by ${passed.join()}`)
      }
    }
  }
  t.ok(spares > 500, `${spares} were looked at`)
})

t.test('there is no spare for a neighbour, nor where all ways lead through the first hop or back', async t => {
  const line = data(
    graphOf(
      claimsOf(4, [
        [0, 1, 0],
        [0, 2, 0],
        [1, 3, 0],
      ]),
      p(0),
    ),
  )
  t.match(line.get(p(3)), { nextHop: p(1), spare: undefined })
  const ring = data(
    graphOf(
      claimsOf(4, [
        [0, 1, 0],
        [0, 2, 1],
        [1, 3, 0],
        [2, 3, 0],
      ]),
      p(0),
    ),
  )
  t.match(ring.get(p(3)), { nextHop: p(1), spare: p(2) })
  t.equal(ring.get(p(1))?.spare, undefined)
})

t.test('whatever next hops are kept, following them ends at the destination', async t => {
  for (let seed = 1; seed <= 40; seed++) {
    const chance = seededChance(seed)
    const count = 4 + Math.floor(chance() * 12)
    const kept = new Map<PeerId, Routes>()
    for (let version = 0; version < 6; version++) {
      const claims = randomClaims(count, 5, chance)
      for (const { peer: self } of claims) kept.set(self, routesIn(graphOf(claims, self), self, kept.get(self)).data)
      for (const { peer: self } of claims) {
        for (const to of kept.get(self)!.keys()) {
          let at = self
          for (let hops = 0; at !== to && hops <= count; hops++) at = kept.get(at)!.get(to)!.nextHop
          if (at !== to) t.fail(`seed ${seed}: ${self} → ${to} goes round`)
        }
      }
    }
  }
  t.pass('no loops')
})
