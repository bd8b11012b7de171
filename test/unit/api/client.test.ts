import { createServer, type Socket } from 'node:net'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isSameBuild } from '../../../lib/api/build-name.ts'
import { ApiClient, CALLS, type CallName } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { statusOf } from '../../../lib/daemon/status/status.ts'
import { NOW, nodeReport } from '../../support/node-reports.ts'
import { SERVICE_FIELDS } from '../../support/service-fields.ts'
import { deferred, served } from './server-fixture.ts'

const FACTS = { version: '1', pid: 1, stateDir: '/s', startedAt: NOW, hasSecret: true, mtu: 1_400 }
const STATUS = { ...statusOf(nodeReport(), FACTS, NOW), ...SERVICE_FIELDS }
const ATTACHED = {
  id: 'netns:a',
  description: 'a',
  mac: '',
  cidrs: ['10.32.0.1/12'],
  ipv6: ['fd12::a20:1/64'],
  isIpv6Off: false,
  names: [],
  isPresent: true,
}
const CONTAINER = {
  container: 'netns:a',
  addresses: ['10.32.0.1'],
  names: ['web.weave.local.'],
  peer: { id: 'p', nickname: 'n' },
  isReachable: true,
  isPlugged: true,
}
const RUN = {
  ...{ first: '10.32.0.0', last: '10.32.0.63', blocks: 1, addresses: 64, owner: { id: 'p', nickname: 'n' } },
  ...{ isSelf: false, isReachable: true, leased: 0, resting: 1, lent: 0, free: null, barred: 0, told: 2 },
}
const REPORT = {
  ...STATUS,
  macs: [],
  routes: [],
  broadcastTree: [],
  engine: { offloads: {}, counters: {} },
  drops: { x: 1 },
  ledger: { owners: 1, records: 2, bytes: 3 },
}
const EVENT = {
  ...{ seq: 7, time: '2026-01-31T12:00:00.000Z', level: 'info', event: 'link-up', text: '' },
  details: { peer: 'p' },
} as const
const PERF = {
  ...{
    time: EVENT.time,
    peer: { id: 'p', nickname: 'n' },
    way: 'overlay',
    direction: 'to',
    rate: 1_000_000,
    seconds: 2,
  },
  ...{ path: null, datagramBytes: 1_454, sent: 7, received: 6, lossPercent: 14.3, reordered: 0, jitterMs: 0.25 },
  ...{ sentBitsPerSecond: 9, receivedBitsPerSecond: 8, series: [{ seconds: 0.5, receivedBitsPerSecond: 7 }] },
  idle: { sent: 1, answered: 0, rttMs: null },
  loaded: { sent: 1, answered: 1, rttMs: { min: 1, average: 2, max: 3 } },
}
const ANSWERS: Readonly<Record<CallName, object | string>> = {
  status: STATUS,
  report: REPORT,
  doctor: {
    ...{ schemaVersion: 1, isDaemonUp: true, problems: 0, warnings: 1 },
    findings: [{ check: 'udp', group: 'neighbours', verdict: 'warning', peer: null, found: 'f', remedy: null }],
  },
  metrics: '# TYPE weave_ts_ready gauge\nweave_ts_ready 1\n',
  ps: { attachments: [{ ...ATTACHED, state: 'attached', why: null, network: null }] },
  containers: { containers: [CONTAINER] },
  whois: { containers: [CONTAINER] },
  groups: {
    groups: [{ group: '239.1.2.3', peers: [{ id: 'p', nickname: 'n' }] }],
    everything: [{ peer: { id: 'p', nickname: 'n' }, why: 'it says so' }],
  },
  routes: {
    routes: [
      {
        ...{
          peer: { id: 'p', nickname: 'n' },
          isReachable: true,
          kind: 'idle',
          endpoint: null,
          via: null,
          rttMs: null,
        },
        ...{ way: [{ peer: { id: 'p', nickname: 'n' }, rttClass: 2 }], cost: 4, why: 'no session' },
      },
    ],
  },
  graph: {
    peers: [{ id: 'p', nickname: 'n', isSelf: true, isReachable: true, containers: 3 }],
    edges: [{ from: 'p', to: 'q', rttClass: 2, kind: 'link' }],
    paths: [{ to: 'q', kind: 'relayed', via: 'r', rttMs: 1.5, why: 'no answer' }],
    leftOut: { peers: 0, edges: 1 },
  },
  history: {
    ...{ stepSeconds: 10, end: '2026-01-31T12:00:00.000Z' },
    total: { inBytesPerSecond: [null, 1], outBytesPerSecond: [0, 2] },
    peers: [{ id: 'p', nickname: 'n', inBytesPerSecond: [1, 1], outBytesPerSecond: [2, 2], rttMs: [null, 0.4] }],
  },
  ping: { peer: { id: 'p', nickname: 'n' }, isAnswered: false, rttMs: null, path: null, why: 'no way' },
  top: {
    ...{ seconds: 2, framesSeen: 3, others: { pairs: 0, bytesPerSecond: 0, framesPerSecond: 0 } },
    talks: [
      {
        source: { address: '10.32.0.1', container: 'netns:a', names: [], peer: { id: 'p', nickname: 'n' } },
        destination: { address: '224.0.0.251', container: null, names: [], peer: null },
        ...{ direction: 'out', bytesPerSecond: 1.5, framesPerSecond: 1 },
      },
    ],
  },
  perf: PERF,
  'perf-history': { measurements: [PERF] },
  ipam: { range: '10.32.0.0/12', blockPrefix: 26, blockAddresses: 64, runs: [RUN], outside: [] },
  'ipam-check': { leases: 1, targets: 1, addresses: 1, findings: [{ what: 'a', remedy: 'b' }] },
  connect: { targets: ['h1'] },
  found: { mesh: 'ab'.repeat(16) },
  events: { events: [EVENT] },
  forget: { targets: [], strange: ['h9'], told: 2 },
  rmpeer: {
    peer: { id: 'p', nickname: 'n' },
    blocks: 3,
    state: 'settled',
    by: { id: 'q', nickname: 'm' },
    agreed: 2,
    needed: 2,
    waitsFor: [],
    unreachedSeconds: 7,
  },
  attach: { cidrs: ['10.32.0.1/12'], ipv6: ['fd12::a20:1/64'], notes: [] },
  detach: { cidrs: [], ipv6: [] },
  expose: { cidrs: ['10.32.0.2/12'], ipv6: [], notes: ['it does not forward'] },
  hide: { cidrs: [], ipv6: [] },
  dns: {
    domain: 'weave.local',
    entries: [{ name: 'web', address: '10.32.0.1', container: 'netns:a', peer: { id: 'p', nickname: 'n' } }],
  },
  'dns-add': { names: ['web.weave.local.'] },
  'dns-remove': { names: [] },
  'dns-lookup': { addresses: ['10.32.0.1'], names: [] },
  stop: { ok: true, notes: [] },
  reset: { ok: true, notes: ['left'] },
}

t.test('every call brings its request to its handler, and its answer back', async t => {
  const seen: [CallName, unknown][] = []
  const { client } = await served(t, (name, input) => {
    seen.push([name, input])
    return ANSWERS[name]
  })
  for (const name of [
    'status',
    'report',
    'doctor',
    'metrics',
    'ps',
    'containers',
    'routes',
    'graph',
    'history',
    'groups',
    'ipam',
    'ipam-check',
    'dns',
    'found',
    'stop',
    'reset',
  ] as const)
    t.strictSame(await client.call(name), ANSWERS[name], name)
  t.strictSame(await client.call('whois', { what: '10.32.0.1' }), ANSWERS.whois)
  t.strictSame(await client.call('ping', { peer: 'n' }), ANSWERS.ping)
  t.strictSame(await client.call('top', { limit: 5 }), ANSWERS.top)
  t.strictSame(await client.call('perf', { peer: 'n' }), ANSWERS.perf)
  t.strictSame(await client.call('perf-history', {}), ANSWERS['perf-history'])
  t.strictSame(await client.call('events', { after: 3, since: '2026-01-31T12:00:00Z' }), ANSWERS.events)
  t.strictSame(await client.call('connect', { targets: ['h1'], replace: true }), ANSWERS.connect)
  t.strictSame(await client.call('forget', { targets: ['h1'] }), ANSWERS.forget)
  t.strictSame(await client.call('rmpeer', { peer: 'n' }), ANSWERS.rmpeer)
  const attach = {
    target: 'netns:a',
    addresses: ['net:default'],
    multicastRoute: false,
    names: ['web'],
    defaultNames: false,
    resolvConf: true,
    timeoutSeconds: 2,
  }
  t.strictSame(await client.call('attach', attach), ANSWERS.attach)
  t.strictSame(await client.call('detach', { target: 'netns:a' }), ANSWERS.detach)
  t.strictSame(await client.call('expose', { addresses: ['net:default'] }), ANSWERS.expose)
  t.strictSame(await client.call('hide', {}), ANSWERS.hide)
  const names = { target: '192.0.2.7', names: ['db'] }
  t.strictSame(await client.call('dns-add', names), ANSWERS['dns-add'])
  t.strictSame(await client.call('dns-remove', { target: '192.0.2.7' }), ANSWERS['dns-remove'])
  t.strictSame(await client.call('dns-lookup', { name: 'web' }), ANSWERS['dns-lookup'])
  t.strictSame(seen.map(([name]) => name).sort(), Object.keys(CALLS).sort(), 'all of the table')
  t.strictSame(seen.slice(16), [
    ['whois', { what: '10.32.0.1' }],
    ['ping', { peer: 'n', timeoutSeconds: 1 }],
    ['top', { seconds: 2, limit: 5 }],
    ['perf', { peer: 'n', way: 'overlay', direction: 'to', rate: 100_000_000, seconds: 3 }],
    ['perf-history', {}],
    ['events', { after: 3, since: '2026-01-31T12:00:00Z' }],
    ['connect', { targets: ['h1'], replace: true }],
    ['forget', { targets: ['h1'] }],
    ['rmpeer', { peer: 'n', force: false }],
    ['attach', attach],
    ['detach', { target: 'netns:a', addresses: [] }],
    ['expose', { addresses: ['net:default'], masquerade: true, names: [] }],
    ['hide', { addresses: [] }],
    ['dns-add', names],
    ['dns-remove', { target: '192.0.2.7', names: [] }],
    ['dns-lookup', { name: 'web' }],
  ])
})

t.test('an error of the daemon is the error of the call', async t => {
  const { client } = await served(t, () => {
    throw new WeaveError('ADDRESS_TAKEN', '10.32.0.1 is in use', 'take another')
  })
  const expected = { name: 'WeaveError', code: 'ADDRESS_TAKEN', message: '10.32.0.1 is in use', remedy: 'take another' }
  await t.rejects(client.call('attach', { target: 'netns:a' }), expected)
})

t.test('an answer that does not follow the schema is told of as one of another version', async t => {
  const { client } = await served(t, () => ({ cidrs: 'none' }))
  const expected = { code: 'INTERNAL', message: /the answer of the daemon cannot be read: cidrs: /, remedy: /version/ }
  await t.rejects(client.call('attach', { target: 'netns:a' }), expected)
})

t.test('a daemon of the same build is taken at its word, any other is not', async t => {
  const names = { names: 7 }
  const body = JSON.stringify(names)
  const head = `HTTP/1.1 200 OK\r\nweave-ts-build: 0.1.0+ab\r\ncontent-length: ${body.length}\r\n\r\n`
  const path = await listening(t, socket => socket.once('data', () => socket.end(head + body)))
  t.strictSame(await new ApiClient(path, { ownBuild: '0.1.0+ab' }).call('dns-lookup', { name: 'a' }), names)
  await t.rejects(new ApiClient(path, { ownBuild: '0.1.0+cd' }).call('dns-lookup', { name: 'a' }), {
    code: 'INTERNAL',
    message: 'the answer of the daemon, which is of 0.1.0+ab and not of 0.1.0+cd, cannot be read: addresses: ',
    remedy: /weave-ts restart/,
  })
  t.notOk(isSameBuild('0.1.0+', '0.1.0+'), 'where nobody knows what the answers are like')
  t.notOk(isSameBuild(undefined, '0.1.0+ab'))
})

t.test('an event is checked unless the daemon is of the same build', async t => {
  const body = 'data: {"seq":1}\n\n'
  const head = 'HTTP/1.1 200 OK\r\nweave-ts-build: 0.1.0+ab\r\n\r\n'
  const path = await listening(t, socket => socket.once('data', () => socket.end(head + body)))
  const events: unknown[] = []
  const follow = (own: string) => new ApiClient(path, { ownBuild: own }).follow({}, event => void events.push(event))
  await t.rejects(follow('0.1.0+ab'), { code: 'DAEMON_DOWN', message: /it has ended/ })
  t.strictSame(events, [{ seq: 1 }])
  await t.rejects(follow('0.1.0+cd'), { code: 'DAEMON_DOWN', message: /time: / })
  t.equal(events.length, 1)
})

t.test('the client gives up at the deadline of the call, and its handler hears of it', async t => {
  const aborted = deferred<undefined>()
  const { client, socketPath } = await served(t, (_name, _input, { signal }) => {
    signal.addEventListener('abort', () => aborted.resolve(undefined))
    return new Promise(() => {})
  })
  const begun = performance.now()
  await t.rejects(client.call('status'), { code: 'DAEMON_BUSY', message: `${socketPath} did not answer within 2 s` })
  t.ok(performance.now() - begun >= CALLS.status.deadlineMs - 5, 'not before')
  await aborted.promise
})

/** A socket on which every connection is met by `meet`. */
async function listening(
  t: { teardown(fn: () => Promise<void>): unknown },
  meet: (socket: Socket) => void,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-api-'))
  const path = join(directory, 'api.sock')
  const server = createServer(meet)
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.teardown(async () => {
    await new Promise(resolve => server.close(resolve))
    rmSync(directory, { recursive: true })
  })
  return path
}

t.test('where nobody answers, the error says so', async t => {
  await t.rejects(new ApiClient('/nonexistent/api.sock').call('ps'), {
    code: 'DAEMON_DOWN',
    message: /no daemon answers at \/nonexistent\/api\.sock \(ENOENT\)/,
  })
  const hangsUp = await listening(t, socket => socket.destroy())
  await t.rejects(new ApiClient(hangsUp).call('ps'), { code: 'DAEMON_DOWN' })
  const breaksOff = await listening(t, socket =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"attach')),
  )
  await t.rejects(new ApiClient(breaksOff).call('ps'), { code: 'DAEMON_DOWN' })
  const speaksNoHttp = await listening(t, socket => socket.once('data', () => socket.end('220 hello\r\n')))
  await t.rejects(new ApiClient(speaksNoHttp).call('ps'), { name: 'WeaveError' })
  const speaksNoJson = await listening(t, socket =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')),
  )
  await t.rejects(new ApiClient(speaksNoJson).call('ps'), { code: 'INTERNAL', message: /cannot be read/ })
  const failsWithoutText = await listening(t, socket =>
    socket.once('data', () => socket.end('HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\n{}')),
  )
  await t.rejects(new ApiClient(failsWithoutText).call('ps'), { code: 'INTERNAL', message: /without a text/ })
})

t.test('a socket that is not ours to use asks for root, and is not called down', async t => {
  const path = await listening(t, socket => socket.destroy())
  chmodSync(path, 0)
  const isRoot = process.geteuid?.() === 0
  // Root may use any socket, so it is nobody for a while.
  if (isRoot) process.seteuid?.(65_534)
  const refused = new ApiClient(path).call('ps').finally(() => isRoot && process.seteuid?.(0))
  await t.rejects(refused, { code: 'NO_PERMISSION', exitStatus: 77, message: /may not use/, remedy: /root/ })
})
