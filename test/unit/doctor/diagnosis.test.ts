import t from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { diagnose, diagnoseWithoutDaemon, type DaemonSeen } from '../../../lib/doctor/mod.ts'
import { linked, path } from '../../support/node-reports.ts'
import { endpoint } from '../../support/node-reports.ts'
import { peerNumber } from '../../support/graphs.ts'
import { hostFacts, reportOf } from './reports.ts'

const NOW = new Date('2026-01-31T12:00:00Z')
const DOWN = new WeaveError('DAEMON_DOWN', 'no daemon answers', 'start it with `weave-ts launch`')

function seen(parts: Partial<DaemonSeen> = {}): DaemonSeen {
  const paths = [path(peerNumber(1), { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 1 })]
  const report = reportOf(
    { ...linked(1, { isOutbound: false }), paths },
    { overlay: { ...reportOf().overlay, mtu: 1_330 }, dns: { ...reportOf().dns, upstream: ['192.0.2.53'] } },
  )
  return {
    report,
    paths: { small: [], carried: [] },
    double: undefined,
    firewall: { accepting: [], warnings: [] },
    words: { clocks: [], dialBacks: [] },
    warnings: [],
    ...parts,
  }
}

t.test('where nothing is wrong all that was looked at is well', async t => {
  const answer = diagnose(seen(), hostFacts(), NOW)
  t.match(answer, { problems: 0, warnings: 0, isDaemonUp: true })
  t.ok(answer.findings.length > 15, `${answer.findings.length} findings`)
  t.strictSame([...new Set(answer.findings.map(({ verdict }) => verdict))], ['ok'])
})

t.test('what is wrong with daemon and host comes first, and each says what to do', async t => {
  const inputDrops = [{ chain: 'inet filter input', missing: ['tcp', 'udp'] as const }]
  const range = new WeaveError('RANGE_OVERLAP', 'the range overlaps', 'choose another')
  const host = hostFacts({ inputDrops, preflight: { ...hostFacts().preflight, range } })
  const answer = diagnose(seen({ double: { text: 'two of them', remedy: 'end one' } }), host, NOW)
  t.match(answer, { problems: 2, warnings: 0 })
  t.match(answer.findings, [{ check: 'identity' }, { check: 'range', remedy: 'choose another' }])
  t.notOk(
    answer.findings.some(({ check, verdict }) => check === 'firewall' && verdict !== 'ok'),
    'a neighbour that dialled, and datagrams that come, show that the port is open',
  )
})

t.test('without a daemon that is the problem, and the host is looked at all the same', async t => {
  const host = hostFacts({ inputDrops: [{ chain: 'inet filter input', missing: ['tcp'] }] })
  const answer = diagnoseWithoutDaemon({ down: DOWN, taken: undefined }, host, NOW)
  t.match(answer, { problems: 1, warnings: 1, isDaemonUp: false })
  t.match(answer.findings, [{ check: 'daemon', remedy: 'start it with `weave-ts launch`' }, { check: 'firewall' }])
  const taken = new WeaveError('PORT_IN_USE', 'TCP *:6783 is in use', 'end it')
  t.match(diagnoseWithoutDaemon({ down: DOWN, taken }, host, NOW), {
    problems: 2,
    findings: [{}, { remedy: 'end it' }],
  })
})
