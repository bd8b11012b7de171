import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { ExposureService } from '../../../lib/daemon/exposure-service.ts'
import { contact, nodeReport } from '../../support/node-reports.ts'

type Parts = ConstructorParameters<typeof ExposureService>[0]
const ONE = { cidr: '10.32.0.1/12', isMasqueraded: true }
const TWO = { cidr: '10.40.1.1/24', isMasqueraded: false }
const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }

function service(exposures: Partial<Parts['exposures']>, report = nodeReport(), isForwarding = true) {
  const logged: object[] = []
  return {
    logged,
    service: new ExposureService({
      exposures: {
        all: [ONE, TWO],
        ipv6: ['fd12:3456:789a:1::a20:1/64'],
        isIpv6Off: false,
        foreign: [],
        names: { full: ['gate.weave.local.'] },
        ...exposures,
      } as Parts['exposures'],
      runner: { report: () => report, requireStore: () => undefined },
      mac: '02:00:5e:00:00:01',
      isForwarding: async () => isForwarding,
      log: { info: (fields: object) => void logged.push(fields) } as unknown as Parts['log'],
    }),
  }
}

t.test('the host is shown as one that holds addresses, gone when the bridge has lost one', async t => {
  const present = new Set(['10.32.0.1/12', '10.40.1.1/24'])
  const { service: exposed } = service({ present: async () => present })
  const shown = {
    id: 'weave:expose',
    description: 'this host',
    mac: '02:00:5e:00:00:01',
    cidrs: ['10.32.0.1/12', '10.40.1.1/24'],
    ipv6: ['fd12:3456:789a:1::a20:1/64'],
    isIpv6Off: false,
    names: ['gate.weave.local.'],
    isPresent: true,
  }
  t.strictSame(await exposed.list(), [shown])
  present.delete('10.40.1.1/24')
  t.strictSame(await exposed.list(), [{ ...shown, isPresent: false }])
  t.strictSame(await service({ all: [] }).service.list(), [])
  t.strictSame(exposed.report(), {
    exposed: [
      { ...ONE, ipv6: 'fd12:3456:789a:1::a20:1/64' },
      { ...TWO, ipv6: null },
    ],
  })
})

t.test('a peer that could not join says so to whoever waits for an address', async t => {
  const failure = new WeaveError('IPAM_WAITING', 'nobody gave an address', 'wait')
  const contacts = [contact('h1', { lastError: 'ECONNREFUSED' })]
  const report = nodeReport({
    mesh: { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined },
    contacts,
  })
  const { calls } = service({ expose: () => Promise.reject(failure) }, report).service
  await t.rejects(calls.expose({ addresses: [], masquerade: true, names: [] }, context) as Promise<object>, {
    code: 'IPAM_WAITING',
    message: /^nobody gave an address; .*h1: ECONNREFUSED/,
  })
})

t.test('what the bridge had lost is logged', async t => {
  let added = ['10.32.0.1/12']
  const { service: exposed, logged } = service({ reconcile: async () => added })
  await exposed.reconcile()
  added = []
  await exposed.reconcile()
  t.match(logged, [{ event: 'exposed', cidrs: '10.32.0.1/12' }])
  t.equal(logged.length, 1)
})

t.test('a host that forwards nothing says so to whoever exposes it', async t => {
  const asked: unknown[] = []
  const expose = async (...args: unknown[]) => {
    asked.push(args)
    return { cidrs: ['10.32.0.1/12'], ipv6: [] }
  }
  const request = { addresses: ['net:default'], masquerade: false, names: ['gate'] }
  t.strictSame(await service({ expose }).service.calls.expose(request, context), {
    cidrs: ['10.32.0.1/12'],
    ipv6: [],
    notes: [],
  })
  t.strictSame(asked, [[['net:default'], { isMasqueraded: false, signal: context.signal, names: ['gate'] }]])
  t.match(await service({ expose }, nodeReport(), false).service.calls.expose(request, context), {
    notes: [/ip_forward is 0.*sysctl -w/],
  })
  t.match(await service({ expose, isIpv6Off: true }).service.calls.expose(request, context), {
    notes: [/^IPv6 is switched off on the bridge/],
  })
})

t.test('why the host lacks its addresses is a warning, until it has them', async t => {
  let reconcile = () => Promise.reject<string[]>(new WeaveError('MISSING_TOOL', 'no nft', 'install it'))
  const { service: exposed } = service({ reconcile: () => reconcile() })
  await t.rejects(exposed.reconcile(), { code: 'MISSING_TOOL' })
  t.match(exposed.warnings(), [/does not have its addresses.*no nft/])
  reconcile = async () => []
  await exposed.reconcile()
  t.strictSame(exposed.warnings(), [])
  t.match(service({ foreign: ['10.32.0.7/12'] }).service.warnings(), [/10\.32\.0\.7\/12.*expose ip:10\.32\.0\.7\/12`/])
})
