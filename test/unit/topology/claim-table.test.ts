import t from 'tap'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { ClaimTable, EDGES_MAX, PUBLISHED_LINKS_MAX, VERTICES_MAX, type LinkClaim } from '../../../lib/topology/mod.ts'
import { claim, graphIn, peerNumber as p, randomClaims, recordOf, type PeerLinks } from '../../support/graphs.ts'
import { NaiveGraph } from '../../support/naive-graph.ts'
import { seededChance } from '../../support/seeded-chance.ts'

const SEEN = parseEndpoint('192.0.2.7:6783')!
const twinOf = (number: number): PeerId =>
  peerIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => (at < 8 ? number : 0xee)))
const plain = (number: number): PeerId => peerIdFromBytes(new Uint8Array(16).fill(number))

t.test(
  'whatever is claimed, withdrawn and forgotten in whatever order, the edges are those of a naive model',
  async t => {
    for (let seed = 1; seed <= 40; seed++) {
      const chance = seededChance(seed)
      const table = new ClaimTable()
      const count = 3 + Math.floor(chance() * 12)
      const held = new Map<number, readonly LinkClaim[]>()
      for (let step = 0; step < 60; step++) {
        const index = Math.floor(chance() * count)
        if (!held.has(index)) {
          table.add(index, p(index))
          held.set(index, [])
        } else if (chance() < 0.15) {
          table.remove(index)
          held.delete(index)
          continue
        }
        const before = edgesOf(held)
        const links = randomClaims(count, 5, chance, 0.2)[index]!.links
        held.set(index, links)
        const isChanged = table.set(index, recordOf(links))
        const after = edgesOf(held)
        if (isChanged !== (before.control + before.data !== after.control + after.data))
          t.fail(`seed ${seed}: says ${isChanged}`)
        for (const [self] of held) {
          const graph = graphIn(table, self)
          for (const layer of ['control', 'data'] as const)
            for (const peer of graph.peers) {
              const naive = new NaiveGraph(listOf(held), layer)
              const expected = [...naive.edges.get(peer)!].map(([to, cost]) => `${to} ${cost}`).sort()
              const from = graph.indexOf(peer)
              const actual = graph
                .neighbours(layer, peer)
                .map(to => `${to} ${graph.edgeCost(layer, from, graph.indexOf(to))}`)
              if (actual.join() !== expected.join()) t.same(actual, expected, `seed ${seed} ${layer} ${peer}`)
            }
          const naive = new NaiveGraph(listOf(held), 'control')
          const reached = [...naive.distances(p(self)).keys()].sort()
          if (graph.peers.join() !== reached.join()) t.same(graph.peers, reached, `seed ${seed} of ${self}`)
        }
      }
    }
    t.pass('all equal')
  },
)

t.test('two peers that share a short id have no edges while both are known', async t => {
  const table = new ClaimTable()
  table.add(0, plain(1))
  table.add(1, plain(2))
  table.set(0, recordOf([claim(plain(2))]))
  t.ok(table.set(1, recordOf([claim(plain(1))])))
  t.equal(table.degree(0), 1)
  table.add(2, twinOf(2))
  table.set(2, recordOf([claim(plain(1))]))
  t.same([table.degree(0), table.degree(1), table.degree(2)], [0, 0, 0])
  t.same(table.claims(0), [], 'nor can it be told whom is meant')
  table.remove(1)
  t.same([table.degree(0), table.degree(2)], [1, 1], 'the one that is left has them')
  table.remove(2)
  t.equal(table.degree(0), 0)
})

t.test('an endpoint is believed only of those who share an edge with the peer', async t => {
  const table = new ClaimTable()
  for (const number of [0, 1, 2]) table.add(number, p(number))
  const seen = (neighbour: PeerId) => ({ ...claim(neighbour), endpoint: SEEN })
  table.set(1, recordOf([seen(p(0))]))
  t.same(table.seenAt(0, 4), [], 'a claim that is not returned')
  table.set(0, recordOf([claim(p(1))]))
  t.same(table.seenAt(0, 4), [SEEN])
  table.set(2, recordOf([seen(p(0))]))
  t.same(table.seenAt(0, 0), [], 'no more than asked for')
  table.set(1, recordOf([claim(p(0))]))
  t.same(table.seenAt(0, 4), [])
})

t.test(
  'a graph has no more claims than it may, and what one member makes up with others keeps nobody out of it that is near',
  async t => {
    const chance = seededChance(1)
    const fakes = 600
    const table = new ClaimTable()
    for (let number = 0; number < fakes; number++) table.add(number, p(number))
    // A ring of honest peers, and one of them claims everything together with made-up peers.
    const honest = 50
    const links = Array.from({ length: fakes }, () => new Set<number>())
    const link = (a: number, b: number) => {
      if (a === b || links[a]!.size >= PUBLISHED_LINKS_MAX || links[b]!.size >= PUBLISHED_LINKS_MAX) return
      links[a]!.add(b)
      links[b]!.add(a)
    }
    for (let number = 0; number < honest; number++) link(number, (number + 1) % honest)
    for (let number = honest; number < fakes; number++) {
      link(1, number)
      for (let i = 0; i < 300; i++) link(number, honest + Math.floor(chance() * (fakes - honest)))
    }
    for (const [number, set] of links.entries()) table.set(number, recordOf([...set].map(to => claim(p(to)))))
    const before = table.work
    const graph = graphIn(table, 0)
    t.ok(table.work - before <= EDGES_MAX)
    t.ok(graph.layers.control.ends.length <= EDGES_MAX)
    t.ok(graph.peers.length <= VERTICES_MAX)
    const near = [0, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => honest - 1 - i)]
    for (const number of near) t.ok(graph.peers.includes(p(number)), `honest ${number}`)
    t.ok(graph.peers.length > honest, 'nor are those left out for whom there is room')
  },
)

t.test('taking up a record costs no more than it can claim, and what it replaces did', async t => {
  const table = new ClaimTable()
  const all = Array.from({ length: PUBLISHED_LINKS_MAX + 1 }, (_, i) => p(i))
  for (const [index, peer] of all.entries()) table.add(index, peer)
  for (const [index, peer] of all.entries()) {
    for (let again = 0; again < 2; again++) {
      const before = table.work
      table.set(index, recordOf(all.filter(other => other !== peer).map(other => claim(other))))
      if (table.work - before > 2 * PUBLISHED_LINKS_MAX) t.fail(`${table.work - before} rows`)
    }
  }
  t.equal(table.degree(0), PUBLISHED_LINKS_MAX)
})

function listOf(held: ReadonlyMap<number, readonly LinkClaim[]>): PeerLinks[] {
  return [...held].map(([number, links]) => ({ peer: p(number), links }))
}

function edgesOf(held: ReadonlyMap<number, readonly LinkClaim[]>): { control: string; data: string } {
  const text = (layer: 'control' | 'data') =>
    [...new NaiveGraph(listOf(held), layer).edges]
      .flatMap(([from, to]) => [...to].map(([peer, cost]) => `${from} ${peer} ${cost}`))
      .sort()
      .join()
  return { control: text('control'), data: text('data') }
}
