import t from 'tap'
import { LEASE_HOLDER } from '../../../lib/ipam/mod.ts'
import { ipamView } from '../../../lib/daemon/status/ipam.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { pathViews } from '../../../lib/daemon/status/paths.ts'
import { SHOWN_PEERS_MAX } from '../../../lib/daemon/constants.ts'
import { peerViews, targetViews, unshownWarnings } from '../../../lib/daemon/status/peers.ts'
import { explained } from '../../../lib/daemon/status/trouble.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'
import { claim, peerNumber } from '../../support/graphs.ts'
import { NOW, SELF, endpoint, linked, nodeReport, path, peer, contact } from '../../support/node-reports.ts'

function peersOf(parts: Partial<NodeReport>) {
  const report = nodeReport(parts)
  const names = new Names(report)
  return peerViews(report, names, pathViews(report, names))
}

t.test('this peer comes first, with its own links; the others follow by id', t => {
  const numbers = [3, 1, 2]
  const paths = [path(peerNumber(1), { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 3 })]
  const views = peersOf({ ...linked(1), peers: numbers.map(number => peer(number)), paths })
  t.match(views[0], {
    id: SELF,
    isSelf: true,
    version: '1.2.3',
    isReachable: true,
    path: null,
    connections: [{ direction: 'outbound', peer: { nickname: 'n1' }, state: 'established' }],
  })
  const ids = views.slice(1).map(view => view.id)
  t.strictSame(ids, [...ids].sort())
  t.equal(views.find(view => view.nickname === 'n1')?.path?.kind, 'direct')
  t.end()
})

t.test('of very many peers the first are shown, and it is said that there are more', t => {
  const numbers = Array.from({ length: SHOWN_PEERS_MAX }, (_, i) => i + 1)
  const peers = numbers.map(number => peer(number, { isAbridged: number > SHOWN_PEERS_MAX - 7 }))
  t.match(unshownWarnings(nodeReport({ peers })), [/links of 7 peers are not shown/])
  const more = [...peers, peer(0, { isAbridged: true })]
  t.equal(peersOf({ peers: more }).length, SHOWN_PEERS_MAX + 1, 'and this peer')
  t.match(unshownWarnings(nodeReport({ peers: more })), [/1001 other peers are known; the nearest 1000/, /of 7 peers/])
  t.strictSame(unshownWarnings(nodeReport({ peers: [peer(1)] })), [])
  t.end()
})

t.test('of a peer is shown what it says of itself, and what is not known of it as such', t => {
  const links = [{ ...claim(SELF), endpoint: undefined, isOutbound: false, isDataUp: false }]
  const [, view] = peersOf({ peers: [peer(1, { links })] })
  t.match(view, {
    isSelf: false,
    version: '?',
    incarnation: '',
    isReachable: true,
    connections: [{ direction: 'inbound', address: '?', peer: { id: SELF, nickname: 'self' }, state: 'pending' }],
  })
  const [, gone] = peersOf({ peers: [peer(1, { isReachable: false, links })] })
  t.match(gone, { isReachable: false })
  t.strictSame(gone?.connections, [], 'the links of who is gone are gone')
  t.end()
})

t.test('a peer that nothing is known of has an id and no name', t => {
  const names = new Names(nodeReport())
  t.strictSame(names.ref(peerNumber(9)), { id: peerNumber(9), nickname: '?' })
  t.equal(names.refOrNull(undefined), null)
  t.match(names.short(SELF), /^[a-z2-7]{8}\(self\)$/)
  t.end()
})

t.test('contacts are what the operator named; one whose peer is a neighbour is connected', t => {
  const contacts = [
    contact('h1', { peerId: peerNumber(1), endpoint: endpoint('192.0.2.1') }),
    contact('h2', { lastError: 'ECONNREFUSED', retryAt: NOW + 2_000 }),
    contact(peerNumber(3), { origin: 'discovered' }),
    contact('h4', { peerId: peerNumber(4), lastError: 'full', retryAt: NOW + 2_000, isReached: true }),
  ]
  const report = nodeReport({ ...linked(1), contacts })
  t.strictSame(targetViews(report, new Names(report), NOW), [
    {
      target: 'h1',
      state: 'connected',
      address: '192.0.2.1:6783',
      peer: { id: peerNumber(1), nickname: 'n1' },
      error: null,
      retryInSeconds: null,
    },
    { target: 'h2', state: 'waiting', address: null, peer: null, error: 'ECONNREFUSED', retryInSeconds: 2 },
    {
      target: 'h4',
      state: 'reached',
      address: null,
      peer: { id: peerNumber(4), nickname: '?' },
      error: null,
      retryInSeconds: null,
    },
  ])
  t.end()
})

t.test('address management is shown with shares, waits and disputes by name', t => {
  const base = nodeReport({ peers: [peer(1)] })
  const report = {
    ...base,
    ipam: {
      ...base.ipam,
      perPeer: [
        { peer: SELF, blocks: 4_096, addresses: 262_144, isReachable: true },
        { peer: peerNumber(1), blocks: 12_288, addresses: 786_432, isReachable: false },
      ],
      leases: [{ container: 'c', holder: LEASE_HOLDER.attachment, cidr: '10.32.0.1/12' }],
      pending: [{ container: 'd', since: NOW - 2_700, reason: 'n1 does not answer' }],
      disputed: [
        { container: 'c', cidr: '10.32.0.1/12', owner: peerNumber(1) },
        { container: 'e', cidr: '10.32.0.2/12' },
      ],
    },
  }
  t.match(ipamView(report, new Names(report), NOW), {
    state: 'ready',
    reason: null,
    range: '10.32.0.0/12',
    rangeFirst: '10.32.0.0',
    rangeLast: '10.47.255.255',
    rangeAddresses: 1_048_576,
    activeAddresses: 1,
    owners: [
      { isSelf: true, percent: 25, isReachable: true },
      { peer: { nickname: 'n1' }, isSelf: false, percent: 75, isReachable: false },
    ],
    pending: [{ container: 'd', seconds: 2, reason: 'n1 does not answer' }],
    disputed: [{ address: '10.32.0.1/12', owner: { nickname: 'n1' } }, { owner: null }],
  })
  t.end()
})

t.test('an address that nobody could give is explained by why this peer has not joined', t => {
  const error = new WeaveError('IPAM_WAITING', 'nobody gave an address', 'wait')
  const lonely = nodeReport({
    mesh: { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined },
    contacts: [contact('h1', { lastError: 'no' })],
  })
  t.match(
    explained(error, () => lonely),
    { code: 'IPAM_WAITING', message: /^nobody gave an address; no peer of a mesh is reached: h1: no; / },
  )
  t.equal(
    explained(error, () => nodeReport()),
    error,
    'a member of a mesh',
  )
  t.match(
    explained(error, () => ({ ...lonely, contacts: [] })),
    { message: /^nobody gave an address; no peer was named/ },
  )
  const other = new WeaveError('RANGE_FULL', 'full', 'more')
  t.equal(
    explained(other, () => lonely),
    other,
  )
  t.end()
})
