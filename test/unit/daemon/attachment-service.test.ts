import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { AttachmentService } from '../../../lib/daemon/attachment-service.ts'
import { Domain } from '../../../lib/names/mod.ts'
import { nodeReport, contact } from '../../support/node-reports.ts'

type Parts = ConstructorParameters<typeof AttachmentService>[0]

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }

const HOST = {
  id: 'weave:expose',
  description: 'this host',
  mac: '',
  cidrs: ['10.32.0.9/12'],
  names: [],
  isPresent: true,
}

function service(attachments: Partial<Parts['attachments']>, report = nodeReport()) {
  const logged: object[] = []
  const note = (fields: object) => void logged.push(fields)
  const log = { info: note, warn: note } as unknown as Parts['log']
  const monitor = { isOn: false, check: async () => {} }
  const parts = {
    attachments: {
      records: { all: () => [] },
      presentIds: async () => new Set(),
      ...attachments,
    } as unknown as Parts['attachments'],
    ipv6: { mend: async () => {} },
    resolvConfs: { reconcile: () => {}, removeAll: () => {}, warnings: () => [] },
    docker: {
      keeps: (id: string) => id === 'kept',
      stateOf: () => ({ state: 'attached', why: null }) as const,
    },
    returning: { keeps: (id: string) => id === 'awaited' },
    domain: new Domain('weave.local'),
    runner: { report: () => report, requireStore: () => undefined },
    others: async () => [HOST],
    watch: (check: () => Promise<void>) => {
      monitor.check = check
      return { set: (isOn: boolean) => void (monitor.isOn = isOn) }
    },
    log,
  }
  return { service: new AttachmentService(parts), logged, monitor }
}

t.test('attach, detach and ps are handed on as they came, the signal of the client with them', async t => {
  const seen: unknown[] = []
  const one = { id: 'netns:a', description: 'a', mac: '', cidrs: ['10.32.0.1/12'], names: [], isPresent: true }
  const { calls } = service({
    attach: async (...args) => {
      seen.push(args)
      return { cidrs: ['10.32.0.1/12'], ipv6: [], isIpv6Off: true }
    },
    detach: async (...args) => {
      seen.push(args)
      return { cidrs: ['10.32.0.1/12'], ipv6: ['fd12::a20:1/64'] }
    },
    list: async () => [one],
  }).service
  const request = {
    target: 'netns:a',
    addresses: ['net:default'],
    multicastRoute: false,
    names: ['web'],
    defaultNames: true,
    resolvConf: false,
  }
  const attached = await calls.attach(request, context)
  t.match(attached, { cidrs: ['10.32.0.1/12'], ipv6: [], notes: [/^netns:a has IPv6 switched off/] })
  t.strictSame(await calls.detach({ target: 'netns:a', addresses: [] }, context), {
    cidrs: ['10.32.0.1/12'],
    ipv6: ['fd12::a20:1/64'],
  })
  t.strictSame(await calls.ps({}, context), {
    attachments: [HOST, one].map(each => ({
      ...each,
      ...{ state: 'attached', why: null, network: null, ipv6: [], isIpv6Off: false },
    })),
  })
  t.strictSame(seen, [
    [
      'netns:a',
      ['net:default'],
      { multicastRoute: false, names: ['web'], defaultNames: true, resolvConf: false, signal: context.signal },
    ],
    ['netns:a', []],
  ])
})

t.test('a peer that could not join says so to whoever waits for an address', async t => {
  const failure = new WeaveError('IPAM_WAITING', 'nobody gave an address', 'wait')
  const contacts = [contact('h1', { lastError: 'ECONNREFUSED' })]
  const report = nodeReport({
    mesh: { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined },
    contacts,
  })
  const { calls } = service({ attach: () => Promise.reject(failure) }, report).service
  const request = {
    target: 'netns:a',
    addresses: [],
    multicastRoute: true,
    names: [],
    defaultNames: true,
    resolvConf: false,
  }
  await t.rejects(calls.attach(request, context) as Promise<object>, {
    code: 'IPAM_WAITING',
    message: /^nobody gave an address; .*h1: ECONNREFUSED/,
  })
})

t.test('what is gone is logged, one by one', async t => {
  const { service: attachments, logged } = service({ reconcile: async () => ['netns:a', 'netns:b'] })
  await attachments.reconcile()
  t.match(logged, [
    { event: 'attachment-gone', id: 'netns:a' },
    { event: 'attachment-gone', id: 'netns:b' },
  ])
})

t.test('names that labels ask for and that cannot be are warnings', async t => {
  const all = Array.from({ length: 12 }, (_, i) => ({ description: `container c${i}`, refusedNames: ['a\u001b b'] }))
  const records = {
    all: () => [{ description: 'container web', refusedNames: ['web.example.com', 'fine'] }, ...all],
  } as unknown as Parts['attachments']['records']
  const warnings = service({ records }).service.warnings()
  t.strictSame(warnings.slice(0, 3), [
    'container web is not called "web.example.com", as its labels ask: "web.example.com" is not in the domain weave.local',
    'container web is not called "fine", as its labels ask: that is one too many, beyond 32',
    'container c0 is not called "a? b", as its labels ask: "a? b" is no name for a container',
  ])
  t.match(warnings.at(-1), /^\d+ more names that labels ask for cannot be$/)
})

t.test('host ends that vanish are looked after while something is attached that no engine tells of', async t => {
  let ids = ['kept']
  let reconcile = async () => ids.filter(id => id === 'netns:a')
  const attachments = {
    records: { all: () => ids.map(id => ({ id })) },
    reconcile: () => reconcile(),
  } as unknown as Parts['attachments']
  const { service: one, logged, monitor } = service(attachments)
  await one.reconcile()
  t.notOk(monitor.isOn, 'containers are the business of their engine')
  ids.push('netns:a')
  one.changed()
  t.ok(monitor.isOn)
  await monitor.check()
  t.match(logged, [{ event: 'attachment-gone', id: 'netns:a' }])
  ids = ['netns:a']
  reconcile = () => Promise.reject(new WeaveError('MISSING_TOOL', 'no ip', 'install it'))
  await monitor.check()
  t.match(logged.at(-1), { event: 'attachments', error: 'no ip' })
  await one.stop(false)
  one.changed()
  t.notOk(monitor.isOn)
})

t.test('an address that others have the better right to is noted when its target is attached', async t => {
  const cidrs = ['10.32.0.1/12', '10.32.0.2/12']
  const report = nodeReport()
  const disputed = [{ container: 'netns:a', cidr: cidrs[1]! }]
  const { calls } = service(
    { attach: async () => ({ cidrs, ipv6: [], isIpv6Off: false }) },
    { ...report, ipam: { ...report.ipam, disputed } },
  ).service
  const request = { target: 'netns:a', addresses: [], multicastRoute: false, names: [] }
  const { notes } = await calls.attach({ ...request, defaultNames: true, resolvConf: false }, context)
  t.match(notes, [/^10\.32\.0\.2\/12 is disputed: its block belongs to nobody that is known/])
  t.equal(notes?.length, 1)
})
