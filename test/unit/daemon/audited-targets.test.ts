import t from 'tap'
import { parseCidr } from '../../../lib/address/mod.ts'
import { auditedTargets, type AuditedParts } from '../../../lib/daemon/audited-targets.ts'
import { ipv6Plan } from '../../support/ipv6-plan.ts'

const [DERIVED_9 = ''] = ipv6Plan().of(['10.32.0.9/12'])

type Inspected = Awaited<ReturnType<AuditedParts['host']['inspect']>>

const plugged = (addresses: string[]) => ({ addresses }) as unknown as Inspected & object
const record = (id: string, cidrs: string[]) => ({
  ...{ id, description: `target ${id}`, target: id, netnsInode: '1', cidrs, mac: '' },
})

/** Host ends by the target that they are of; what is inside, or a failure. */
function world(inside: Record<string, string[] | Error | undefined>, rest: Partial<AuditedParts> = {}) {
  const look = (id: string) => {
    const one = inside[id]
    if (one instanceof Error) throw one
    return one && plugged(one)
  }
  return auditedTargets({
    host: {
      bridge: 'weave',
      list: async () =>
        Object.keys(inside).map(targetId => ({ targetId, hostInterface: `v-${targetId}`, master: 'weave' })),
      resolve: async (id: string) => ({ id, netnsPath: '', netnsInode: 1n, description: id }),
      inspect: async ({ id }) => look(id),
      inspectPair: async id => look(id)!,
      exposed: async () => [],
    },
    records: { all: () => [] },
    driverRecords: { endpoints: () => [] },
    exposed: () => ({ cidrs: [], ipv6: [] }),
    ipv6: ipv6Plan(),
    isKept: () => false,
    range: parseCidr('10.32.0.0/12')!,
    ...rest,
  })
}

t.test('what is recorded is given with what the kernel has, or why that is not known', async t => {
  const ids = ['ok', 'broken', 'bare', 'stopped', 'away']
  const { targets, strays } = await world(
    { ok: ['10.32.0.1/12'], broken: new Error('no way in'), bare: undefined, other: [] },
    { records: { all: () => ids.map(id => record(id, ['10.32.0.1/12'])) }, isKept: id => id === 'stopped' },
  )
  t.strictSame(
    targets.map(({ key, found }) => [key, found]),
    [
      ['ok', { addresses: ['10.32.0.1/12'] }],
      ['broken', { failure: 'no way in' }],
      ['bare', { failure: 'its interface is not there' }],
      ['stopped', undefined],
      ['away', { failure: 'it is not plugged in' }],
    ],
  )
  t.strictSame(strays, ['other (v-other)'])
  t.equal(targets[0]!.give('10.32.0.1/12'), 'weave-ts attach ip:10.32.0.1/12 ok')
})

t.test('an endpoint of Docker is looked at in its container, once it has joined', async t => {
  const endpoint = { id: 'e1', network: 'n', cidrs: ['10.32.0.2/24'], mac: '02:00:00:00:00:01', sandbox: '/s' }
  const endpoints = [
    { ...endpoint, container: 'c', description: 'container c' },
    { ...endpoint, id: 'e2', sandbox: '', container: '', description: 'none yet' },
  ]
  const { targets } = await world({ 'docker:e1': ['10.32.0.2/24'] }, { driverRecords: { endpoints: () => endpoints } })
  t.strictSame(
    targets.map(({ key, holder, found }) => [key, holder, found]),
    [
      ['docker:02:00:00:00:00:01', 'docker', { addresses: ['10.32.0.2/24'] }],
      ['docker:02:00:00:00:00:01', 'docker', undefined],
    ],
  )
})

t.test('the bridge is looked at for what it was given, and for all of the range', async t => {
  const host = { exposed: async () => ['192.168.1.1/24', '10.32.0.9/12', '10.40.0.1/12', DERIVED_9, 'fd99::1/64'] }
  const given = await world({})
  t.strictSame(given.targets, [], 'a bridge without addresses is nobody')
  const { targets } = await auditedTargets({
    host: {
      ...{ bridge: 'weave', list: async () => [], resolve: async () => Promise.reject(new Error('no')) },
      ...{ inspect: async () => undefined, inspectPair: async () => Promise.reject(new Error('no')), ...host },
    },
    ...{ records: { all: () => [] }, driverRecords: { endpoints: () => [] }, isKept: () => false },
    ...{
      exposed: () => ({ cidrs: ['10.32.0.9/12'], ipv6: [DERIVED_9] }),
      ipv6: ipv6Plan(),
      range: parseCidr('10.32.0.0/12')!,
    },
  })
  const found = { addresses: ['10.32.0.9/12', '10.40.0.1/12', DERIVED_9] }
  t.match(targets, [{ cidrs: ['10.32.0.9/12'], ipv6: [DERIVED_9], found }])
})

t.test('the IPv6 addresses that should be there follow from the others, whatever is recorded', async t => {
  const [derived] = ipv6Plan().of(['10.32.0.1/12'])
  const all = ['new', 'off'].map(id => ({ ...record(id, ['10.32.0.1/12']), isIpv6Off: id === 'off' }))
  const due = async (isWanted: boolean) =>
    (await world({}, { records: { all: () => all }, ipv6: ipv6Plan(isWanted) })).targets.map(({ ipv6 }) => ipv6)
  t.strictSame(await due(true), [[derived], []])
  t.strictSame(await due(false), [[], []])
})
