import t from 'tap'
import { connectionViews } from '../../../lib/daemon/status/connections.ts'
import { Names } from '../../../lib/daemon/status/names.ts'
import { pathViews } from '../../../lib/daemon/status/paths.ts'
import type { NodeReport } from '../../../lib/node/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { NOW, SELF, endpoint, linked, nodeReport, path, peer, contact } from '../../support/node-reports.ts'

function views(parts: Partial<NodeReport>) {
  const report = nodeReport(parts)
  const names = new Names(report)
  return connectionViews(report, names, pathViews(report, names), NOW)
}

const idle = { peer: null, rttMs: null, path: null, mtu: null }

t.test('a link with a direct path is established, and says by what it is sealed', t => {
  const paths = [path(peerNumber(1), { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 3 })]
  const [view] = views({ ...linked(1, { rttMs: 2 }), paths })
  t.match(view, {
    direction: 'outbound',
    address: '192.0.2.1:6783',
    state: 'established',
    peer: { nickname: 'n1' },
    info: /^encrypted udp aes-256-gcm [a-z2-7]+\(n1\)$/,
    error: null,
    rttMs: 2,
    path: { kind: 'direct', endpoint: '192.0.2.1:6783', via: null, rttMs: 3, keyAgeSeconds: 4, why: null },
    mtu: 1_500,
  })
  t.end()
})

t.test('a link without a direct path is pending, and says why', t => {
  const [none] = views(linked(1, { isOutbound: false }))
  t.match(none, { direction: 'inbound', state: 'pending', error: 'no session yet', path: null })
  const state = { kind: 'relayed', via: peerNumber(2), rttMs: 9, why: 'no answer to probes' } as const
  const [relayed] = views({ ...linked(1), peers: [peer(1), peer(2)], paths: [path(peerNumber(1), state)] })
  t.match(relayed, {
    state: 'relayed',
    info: /^encrypted, relayed by \w{8}\(n2\) aes-256-gcm \w{8}\(n1\): no answer to probes$/,
    error: 'no answer to probes',
    path: { kind: 'relayed', endpoint: null, via: { nickname: 'n2' }, rttMs: 9 },
  })
  t.end()
})

t.test('a connection that has not proved who it is, or that another of the same peer replaced, is connecting', t => {
  const connection = { connection: 9, endpoint: endpoint('192.0.2.9'), isOutbound: false }
  const handshake = { ...idle, direction: 'inbound', address: '192.0.2.9:6783', state: 'connecting', info: 'handshake' }
  t.match(views({ connections: [{ ...connection, peerId: undefined, isUp: false }] }), [handshake])
  const { neighbours, peers, connections } = linked(1)
  const replaced = { ...connection, peerId: peerNumber(1), isUp: false }
  t.match(views({ neighbours, peers, connections: [...connections, replaced] }), [{ state: 'pending' }, handshake])
  t.end()
})

for (const [name, parts, expected] of [
  ['waits for its first turn', {}, { state: 'connecting', info: 'waiting for its turn', retryInSeconds: null }],
  ['is being resolved', { state: 'resolving' }, { state: 'connecting', info: 'resolving' }],
  [
    'failed once',
    { lastError: 'ECONNREFUSED', attempts: 1, retryAt: NOW + 1_500 },
    { state: 'failed', info: 'ECONNREFUSED', error: 'ECONNREFUSED', retryInSeconds: 1.5 },
  ],
  [
    'failed again',
    { lastError: 'ETIMEDOUT', attempts: 2, retryAt: NOW - 10 },
    { state: 'retrying', retryInSeconds: 0 },
  ],
  ['is dialled after a failure', { state: 'dialling', lastError: 'ETIMEDOUT', attempts: 2 }, { state: 'connecting' }],
] as const)
  t.test(`a contact that ${name}`, t => {
    t.match(views({ contacts: [contact('h1', parts)] }), [{ ...idle, address: 'h1', ...expected }])
    t.end()
  })

t.test('a contact that is this peer itself is no connection', t => {
  t.strictSame(views({ contacts: [contact('h1', { state: 'ourself', peerId: SELF })] }), [])
  t.end()
})

t.test('a contact shows the endpoint that was tried, and a discovered one whose it is', t => {
  const found = { origin: 'discovered', peerId: peerNumber(4), endpoint: endpoint('192.0.2.4') } as const
  const shown = views({ peers: [peer(4)], contacts: [contact(peerNumber(4), { ...found, lastError: 'ECONNREFUSED' })] })
  t.match(shown, [{ address: '192.0.2.4:6783', info: /^ECONNREFUSED [a-z2-7]+\(n4\)$/ }])
  t.end()
})

t.test('a peer that cannot be dialled and is reached through another is relayed, with both reasons', t => {
  const state = { kind: 'relayed', via: peerNumber(2), rttMs: 9, why: 'no answer to probes' } as const
  const found = { origin: 'discovered', peerId: peerNumber(4), endpoint: endpoint('192.0.2.4') } as const
  const lost = { lastError: 'ENETUNREACH', attempts: 3, retryAt: NOW + 2_000 }
  const contacts = [contact(peerNumber(4), { ...found, ...lost })]
  t.match(views({ peers: [peer(2), peer(4)], paths: [path(peerNumber(4), state)], contacts }), [
    {
      ...{ state: 'relayed', error: 'ENETUNREACH', retryInSeconds: 2, path: { via: { nickname: 'n2' } } },
      info: /^encrypted, relayed by \w{8}\(n2\) .*\(n4\): no answer to probes; no link: ENETUNREACH$/,
    },
  ])
  t.end()
})

t.test('a contact is shown once: as a link, as what was named, or not at all', t => {
  const peerId = peerNumber(1)
  t.equal(views({ ...linked(1), contacts: [contact('h1', { peerId })] }).length, 1, 'its peer is a neighbour')
  for (const state of ['connected', 'handshake'] as const)
    t.strictSame(views({ contacts: [contact('h1', { state })] }), [], state)
  t.strictSame(views({ contacts: [contact('h1', { peerId, isReached: true })] }), [], 'its peer is reached anyhow')
  const twice = [contact('h1', { peerId }), contact(peerId, { peerId, origin: 'discovered' })]
  t.strictSame(
    views({ contacts: twice }).map(view => view.address),
    ['h1'],
    'named and discovered',
  )
  t.end()
})

t.test('attempts of others that failed are shown last', t => {
  const failedInbound = [{ endpoint: endpoint('192.0.2.7'), error: 'another secret', at: NOW - 1_000 }]
  t.match(views({ contacts: [contact('h1')], failedInbound }), [
    { direction: 'outbound' },
    {
      ...idle,
      direction: 'inbound',
      address: '192.0.2.7:6783',
      state: 'failed',
      error: 'another secret',
      info: 'another secret, 1 s ago',
    },
  ])
  t.end()
})
