import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import type { Service } from '../../../lib/daemon/service.ts'
import { StatusService } from '../../../lib/daemon/status-service.ts'
import { NOW, nodeReport } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const FACTS = { version: '1', pid: 1, stateDir: '/s', startedAt: NOW, hasSecret: true, mtu: 1_400 }
const OVERLAY = {
  bridge: 'weave',
  isAdopted: false,
  device: 'weave-tap',
  mtu: 1_400,
  ipv6Off: null,
  mac: '02:00:00:00:00:01',
}

function statusWith(others: readonly Service[]) {
  return new StatusService({
    runner: { report: () => nodeReport() },
    facts: FACTS,
    plane: () => ({ offloads: {}, counters: {}, macs: [], refused: {} }),
    others,
    now: () => NOW,
  }).calls.status({}, context)
}

t.test('fields and warnings of the other services are part of the status', async t => {
  const status = await statusWith([
    { name: 'a', warnings: () => ['one'] },
    { name: 'b', report: () => ({ ...SERVICE_FIELDS, overlay: OVERLAY }), warnings: () => ['two'] },
  ])
  t.strictSame(status.overlay, OVERLAY)
  t.strictSame(status.warnings, ['one', 'two'])
})

t.test('a field that nobody reports, or two do, is a fault of ours that names it', t => {
  t.throws(() => statusWith([]), /no service reports .*overlay/)
  const host = { name: 'host', report: () => ({ ...SERVICE_FIELDS, overlay: OVERLAY }) }
  t.throws(() => statusWith([host, { ...host, name: 'other' }]), /the service other reports overlay/)
  t.throws(() => statusWith([host, { name: 'liar', report: () => ({ isReady: true }) }]), /liar reports isReady/)
  t.end()
})

t.test('a status is kept for ten times as long as it took, and not over a change', async t => {
  let now = NOW
  let costMs = 20
  let reports = 0
  const service = new StatusService({
    runner: {
      report: () => {
        now += costMs
        return nodeReport({ drops: { made: ++reports } })
      },
    },
    facts: FACTS,
    plane: () => ({ offloads: {}, counters: {}, macs: [], refused: {} }),
    others: [{ name: 'host', report: () => ({ ...SERVICE_FIELDS, overlay: OVERLAY }) }],
    now: () => now,
  })
  const ask = async () => service.calls.status({}, context)
  const first = await ask()
  now += 199
  t.equal(await ask(), first)
  now += 1
  const second = await ask()
  t.not(second, first)
  t.equal(second.uptimeSeconds, 0)
  t.equal(reports, 2)
  service.changed()
  t.not(await ask(), second)
  costMs = 0
  now += 1_000
  const quick = await ask()
  t.not(await ask(), quick, 'what costs nothing is not kept')
})
