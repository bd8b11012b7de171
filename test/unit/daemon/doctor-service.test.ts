import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { DoctorService } from '../../../lib/daemon/doctor-service.ts'
import { OPEN_MESH_WARNING } from '../../../lib/daemon/mesh-service.ts'
import type { HostFacts } from '../../../lib/doctor/mod.ts'
import { peerNumber } from '../../support/graphs.ts'
import { endpoint, linked, nodeReport, path } from '../../support/node-reports.ts'
import { hostFacts, reportOf } from '../doctor/reports.ts'

const CONTEXT = {} as CallContext

function service(parts: Partial<ConstructorParameters<typeof DoctorService>[0]> = {}, node = {}) {
  return new DoctorService({
    runner: { report: () => nodeReport(node) },
    report: () => reportOf(node),
    firewall: () => ({ accepting: [], warnings: [] }),
    others: [],
    examine: async () => hostFacts(),
    words: { ask: async () => ({ clocks: [], dialBacks: [] }) },
    ...parts,
  }).calls.doctor
}

t.test('what the node knows of a path and of a double is found', async t => {
  const direct = { kind: 'direct', endpoint: endpoint('192.0.2.1'), rttMs: 1 } as const
  const size = { mtu: 1_280, carries: 1_198, phase: 'complete' } as const
  const past = { double: { text: 'two of them', remedy: 'end one' }, isUnproved: false }
  const node = { ...linked(1), paths: [{ ...path(peerNumber(1), direct), size }], parts: { past } }
  const { findings } = await service({}, node)({}, CONTEXT)
  const of = (check: string) => findings.filter(one => one.check === check && one.verdict !== 'ok')
  t.match(of('identity'), [{ found: 'two of them', remedy: 'end one' }])
  t.match(of('mtu')[0], { peer: { nickname: 'n1' }, found: /MTU of 1280.* 1198 bytes whole/ })
  t.strictSame(of('status'), [], 'and told once')
})

t.test('warnings that no check is about are handed on, those of others are not', async t => {
  const others = [
    { name: 'host', warnings: () => ['a chain drops'] },
    { name: 'docker', warnings: () => ['it does not answer'] },
    { name: 'mesh', warnings: () => [OPEN_MESH_WARNING, 'the disk is full'] },
  ]
  const { findings } = await service({ others })({}, CONTEXT)
  t.strictSame(
    findings.filter(({ check }) => check === 'status').map(({ found }) => found),
    ['the disk is full'],
  )
})

t.test('the host is looked at once for all who ask meanwhile, and anew for who asks later', async t => {
  let looks = 0
  const waiting: ((facts: HostFacts) => void)[] = []
  const doctor = service({
    examine: () => {
      looks++
      return new Promise(resolve => waiting.push(resolve))
    },
  })
  const first = [doctor({}, CONTEXT), doctor({}, CONTEXT)]
  waiting[0]!(hostFacts())
  await Promise.all(first)
  t.equal(looks, 1)
  const later = doctor({}, CONTEXT)
  waiting[1]!(hostFacts())
  await later
  t.equal(looks, 2)
})
