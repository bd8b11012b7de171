import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { ExposureService } from '../../../lib/daemon/exposure-service.ts'
import { contact, nodeReport } from '../../support/node-reports.ts'

type Parts = ConstructorParameters<typeof ExposureService>[0]
const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }

function service(exposures: Partial<Parts['exposures']>, report = nodeReport()) {
  const logged: object[] = []
  return {
    logged,
    service: new ExposureService({
      exposures: { all: [{ cidr: '10.32.0.1/12' }, { cidr: '10.40.1.1/24' }], ...exposures } as Parts['exposures'],
      runner: { report: () => report, requireStore: () => undefined },
      mac: '02:00:5e:00:00:01',
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
    isPresent: true,
  }
  t.strictSame(await exposed.list(), [shown])
  present.delete('10.40.1.1/24')
  t.strictSame(await exposed.list(), [{ ...shown, isPresent: false }])
  t.strictSame(await service({ all: [] }).service.list(), [])
  t.strictSame(exposed.report(), { exposed: [{ cidr: '10.32.0.1/12' }, { cidr: '10.40.1.1/24' }] })
})

t.test('a peer that could not join says so to whoever waits for an address', async t => {
  const failure = new WeaveError('IPAM_WAITING', 'nobody gave an address', 'wait')
  const contacts = [contact('h1', { lastError: 'ECONNREFUSED' })]
  const report = nodeReport({ mesh: { id: undefined, isPristine: false }, contacts })
  const { calls } = service({ expose: () => Promise.reject(failure) }, report).service
  await t.rejects(calls.expose({ addresses: [] }, context) as Promise<object>, {
    code: 'IPAM_WAITING',
    message: 'nobody gave an address; h1: ECONNREFUSED',
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
