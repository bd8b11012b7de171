import t from 'tap'
import { Report, Status } from '../../../lib/api/mod.ts'
import { detailsOf, statusOf, type DaemonFacts } from '../../../lib/daemon/status/status.ts'
import { describeLinkDown } from '../../../lib/node/reasons.ts'
import type { NodeReport, PeerReport } from '../../../lib/node/report.ts'
import { MAC_LOCAL } from '../../../lib/overlay/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'
import { NOW, SELF, contact, endpoint, linked, nodeReport, path, peer } from '../../support/node-reports.ts'

const info = { nickname: 'n', endpoints: [] } as unknown as PeerReport['info']

const FACTS: DaemonFacts = {
  version: '1.2.3',
  pid: 42,
  stateDir: '/state',
  startedAt: NOW - 61_900,
  hasSecret: true,
  mtu: 1_376,
}
const PLANE = {
  offloads: { tapGso: true },
  counters: { 'rx-datagrams': 7 },
  macs: [],
  refused: { rate: 0, strangers: 0 },
}

t.test('a peer alone in its mesh is ready, and its status follows the schema', t => {
  const status = { ...statusOf(nodeReport(), FACTS, NOW), ...SERVICE_FIELDS }
  t.strictSame(Status.parse(status), status)
  t.match(status, {
    pid: 42,
    uptimeSeconds: 61,
    isReady: true,
    mesh: { id: 'ab'.repeat(16), isPristine: false, isUnused: false, ipv6Prefix: 'fd12:3456:789a::/48' },
    peer: { id: SELF, nickname: 'self', incarnation: '0011223344556677' },
    encryption: 'secret',
    memberEndpoints: [],
    connections: [],
    waiting: [],
    warnings: [],
  })
  t.equal(status.peers.length, 1)
  t.equal(statusOf(nodeReport(), { ...FACTS, hasSecret: false }, NOW).encryption, 'open')
  t.end()
})

t.test('a peer to which no data gets through is warned of, with since when, why and what to do', t => {
  const [near, far] = [peerNumber(1), peerNumber(2)]
  const lost = (peerId: typeof near, unusableSince: number, isOnDemand = false) => ({
    ...path(peerId, { kind: 'none', why: 'no answer to UDP probes of 192.0.2.1:6783' }),
    unusableSince,
    isOnDemand,
  })
  const member = (number: number) => peer(number, { info })
  const warningsOf = (...paths: ReturnType<typeof lost>[]) =>
    statusOf(nodeReport({ paths, peers: [member(1), member(2)] }), FACTS, NOW).warnings
  t.match(warningsOf(lost(near, NOW - 35_000)), [
    /^no data gets through to .* for 35 s, .*no answer to UDP probes of 192.0.2.1:6783; let UDP port 6783/,
  ])
  t.same(warningsOf(lost(near, NOW - 3_000)), [], 'it may still come up')
  t.same(warningsOf(lost(far, NOW - 35_000, true)), [], 'nobody needs it')
  const { neighbours } = linked(1)
  const paths = [lost(near, NOW - 35_000)]
  const joining = nodeReport({ paths, neighbours, peers: [peer(1, { isReachable: false })] })
  t.same(statusOf(joining, FACTS, NOW).warnings, [], 'it has not joined yet')
  const mesh = { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined }
  t.same(statusOf(nodeReport({ mesh, paths, neighbours, peers: [member(1)] }), FACTS, NOW).warnings, [], 'nor this one')
  t.end()
})

t.test('a peer that reaches none of the others of its mesh says so, once links had time to be made', t => {
  const gone = [peer(1, { info, isReachable: false }), peer(2, { info, isReachable: false })]
  const warningsOf = (parts: Partial<Parameters<typeof statusOf>[0]>, startedAt = FACTS.startedAt) =>
    statusOf(nodeReport(parts), { ...FACTS, startedAt }, NOW).warnings
  t.match(warningsOf({ peers: gone }), [
    /^this host does not reach any of the 2 other members of its mesh, .*connections/,
  ])
  t.match(warningsOf({ peers: [gone[0]!] }), [/^this host does not reach the other member of its mesh/])
  t.same(warningsOf({ peers: gone }, NOW - 5_000), [], 'it has just begun')
  t.same(warningsOf({ peers: [gone[0]!, peer(2, { info })] }), [], 'it reaches one of them')
  t.same(warningsOf({ peers: [peer(1, { isReachable: false })] }), [], 'nothing is known of the other one')
  const direct = path(peerNumber(1), { kind: 'direct', endpoint: endpoint('192.0.2.1:6783'), rttMs: 1 })
  t.same(warningsOf({ peers: gone, paths: [direct] }), [], 'data gets through without a link')
  t.end()
})

t.test('a peer without a mesh is not ready, and says what it waits for and what went wrong last', t => {
  const waiting = { ...nodeReport().ipam, state: 'waiting' as const, reason: 'no owner is known' }
  const report = nodeReport({
    mesh: { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined },
    ipam: waiting,
  })
  const quiet = statusOf(report, FACTS, NOW)
  t.match(quiet, { isReady: false, mesh: { id: null, founding: 'nobody' }, waiting: [/^no peer was named/] })
  const contacts = [
    contact('fine'),
    contact('h1', { lastError: 'ECONNREFUSED' }),
    contact('h2', { lastError: 'later' }),
  ]
  t.match(statusOf({ ...report, contacts }, FACTS, NOW).waiting, [/h1: ECONNREFUSED, h2: later/])
  t.strictSame(
    statusOf(nodeReport({ ipam: waiting, contacts }), FACTS, NOW).waiting,
    ['no owner is known'],
    'in a mesh its contacts are not the reason',
  )
  t.equal(statusOf(nodeReport({ ipam: waiting }), FACTS, NOW).isReady, false, 'and without an owner of blocks neither')
  t.end()
})

t.test('a peer that handed blocks on twice is warned of by name', t => {
  const twiceGivers = [{ giver: peerNumber(3), rival: peerNumber(2), blocks: 4 }]
  const report = nodeReport({ ...linked(3), ipam: { ...nodeReport().ipam, twiceGivers } })
  t.match(statusOf(report, FACTS, NOW).warnings, [/\(n3\) handed 4 blocks of addresses on twice, the second time to /])
  t.end()
})

t.test('a peer that manages another range is warned of by name', t => {
  const otherRanges = [{ peer: peerNumber(3), range: '10.40.0.0/16' }]
  const report = nodeReport({ ...linked(3), ipam: { ...nodeReport().ipam, otherRanges } })
  t.match(statusOf(report, FACTS, NOW).warnings, [/\(n3\) manages another range \(10\.40\.0\.0\/16\)/])
  t.end()
})

t.test('details name peers by what the lanes call them, and show what was refused only where there is any', t => {
  const report = nodeReport({
    peers: [peer(1), peer(2)],
    routes: [{ destination: peerNumber(2), nextHop: peerNumber(1) }],
    tree: [{ peer: SELF, children: [peerNumber(1)] }],
    drops: { 'routed-kind': 2 },
  })
  const seen = { mac: 0x02_00_00_00_00_0a, lastSeenSeconds: NOW / 1000 - 7 }
  const macs = [
    { ...seen, peer: MAC_LOCAL },
    { ...seen, peer: 2 },
    { ...seen, peer: 9 },
  ]
  const details = detailsOf(report, { ...PLANE, macs, refused: { rate: 0, strangers: 4 } }, NOW)
  t.strictSame(
    details.macs.map(({ mac, peer: at, secondsAgo }) => [mac, at?.nickname, secondsAgo]),
    [
      ['02:00:00:00:00:0a', 'self', 7],
      ['02:00:00:00:00:0a', 'n2', 7],
      ['02:00:00:00:00:0a', undefined, 7],
    ],
  )
  t.match(details.routes, [{ destination: { nickname: 'n2' }, via: { nickname: 'n1' } }])
  t.match(details.broadcastTree, [{ peer: { id: SELF }, children: [{ nickname: 'n1' }] }])
  t.strictSame(details.drops, { 'routed-kind': 2, 'link-refused-strangers': 4 })
  const all = { ...statusOf(report, FACTS, NOW), ...SERVICE_FIELDS, ...details }
  t.strictSame(Report.parse(all), all)
  t.end()
})

t.test('that others have another mesh secret is a warning while there is no link', t => {
  const refused = contact('h1', { lastError: describeLinkDown('refused-secret') })
  const contacts = [refused, contact('h2', { lastError: describeLinkDown('secret-mismatch') }), contact('h3', {})]
  const warnings = (parts: object) => statusOf({ ...nodeReport(), ...parts }, FACTS, NOW).warnings
  t.match(warnings({ contacts }), [/^2 peers have another mesh secret than this host/])
  const hold = { state: 'waiting' as const, reason: 'started on stored state' }
  const held = (parts: Partial<NodeReport>) =>
    statusOf(nodeReport({ ...parts, ipam: { ...nodeReport().ipam, ...hold } }), FACTS, NOW)
  t.match(held({ contacts }).waiting, [
    /^started on stored state; 2 peers have another mesh secret than this host, and/,
  ])
  t.strictSame(held({}).waiting, ['started on stored state'])
  t.match(warnings({ contacts: [refused] }), [/^1 peer has another/])
  t.strictSame(warnings({ contacts, ...linked(1) }), [])
  t.strictSame(warnings({ contacts: [contact('h1', { lastError: 'ECONNREFUSED' })] }), [])
  t.end()
})

t.test('a member says who of those that were named answers and does not let it in, and why', t => {
  const warnings = (parts: Partial<NodeReport>) => statusOf(nodeReport(parts), FACTS, NOW).warnings
  const other = contact('h1', { lastError: 'timed out', refusal: 'two different meshes: leave one' })
  t.strictSame(warnings({ contacts: [other] }), ['there is no link to h1: two different meshes: leave one'])
  t.strictSame(
    warnings({
      contacts: [
        { ...other, isReached: true },
        { ...other, origin: 'discovered' },
      ],
    }),
    [],
  )
  t.strictSame(warnings({ contacts: [other], mesh: { ...nodeReport().mesh, id: undefined } }), [], 'it waits for it')
  const lastError = 'the other side uses a different mesh secret (--password): both sides need the same one'
  const secret = contact('h2', { lastError, refusal: lastError })
  t.match(warnings({ contacts: [secret] }), [/^1 peer has another mesh secret/])
  t.equal(warnings({ contacts: [secret] }).length, 1, 'once')
  t.match(warnings({ contacts: [secret], ...linked(1) }), [/^there is no link to h2: .*; give both the secret/])
  t.end()
})
