import t from 'tap'
import type { CallContext } from '../../../lib/api/mod.ts'
import { MeshService } from '../../../lib/daemon/mesh-service.ts'
import { peerNumber } from '../../support/graphs.ts'
import { SELF, contact, linked, nodeReport } from '../../support/node-reports.ts'
import { nodeRunner } from '../../support/node-fixture.ts'

type Runner = ConstructorParameters<typeof MeshService>[0]['runner']

const context: CallContext = { signal: new AbortController().signal, afterAnswer: () => undefined }
const parts = {
  port: 6783,
  hasSecret: true,
  endpoints: ['192.0.2.1:6783'],
  isEphemeral: false,
  options: ['--port', '7000'],
  warnings: [],
  end: () => undefined,
}

t.test('contacts are added, replaced and forgotten', async t => {
  const { runner } = nodeRunner(t, 'self')
  const { connect, forget } = new MeshService({ ...parts, runner }).calls
  t.strictSame(await connect({ targets: ['h1', 'h2'], replace: false }, context), { targets: ['h1', 'h2'] })
  t.strictSame(await connect({ targets: ['h3'], replace: true }, context), { targets: ['h3'] })
  t.strictSame(await forget({ targets: ['h3', 'h9'] }, context), { targets: [], strange: ['h9'], told: 0 })
})

t.test('a name that cannot be is refused before the node hears of it, and so are too many', t => {
  const { runner } = nodeRunner(t, 'self')
  const { connect } = new MeshService({ ...parts, runner }).calls
  t.throws(() => connect({ targets: ['h1', 'h:x:y'], replace: false }, context), { code: 'BAD_PEER', message: /h:x:y/ })
  t.strictSame(runner.report().contacts, [])
  const many = Array.from({ length: 1_025 }, (_, number) => `h${number}`)
  t.throws(() => connect({ targets: many, replace: false }, context), {
    code: 'BAD_PEER',
    message: /^1024 contacts are kept/,
  })
  t.end()
})

t.test('a mesh is founded once, and the refusal names the mesh that there is', async t => {
  const { runner } = nodeRunner(t, 'self')
  runner.input((node, now) => node.connect(['h1'], true, now))
  const { found } = new MeshService({ ...parts, runner }).calls
  const refused = { code: 'MESH_UNCERTAIN', message: /^1 peer that was named .*: h1: no answer yet$/ }
  t.throws(() => found({ force: false }, context), refused, 'h1 may be of one')
  const { mesh } = await found({ force: true }, context)
  t.match(mesh, /^[0-9a-f]{32}$/)
  t.equal(runner.report().mesh.id, mesh)
  t.throws(() => found({ force: true }, context), { code: 'MESH_FOUNDED', message: new RegExp(mesh) })
})

t.test('where all that were named are linked or this host itself, nothing is uncertain', async t => {
  const met = linked(1)
  const report = {
    ...nodeReport(met),
    mesh: { id: undefined, isPristine: false, isUnused: false, ipv6Prefix: undefined },
  }
  const of = (contacts: (typeof report)['contacts'], invitedTo?: string) => {
    let founded = 0
    const told = { ...report, contacts, mesh: { ...report.mesh, invitedTo } }
    const runner = {
      report: () => told,
      requireStore: () => undefined,
      storeTrouble: undefined,
      input: () => ++founded,
    }
    const { found } = new MeshService({ ...parts, runner: runner as unknown as Runner }).calls
    return async (force: boolean) => {
      await found({ force }, context)
      return founded
    }
  }
  const known = [contact('h1', { peerId: peerNumber(1) }), contact('self', { state: 'ourself' })]
  t.equal(await of(known)(false), 1)
  const secret = contact('h2', { refusal: 'another secret', lastError: 'no route' })
  await t.rejects(of([...known, secret])(false), { code: 'MESH_UNCERTAIN', message: /: h2: another secret$/ })
  t.equal(await of([...known, secret])(true), 1)
  const invited = of(known, 'cd'.repeat(16))
  await t.rejects(invited(true), {
    code: 'MESH_UNCERTAIN',
    message: /invited into the mesh cdcd/,
    remedy: /weave-ts reset/,
  })
})

t.test('a daemon that is about to end says so', t => {
  const { runner } = nodeRunner(t, 'self')
  const { connect, forget } = new MeshService({ ...parts, runner }).calls
  runner.stop()
  t.throws(() => connect({ targets: ['h1'], replace: false }, context), { code: 'DAEMON_DOWN' })
  t.throws(() => forget({ targets: ['h1'] }, context), { code: 'DAEMON_DOWN' })
  t.end()
})

t.test('the options that the next launch repeats are in the status', t => {
  const { runner } = nodeRunner(t, 'self')
  t.strictSame(new MeshService({ ...parts, runner }).report(), {
    launchOptions: ['--port', '7000'],
    endpoints: ['192.0.2.1:6783'],
  })
  t.end()
})

t.test('an open mesh is warned of behind what the launch had to say', t => {
  const { runner } = nodeRunner(t, 'self')
  const warnings = ['the launch warns']
  t.strictSame(new MeshService({ ...parts, runner, warnings }).warnings(), warnings)
  t.match(new MeshService({ ...parts, runner, warnings, hasSecret: false }).warnings(), [
    'the launch warns',
    /any stranger/,
  ])
  t.end()
})

t.test('reset says who got the address blocks, or that nobody could', async t => {
  const left = async (runner: Runner) => (await new MeshService({ ...parts, runner }).calls.reset({}, context)).notes
  const report = nodeReport(linked(1))
  const outcomes = (outcome: { heir: string; blocks: number } | undefined, told = report) =>
    left({ report: () => told, input: () => outcome } as unknown as Runner)
  t.match(await outcomes({ heir: peerNumber(1), blocks: 7 }), [/^7 address blocks were handed to [a-z2-7]{8}\(\S+\)$/])
  t.match(await outcomes(undefined), [/^no peer could be reached: 16384 address blocks stay/])
  t.strictSame(await outcomes(undefined, nodeReport()), [], 'nobody else is in the mesh')
  const poor = { ...report.ipam, perPeer: [{ peer: peerNumber(1), blocks: 4, addresses: 256, isReachable: false }] }
  t.strictSame(await outcomes(undefined, { ...report, ipam: poor }), [], 'it owned nothing')
  t.not(SELF, peerNumber(1))
})

t.test('reset waits while a brief doubt lasts, and hands nothing on in a lasting one', async t => {
  const report = nodeReport(linked(1))
  const held = (isBrief: boolean) => ({
    ...report,
    ipam: { ...report.ipam, hold: { reason: 'its past is in doubt', remedy: 'wait', isBrief } },
  })
  const doubled = { ...held(false), parts: { past: { double: { text: '', remedy: '' } } } }
  const reports = [held(true), held(true), report]
  let left = 0
  const runner = (next: () => typeof report) =>
    ({ report: next, input: () => (left++, { heir: peerNumber(1), blocks: 7 }) }) as unknown as Runner
  const reset = async (next: () => typeof report) =>
    (await new MeshService({ ...parts, runner: runner(next) }).calls.reset({}, context)).notes
  t.match(await reset(() => reports.shift() ?? report), [/^7 address blocks were handed to/])
  t.equal(reports.length, 0, 'it looked until the doubt was over')
  t.match(await reset(() => held(false)), [
    'nothing was handed on: its past is in doubt',
    /^16384 address blocks stay .*`weave-ts rmpeer [a-z2-7]{8}` on another host/,
  ])
  t.match(await reset(() => doubled as never), [
    'nothing was handed on: its past is in doubt',
    /^the other process with this identity keeps its 16384 address blocks: nothing is to be done/,
  ])
  t.equal(left, 3, 'names and leases end all the same')
})
