import t from 'tap'
import type { NodeReport, PathReport } from '../../../lib/node/mod.ts'
import { mtuFindings, tcpFindings, udpFindings, versionFindings } from '../../../lib/doctor/neighbour-checks.ts'
import { peerNumber } from '../../support/graphs.ts'
import { endpoint, linked, path, peer, SELF } from '../../support/node-reports.ts'
import { reportOf, shortOf } from './reports.ts'

const DIRECT: PathReport['state'] = { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 0.4 }

function withPath(state: PathReport['state'], parts: Partial<PathReport> = {}): Partial<NodeReport> {
  return { ...linked(1), paths: [{ ...path(peerNumber(1), state), ...parts }] }
}

/** Peer 1 says so of its link to this host. */
function saying(isDataUp: boolean): Partial<NodeReport> {
  const links = [{ neighbour: SELF, endpoint: undefined, isOutbound: false, rttClass: 1, isDataUp }]
  return { ...withPath(DIRECT), peers: [peer(1, { links })] }
}

t.test('whoever dialled this host shows that its port is open; where nobody did, that is said', async t => {
  const inbound = tcpFindings(reportOf(linked(1, { isOutbound: false })), [])
  t.strictSame(shortOf(inbound), ['tcp ok n1'])
  t.match(inbound[0]?.found, /\(n1\) dialled TCP port 6783 of this host, from 192\.0\.2\.1:6783/)
  const outbound = tcpFindings(reportOf(linked(1), { endpoints: ['198.51.100.7:6783'] }), [])
  t.strictSame(shortOf(outbound), ['tcp ok n1', 'tcp unknown'])
  t.match(outbound[1], {
    found: /nobody has dialled this host: the link was begun here/,
    remedy: /198\.51\.100\.7:6783/,
  })
  const dialBacks = [{ peer: { id: peerNumber(1), nickname: 'n1' }, endpoint: '192.0.2.2:6783', why: null }]
  const asked = tcpFindings(reportOf(linked(1)), dialBacks)
  t.strictSame(shortOf(asked), ['tcp ok n1', 'tcp ok n1'], 'one that was asked to shows it too')
  t.strictSame(tcpFindings(reportOf(), []), [], 'no neighbour, no word')
})

t.test('a path that answers is well, both ways where the other one says so', async t => {
  t.strictSame(shortOf(udpFindings(reportOf(withPath(DIRECT)))), ['udp ok n1'])
  const both = udpFindings(reportOf(saying(true)))
  t.strictSame(shortOf(both), ['udp ok n1'])
  t.match(both[0]?.found, /answers datagrams at 192\.0\.2\.1:6783 in less than 1 ms, and says the same of this host/)
  const one = udpFindings(reportOf(saying(false)))
  t.strictSame(shortOf(one), ['udp warning n1'])
  t.match(one[0]?.found, /it says itself that its datagrams to this host are not answered yet/)
})

t.test('no path, a path through others or over TCP, and loss are told with a remedy', async t => {
  const none = udpFindings(reportOf(withPath({ kind: 'none', why: 'no answer to UDP probes of 192.0.2.1:6783' })))
  t.strictSame(shortOf(none), ['udp problem n1'])
  t.match(none[0], {
    found: /no answer to UDP probes of/,
    remedy: /let UDP port 6783 through the firewalls on both hosts/,
  })
  const tcp = udpFindings(reportOf(withPath({ kind: 'tcp', rttMs: 3, why: 'no answer' })))
  t.match(tcp, [{ verdict: 'warning', found: /over the control link \(TCP\), which is slower: no answer/ }])
  const relayed = udpFindings(reportOf(withPath({ kind: 'relayed', via: peerNumber(2), rttMs: 3, why: 'no answer' })))
  t.match(relayed, [{ verdict: 'warning', found: /go through \w+\(\?\): no answer/, remedy: /UDP port 6783/ }])
  const lossy = udpFindings(reportOf(withPath(DIRECT, { lossPercent: 30 })))
  t.match(lossy, [{ verdict: 'warning', found: /30 % of this host's probes/, remedy: /weave-ts ping n1/ }])
  t.strictSame(shortOf(udpFindings(reportOf(withPath(DIRECT, { lossPercent: 5 })))), ['udp ok n1'])
})

t.test('nothing is missed before there is a mesh, nor a problem just after the start', async t => {
  const mesh = { id: undefined, isPristine: true, isUnused: true, ipv6Prefix: undefined }
  t.strictSame(udpFindings(reportOf({ ...withPath({ kind: 'none', why: '' }), mesh })), [])
  const young = reportOf(withPath({ kind: 'none', why: 'nobody answered' }), { uptimeSeconds: 5 })
  t.strictSame(shortOf(udpFindings(young)), ['udp warning n1'])
})

t.test('a path that carries less than the overlay is told with both sizes; else the least is', async t => {
  const report = reportOf(withPath(DIRECT))
  t.match(mtuFindings(report, { small: [], carried: [1_420, 1_418] }), [
    { verdict: 'ok', found: /MTU is 1376, and 2 paths carry 1418 bytes whole/ },
  ])
  const small = { peer: { id: peerNumber(1), nickname: 'n1' }, mtu: 1280, carries: 1198 }
  t.match(mtuFindings(report, { small: [{ ...small, isLost: false }], carried: [1_418] }), [
    {
      verdict: 'warning',
      found: /MTU of 1280, .* up to 1198 bytes whole, .* the overlay's MTU is 1376/,
      remedy: /--mtu 1198/,
    },
  ])
  t.strictSame(shortOf(mtuFindings(report, { small: [{ ...small, isLost: true }], carried: [] })), ['mtu problem n1'])
  t.strictSame(mtuFindings(report, { small: [], carried: [] }), [], 'no path was measured')
})

t.test('peers of another version are named', async t => {
  const info = {
    ...{ nickname: 'n', incarnation: '0011223344556677', protocolVersion: 1, udpPort: 6783 },
    ...{ capabilities: 0, endpoints: [] },
  }
  const of = (...versions: string[]) =>
    versionFindings(
      reportOf({ peers: versions.map((softwareVersion, i) => peer(i + 1, { info: { ...info, softwareVersion } })) }),
    )
  t.match(of('1.2.3', '1.2.3'), [{ verdict: 'ok', found: /2 other peers and this one run 1\.2\.3/ }])
  t.match(of('1.2.3', '1.1.0'), [
    { verdict: 'warning', found: /this host runs 1\.2\.3, others do not: \w+\(n2\) 1\.1\.0$/ },
  ])
  t.strictSame(of(), [])
})
