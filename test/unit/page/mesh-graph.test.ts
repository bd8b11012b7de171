import t from 'tap'
import type { GraphShown } from '../../../lib/page/answers.ts'
import { edgeClass, hostRows, pictureOf } from '../../../lib/page/mesh-graph.ts'
import { madeUpGraph, madeUpRef } from '../../support/page-answers.ts'

const [a, b, c] = [1, 2, 3].map(number => madeUpRef(number).id) as [string, string, string]
const link = (from: string, to: string, rttClass: number | null) => ({ from, to, rttClass, kind: 'link' as const })
const three = (given: Partial<GraphShown> = {}): GraphShown => ({
  peers: [1, 2, 3].map(number => ({
    ...madeUpRef(number),
    isSelf: number === 1,
    isReachable: true,
    containers: number,
  })),
  edges: [link(a, b, 0), link(c, a, 0), link(b, c, 5)],
  paths: [
    { to: b, kind: 'direct', via: null, rttMs: 0.6, why: 'its endpoint answers' },
    { to: c, kind: 'direct', via: null, rttMs: 70, why: 'its endpoint answers' },
  ],
  leftOut: { peers: 0, edges: 0 },
  ...given,
})
const drawn = (graph: GraphShown) =>
  pictureOf(graph).edges.map(
    edge => `${[edge.from, edge.to].map(id => id.at(7)).join('')} ${edgeClass(edge)} ${edge.rtt}`,
  )

t.test('own paths are drawn by kind and round trip, and links of others by their class', async t => {
  t.strictSame(drawn(three()), [
    '12 edge direct near 0.60 ms',
    '13 edge direct far 70 ms',
    '23 edge link far 64 to 128 ms',
  ])
})

t.test('a relayed path is drawn from its relay on, in place of the link that lies there', async t => {
  const paths: GraphShown['paths'] = [
    { to: b, kind: 'direct', via: null, rttMs: 9, why: '' },
    { to: c, kind: 'relayed', via: b, rttMs: 12, why: 'UDP is blocked' },
  ]
  const edges = [link(a, b, 2), link(b, c, 0)]
  t.strictSame(drawn(three({ paths, edges })), ['12 edge direct middling 9.0 ms', '23 edge relayed middling 12 ms'])
})

t.test('paths to hosts that are not reached, and ends that nobody knows, are not drawn', async t => {
  const peers = three().peers.map(peer => ({ ...peer, isReachable: peer.id !== c }))
  const edges = [link(a, b, null), link(a, 'nobody', 0), link(b, b, 0)]
  t.strictSame(drawn(three({ peers, edges, paths: three().paths.slice(1) })), ['12 edge link unknown –'])
  t.match(pictureOf(three({ peers })).vertices, [{ isSelf: true }, {}, { name: 'host3', isReachable: false }])
})

t.test('the table says of each host what the picture shows, those that are not reached before others', async t => {
  const graph = madeUpGraph({ hosts: 5, gone: [4], ways: { 3: 'relayed', 5: 'tcp' } })
  t.match(hostRows(graph), [
    { name: 'host1', way: 'this host', rtt: '–', containers: 2 },
    { name: 'host4', way: 'not reached', isReachable: false, rtt: '–' },
    { name: 'host2', way: 'direct', rtt: '0.60 ms' },
    { name: 'host3', way: 'through host2', rtt: '21 ms', why: 'UDP is blocked' },
    { name: 'host5', way: 'over TCP' },
  ])
  t.match(hostRows(three({ paths: [] }))[1], { way: 'idle' })
})

t.test('what is known and not drawn is said', async t => {
  t.equal(pictureOf(three()).leftOut, '')
  const { leftOut } = pictureOf(three({ leftOut: { peers: 1, edges: 20 } }))
  t.equal(leftOut, '1 host and 20 links more, farther away, are known and not drawn.')
})
