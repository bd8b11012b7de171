import t from 'tap'
import { Report, Status, type CallContext } from '../../../lib/api/mod.ts'
import { assemble, type Surroundings } from '../../../lib/daemon/assembly.ts'
import { EventBook } from '../../../lib/daemon/event-book.ts'
import { SecretText } from '../../../lib/io/mod.ts'
import { readInstance } from '../../../lib/daemon/instance.ts'
import { readRememberedLaunch, rememberLaunch } from '../../../lib/daemon/remembered-launch.ts'
import { waitFor } from '../../support/testbed-command.ts'
import { STEPS, machine, type Step } from './assembly-fixture.ts'

/** What is let go of, by what was opened. */
const LETS_GO = ['lock', 'engine', 'listen', 'store', 'cache', 'data plane', 'serve'] as const
const context: CallContext = { signal: new AbortController().signal, afterAnswer: run => run(true) }

function surroundings({ seams, log }: ReturnType<typeof machine>, ends: boolean[] = []): Surroundings {
  return {
    seams,
    log,
    events: new EventBook(),
    onStep: () => undefined,
    onTakingOver: () => Promise.resolve(),
    onFatal: thrown => {
      throw thrown
    },
    onEnd: isLeaving => ends.push(isLeaving),
  }
}

t.test('an overlay that is wider than the network below is told of', async t => {
  const m = machine(t)
  m.hooks.underlay = 1_545
  const assembly = await assemble(m.config, surroundings(m))
  t.match(assembly.notes.at(-1), /MTU is 1376, and only 1375 fit .* the 1545 bytes.*launch all hosts with --mtu 1375$/)
  await assembly.close(false)
})

t.test('opens everything in order, and closes it in the opposite one', async t => {
  const m = machine(t)
  const assembly = await assemble(m.config, surroundings(m))
  t.strictSame(m.events, [...STEPS])
  t.strictSame(assembly.notes, ['new', 'mended'])
  t.strictSame(readInstance(m.config.stateDir), {
    ...{ bridge: 'weave', device: 'weave-tap', exposed: [] },
    network: { boot: 'this one', namespace: 'net:[1]' },
  })
  m.events.length = 0
  await assembly.close(false)
  t.strictSame(
    m.events,
    ['-serve', '-data plane', '-cache', '-store', '-listen', '-engine', '-lock'],
    'the host stays as it is',
  )
  await assembly.close(false)
  t.equal(m.events.length, 7, 'once')
})

t.test('a group may look once the daemon is up, and as long as it is', async t => {
  const m = machine(t)
  const assembly = await assemble({ ...m.config, group: 'ops' }, surroundings(m))
  t.ok(m.events.indexOf('readers ops') > m.events.indexOf('serve'))
  t.strictSame((await assembly.services.calls.status({}, context)).readers, { group: 'ops', socket: '/run/read.sock' })
  await assembly.close(false)
  t.ok(m.events.indexOf('-readers ops') > m.events.indexOf('-serve'))
})

t.test('metrics are listened for before anything is stored, and told once the daemon is up', async t => {
  const m = machine(t)
  const early: unknown[] = []
  const seams: typeof m.seams = {
    ...m.seams,
    serveMetrics: async (...[endpoint, answers, onFault]) => {
      early.push(await answers.metrics('text'), answers.isReady())
      return m.seams.serveMetrics(endpoint, answers, onFault)
    },
  }
  const assembly = await assemble({ ...m.config, metrics: '192.0.2.1' }, { ...surroundings(m), seams })
  t.strictSame(early, [undefined, false], 'there is nothing to tell before')
  const answers = m.metrics.current!
  t.ok(m.events.indexOf('metrics 192.0.2.1:6782') < m.events.indexOf('store'))
  t.match(
    assembly.notes.at(-1),
    /^metrics are told to anybody who reaches 192\.0\.2\.1:6782: /,
    'it says who can read them',
  )
  t.match((await answers.metrics('text'))?.body.toString(), /^weave_ts_ready 1$/m)
  t.equal(answers.isReady(), true)
  await assembly.close(false)
  t.ok(m.events.includes('-metrics 192.0.2.1:6782'))

  const local = machine(t)
  const quiet = await assemble({ ...local.config, metrics: '127.0.0.1:9' }, surroundings(local))
  t.notOk(quiet.notes.some(note => note.includes('metrics')))
  await quiet.close(false)
  const off = machine(t)
  await (await assemble(off.config, surroundings(off))).close(false)
  t.notOk(
    off.events.some(event => event.includes('metrics')),
    'nobody listens where nobody asked for it',
  )
})

for (const [index, failing] of STEPS.entries())
  t.test(`when ${failing} fails, what was opened before is let go of, the newest first`, async t => {
    const m = machine(t)
    m.hooks.failing = failing
    await t.rejects(assemble(m.config, surroundings(m)), { code: 'LAUNCH_FAILED', message: `${failing} fails` })
    const opened: readonly Step[] = STEPS.slice(0, index)
    t.strictSame(
      m.events.filter(event => !event.startsWith('-')),
      opened,
      'nothing was opened after it',
    )
    const undone = m.events.filter(event => event.startsWith('-'))
    const expected = LETS_GO.filter(step => opened.includes(step)).reverse()
    t.strictSame(
      undone.filter(event => event !== '-host'),
      expected.map(step => `-${step}`),
    )
    const isBridgeThere = index >= STEPS.indexOf('bridge')
    t.equal(undone.includes('-host'), isBridgeThere, 'the bridge that it made is removed')
    if (isBridgeThere) t.strictSame(undone.slice(-3), ['-engine', '-host', '-lock'], 'once the device is free')
  })

t.test('a daemon that replaces another does all that takes long, and may refuse, before that one ends', async t => {
  const m = machine(t)
  const told: string[] = []
  rememberLaunch(m.config.stateDir, { mesh: 'open', options: {} })
  const around = { ...surroundings(m), onTakingOver: async () => void told.push(m.events.join(' ')) }
  const assembly = await assemble({ ...m.config, isReplacing: true }, around)
  const early = ['namespace', 'preflight', 'secrets', 'cache', 'verify', 'identity', 'bridge']
  t.strictSame(told, [early.join(' ')])
  t.strictSame(m.events, [...early, 'take over', ...STEPS.filter(step => !early.includes(step))])
  await assembly.close(false)

  for (const failing of ['namespace', 'preflight', 'secrets', 'verify', 'identity', 'bridge'] as const) {
    m.events.length = 0
    m.hooks.failing = failing
    await t.rejects(assemble({ ...m.config, isReplacing: true }, around), { code: 'LAUNCH_FAILED' }, failing)
    t.notOk(m.events.includes('take over'), `${failing}: the other one stays`)
    t.equal(m.events.includes('-cache'), m.events.includes('cache'), failing)
  }
  m.events.length = 0
  m.hooks.failing = undefined
  rememberLaunch(m.config.stateDir, { mesh: 'secret', options: {} })
  await t.rejects(assemble({ ...m.config, isReplacing: true }, around), { code: 'SECRET_REQUIRED' })
  t.strictSame(m.events, ['namespace', 'preflight'])

  m.events.length = 0
  rememberLaunch(m.config.stateDir, { mesh: 'secret', secrets: ['aaaaaaaa'], options: {} })
  const another = { ...m.config, isReplacing: true, keepsSecret: true, secret: SecretText.of('another') }
  await t.rejects(assemble(another, around), { code: 'SECRET_CHANGED' })
  t.strictSame(m.events, ['namespace', 'preflight', 'secrets'])
  const forced = await assemble({ ...another, keepsSecret: false, secret: SecretText.of('another') }, around)
  t.notMatch(readRememberedLaunch(m.config.stateDir)?.secrets, ['aaaaaaaa'])
  await forced.close(false)
})

t.test('what the state does not fit is refused while the other daemon runs', async t => {
  const m = machine(t)
  await (await assemble(m.config, surroundings(m))).close(false)
  m.events.length = 0
  const another = { ...m.config, isReplacing: true, ipallocRange: '10.64.0.0/16' }
  await t.rejects(assemble(another, surroundings(m)), { code: 'RANGE_CHANGED' })
  t.ok(m.events.includes('bridge'))
  t.notOk(m.events.includes('take over'))
})

t.test('a bridge that was there before stays when the start fails', async t => {
  const m = machine(t)
  m.hooks.hasBridge = true
  m.hooks.failing = 'serve'
  await t.rejects(assemble(m.config, surroundings(m)))
  t.notOk(m.events.includes('-host'))
})

t.test('what cannot be let go of is told of, and keeps nothing else', async t => {
  const m = machine(t)
  const assembly = await assemble(m.config, surroundings(m))
  m.hooks.hasTrouble = 'store'
  await assembly.close(true)
  t.strictSame(m.events.slice(-4), ['-listen', '-engine', '-host', '-lock'])
  t.match(
    m.logged.filter(line => line.event === 'unwind'),
    [{ what: 'store', error: 'store is stuck' }],
  )
})

t.test('a configuration that cannot be is refused before anything is opened', async t => {
  const m = machine(t)
  for (const [parts, code] of [
    [{ ipallocRange: '10.32.0.1/12' }, 'CONFIG_INVALID'],
    [{ host: 'here' }, 'CONFIG_INVALID'],
    [{ peers: ['a b'] }, 'BAD_PEER'],
    [{ advertise: ['x'] }, 'CONFIG_INVALID'],
  ] as const)
    await t.rejects(assemble({ ...m.config, ...parts } as typeof m.config, surroundings(m)), { code })
  t.strictSame(m.events, [])
})

t.test('without peers it founds a mesh; what it answers follows the schemas', async t => {
  const m = machine(t)
  const assembly = await assemble(m.config, surroundings(m))
  const { calls } = assembly.services
  t.equal(m.handlers.current, calls, 'these are served')
  const status = Status.parse(await calls.status({}, context))
  t.match(status, {
    isReady: true,
    peer: { nickname: 'self' },
    encryption: 'open',
    overlay: { bridge: 'weave', isAdopted: false, device: 'weave-tap', mtu: 1_376, mac: /^[0-9a-f:]{17}$/ },
    connections: [],
  })
  t.match(status.warnings, ['the launch warns', /no mesh secret was given/, 'a firewall drops'])
  const report = Report.parse(await calls.report({}, context))
  t.match(report, { ledger: { owners: 1 }, macs: [], engine: { counters: {} } })
  t.strictSame(await calls.ps({}, context), { attachments: [] })
  t.strictSame(await calls.connect({ targets: ['h1'], replace: false }, context), { targets: ['h1'] })
  await t.rejects(async () => calls.connect({ targets: ['a b'], replace: false }, context), { code: 'BAD_PEER' })
  t.strictSame(await calls.forget({ targets: ['h1'] }, context), { targets: [], strange: [], told: 0 })
  await assembly.close(false)
})

t.test('with peers it waits for a mesh, and an address says why there is none', async t => {
  const m = machine(t)
  const assembly = await assemble({ ...m.config, peers: ['h1'], secret: SecretText.of('secret') }, surroundings(m))
  const status = await assembly.services.calls.status({}, context)
  t.match(status, { isReady: false, mesh: { id: null }, encryption: 'secret', targets: [{ target: 'h1' }] })
  t.equal(status.waiting.length, 1)
  t.notOk(status.warnings.some(warning => warning.includes('no mesh secret')))
  await t.rejects(
    assembly.services.calls.attach(
      { target: 'netns:a', addresses: [], multicastRoute: true, names: [], defaultNames: true, resolvConf: false },
      context,
    ) as Promise<object>,
    { code: 'TARGET_NOT_FOUND' },
  )
  await assembly.close(false)
})

t.test('it goes on with what its store holds, rather than found anew', async t => {
  const m = machine(t)
  const first = await assemble(m.config, surroundings(m))
  const { mesh } = await first.services.calls.status({}, context)
  await first.services.calls.connect({ targets: ['h1'], replace: false }, context)
  await first.close(false)
  const again = await assemble(m.config, surroundings(m))
  t.match(await again.services.calls.status({}, context), { mesh: { id: mesh.id }, targets: [{ target: 'h1' }] })
  await again.close(false)
})

t.test('stop and reset end it after their answer; reset for good', async t => {
  const m = machine(t)
  const ends: boolean[] = []
  const assembly = await assemble(m.config, surroundings(m, ends))
  const after: ((isSent: boolean) => void)[] = []
  const waiting: CallContext = { ...context, afterAnswer: run => after.push(run) }
  t.strictSame(await assembly.services.calls.stop({}, waiting), { ok: true, notes: [] })
  t.strictSame(await assembly.services.calls.reset({}, waiting), { ok: true, notes: [] })
  t.strictSame(ends, [], 'not before')
  after[0]?.(false)
  t.strictSame(ends, [], 'who asked it to stop has given up')
  for (const run of after) run(true)
  t.strictSame(ends, [false, true])
  await assembly.close(true)
  t.strictSame(m.events.slice(-3), ['-engine', '-host', '-lock'])
})

t.test('the API answers before what is remembered of the mesh was read, and links wait for it', async t => {
  const m = machine(t)
  let give: Parameters<typeof m.cacheOf.current>[0] = () => t.fail('not asked for')
  let end = (_notices: readonly string[]) => {}
  m.cacheOf.current = take => {
    give = take
    return new Promise(resolve => (end = resolve))
  }
  const assembly = await assemble(m.config, surroundings(m))
  const { calls } = assembly.services
  const waits = async () => (await calls.status({}, context)).waiting.join()
  t.match(await waits(), /links wait until .* \(0 entries so far\)/)
  await calls.connect({ targets: ['192.0.2.1'], replace: false }, context)
  give([['ledger/mesh', new Uint8Array(16)]])
  t.match(await waits(), /\(1 entries so far\)/)
  const stateOf = async () => (await calls.status({}, context)).targets[0]?.state
  await waitFor('the target to be looked for', 10_000, async () => (await stateOf()) === 'resolving')
  end(['it is begun anew'])
  await waitFor('the end of the reading', 10_000, async () => (await waits()) === '')
  t.match((await calls.status({}, context)).warnings, [/begun anew/, /./, /./, /./])
  await waitFor('the target', 10_000, async () => (await calls.status({}, context)).targets[0]?.error !== null)
  t.strictSame(
    m.logged.map(({ event }) => event).filter(event => event === 'memory' || event === 'remembered'),
    ['memory', 'remembered'],
  )
  await assembly.close(false)
})

t.test('a state that was launched with a secret is opened on purpose only, and what changed is said', async t => {
  const m = machine(t)
  const launch = async (parts: Partial<typeof m.config>) => {
    const assembly = await assemble({ ...m.config, ...parts }, surroundings(m))
    await assembly.close(false)
    return assembly.notes.filter(note => note.includes('STRANGERS'))
  }
  const secret = () => SecretText.of('hunter2')
  t.strictSame(await launch({ secret: secret() }), [])
  m.events.length = 0
  await t.rejects(launch({}), { code: 'SECRET_REQUIRED' })
  t.notOk(m.events.includes('cache') || m.events.includes('bridge'), 'nothing was made for it')
  m.hooks.failing = 'tap'
  await t.rejects(launch({ isOpenMeant: true }), { code: 'LAUNCH_FAILED' })
  m.hooks.failing = undefined
  await t.rejects(launch({}), { code: 'SECRET_REQUIRED' }, 'a launch that did not come up opens nothing')
  t.match(await launch({ isOpenMeant: true }), [/as --open says/])
  t.strictSame(await launch({}), [], 'it is remembered as open')
  m.hooks.failing = 'tap'
  await t.rejects(launch({ secret: secret() }), { code: 'LAUNCH_FAILED' })
  m.hooks.failing = undefined
  await t.rejects(launch({}), { code: 'SECRET_REQUIRED' }, 'it is closed at once')
})
