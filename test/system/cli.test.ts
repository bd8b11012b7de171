/**
 * Every command, as an operator types it, on two hosts; `h2` is only called, so that `connect` and `forget` have a host.
 *
 *     [c1]
 *      │
 *     (h1) ═══ u2 ═══ (h2)      192.0.2.0/24
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { GraphAnswer, HistoryAnswer, PsAnswer, Report, Status } from '../../lib/api/mod.ts'
import { weaveTs } from '../support/daemon-process.ts'
import { Dashboard } from '../support/dashboard.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed, meshed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(150_000)
const LINK_MS = 20_000
/** Of `history`, and more. */
const STEP_MS = 25_000
/** A group that need not have a name. */
const READERS = 65_533
const BIN = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const COMMANDS = [
  'launch',
  'stop',
  'connect',
  'forget',
  'status',
  'report',
  'attach',
  'detach',
  'ps',
  'keygen',
  'reset',
]

t.test('commands that need no daemon', async t => {
  const help = await weaveTs(['help'])
  t.equal(help.status, 0)
  for (const name of COMMANDS) {
    t.match(help.stdout, new RegExp(`^ +${name}\\b`, 'm'), `help lists ${name}`)
    t.equal((await weaveTs([name, '--help'])).status, 0, `${name} --help`)
  }
  const early = await weaveTs(['join', '--no-docker', '-'])
  t.match(early, { status: 2, stderr: /--no-docker stands where the invitation belongs.*\n.*\[USAGE\]/ })
  const [one, other] = await Promise.all([weaveTs(['keygen']), weaveTs(['keygen'])])
  t.match(one.stdout, /^\S{32,}\n$/)
  t.not(one.stdout, other.stdout)
  t.equal(one.stderr, '', 'a script hears nothing')
  const keygen = `${process.execPath} bin/weave-ts keygen >/dev/null`
  const typed = await run(['script', '-qec', keygen, '/dev/null'])
  t.match(typed.stdout, /a new mesh secret was written to standard output: keep it from others/)
  const version = await weaveTs(['version', '--json', '--state-dir', '/nonexistent'])
  t.match(JSON.parse(version.stdout), { version: /^\d+\.\d+\.\d+/, daemon: null })
})

t.test('commands of a running daemon', { skip: skipSystem, timeout: 120_000 }, async t => {
  const bed = new Testbed(t)
  const [h1, h2] = (await bed.hosts('h1', 'h2')) as [Host, Host]
  await bed.link(h1, h2, '192.0.2')
  const { passwordFile } = bed
  await h2.daemon.launch([], { passwordFile })
  const { daemon } = h1

  await t.test('launch is silent when all is well, and its JSON is the status', async t => {
    const result = await daemon.tryLaunch([], { passwordFile, args: ['--json', '--group', String(READERS)] })
    t.equal(result.status, 0, result.stderr)
    // On a busy machine it says what it waits for.
    t.strictSame(
      result.stderr.split('\n').filter(line => line !== '' && !line.includes('still launching: ')),
      [],
    )
    t.match(Status.parse(JSON.parse(result.stdout)), { peer: { nickname: 'h1' }, stateDir: daemon.stateDir })
    t.equal(statSync(daemon.socketPath).mode & 0o777, 0o660, 'the socket is for its owner and group')
    t.equal(statSync(daemon.stateDir).mode & 0o777, 0o700)
  })

  await t.test('a member of the group of --group may look, and change nothing', async t => {
    const user = (gid: number) => ['setpriv', '--reuid=65534', `--regid=${gid}`, '--clear-groups']
    const as = (gid: number, ...words: string[]) => run([...user(gid), process.execPath, BIN, ...words])
    if ((await as(READERS, '--version')).status !== 0) return t.comment('this checkout is not for others to read')
    const place = ['--state-dir', daemon.stateDir]
    const status = await as(READERS, 'status', '--json', ...place)
    t.equal(status.status, 0, status.stderr)
    t.match(JSON.parse(status.stdout), { readers: { group: String(READERS), socket: /^\/run\/weave-ts\// } })
    t.match(await as(READERS, 'ps', ...place), { status: 0, stderr: '' })
    t.match(await as(READERS, 'connect', '192.0.2.7', ...place), {
      status: 77,
      stderr: /group 65533 may look and no more, and connect is for root.*NO_PERMISSION/s,
    })
    t.match(await as(READERS, 'stop', ...place), { status: 77, stderr: /may look and no more, and stop is for root/ })
    t.match(await run([...user(READERS), 'ls', daemon.stateDir]), {
      stderr: /denied/,
    })
    const dashboard = await Dashboard.start(daemon.stateDir, user(READERS))
    t.teardown(() => dashboard.close())
    const { cookie } = await dashboard.ask({})
    t.match(await dashboard.ask({ cookie }, '/v1/status'), { status: 200 })
    t.match(await dashboard.ask({ cookie }, '/v1/doctor'), { status: 403, body: /doctor is for root/ })
    t.match(
      await as(65_532, 'ps', ...place),
      { status: 77, stderr: /this user may not use.*NO_PERMISSION/s },
      'a stranger',
    )
  })

  await t.test('connect adds peers; connect --replace makes the whole list', async t => {
    t.strictSame(await daemon.json('connect', h2.address), { targets: [h2.address] })
    await meshed([h1, h2])
    t.strictSame(await daemon.json('connect', '192.0.2.9:7000'), { targets: [h2.address, '192.0.2.9:7000'] })
    const failing = await waitFor('the dial of a host that is not there fails', LINK_MS, async () =>
      (await daemon.status()).connections.find(one => one.address === '192.0.2.9:7000' && one.error !== null),
    )
    t.equal(failing.direction, 'outbound')
    t.strictSame(await daemon.json('connect', '--replace', h2.address), { targets: [h2.address] })
    t.equal(await daemon.say('status', 'targets'), h2.address)
    t.equal((await daemon.cli('connect')).status, 2, 'nobody named')
  })

  await t.test('attach, ps and detach print what Weave prints', async t => {
    const c1 = await bed.container('c1')
    const target = `netns:${c1.name}`
    const ipv6 = 'fd[0-9a-f:]+/64'
    t.match(
      await daemon.say('attach', 'net:default', 'net:10.36.5.0/24', target),
      new RegExp(`^[\\d.]+/12 10\\.36\\.5\\.\\d+/24 ${ipv6} ${ipv6}$`),
    )
    const { attachments } = PsAnswer.parse({ attachments: await daemon.json('ps') })
    t.equal(attachments[0]?.cidrs.length, 2)
    const { mac, cidrs, ipv6: both } = attachments[0]!
    t.equal(await daemon.say('ps', target), [target, mac, ...cidrs, ...both].join(' '))
    t.match(await daemon.cli('ps', 'netns:other'), { status: 4, stdout: '', stderr: /netns:other.*NOT_ATTACHED/s })
    t.strictSame(await daemon.json('detach', target), { cidrs, ipv6: both })
  })

  await t.test('status, its parts and report have JSON that follows the schema', async t => {
    const status = Status.parse(await daemon.json('status'))
    t.strictSame(Object.keys(status).sort(), Object.keys(Status.shape).sort())
    for (const part of ['peers', 'connections', 'targets', 'ipam'] as const) {
      const value = await daemon.json('status', part)
      t.strictSame(Status.shape[part].parse(value), value, `${part}: all of it is in the schema`)
    }
    const report = Report.parse(JSON.parse(await daemon.say('report')))
    t.match(report.routes, [{ destination: { nickname: 'h2' }, via: { nickname: 'h2' } }])
    t.match(JSON.parse((await daemon.cli('version', '--json')).stdout), { daemon: status.version })
  })

  await t.test('dashboard shows the mesh and what it carried to who comes by its address', async t => {
    const dashboard = await Dashboard.start(daemon.stateDir)
    t.teardown(() => dashboard.close())
    t.match(await dashboard.ask({}, '/v1/status'), { status: 403, body: /weave-ts dashboard/ })
    const { cookie } = await dashboard.ask({})
    const asked = async (path: string): Promise<unknown> => JSON.parse((await dashboard.ask({ cookie }, path)).body)
    t.match(await dashboard.ask({ cookie }, '/'), { status: 200, body: /<script/ })
    const { peers, edges, paths } = GraphAnswer.parse(await asked('/v1/graph'))
    const [own, other] = peers
    t.match(peers, [
      { nickname: 'h1', isSelf: true },
      { nickname: 'h2', isReachable: true },
    ])
    t.strictSame(
      edges.map(({ from, to }) => [from, to].sort()),
      [[own!.id, other!.id].sort()],
    )
    t.match(paths, [{ to: other!.id, kind: 'direct', via: null }])
    const history = await waitFor('what the probes carried in a step', STEP_MS, async () => {
      const found = HistoryAnswer.parse(await asked('/v1/history'))
      return (found.total.outBytesPerSecond.at(-1) ?? 0) > 0 ? found : undefined
    })
    t.match(history.peers, [{ id: other!.id, nickname: 'h2' }])
    t.type(history.peers[0]!.rttMs.at(-1), 'number', 'the path answered')
    t.equal(await dashboard.close(), 0, 'Ctrl-C ends it')
  })

  await t.test('forget takes the peer from the list and leaves the link', async t => {
    t.strictSame(await daemon.json('forget', h2.address), { targets: [], strange: [], told: 1 })
    t.equal(
      await daemon.say('forget', h2.address),
      `${h2.address}: no target of this host; targets are matched as they were given\n1 other host is told`,
    )
    t.equal((await daemon.status()).connections.filter(one => one.state === 'established').length, 1)
  })

  await t.test('stop ends the daemon; then commands say that there is none', async t => {
    t.match(await daemon.say('stop'), /^stopped; `weave-ts launch` goes on/)
    t.throws(() => statSync(join('/run/weave-ts', daemon.stateDir)), { code: 'ENOENT' }, 'nor what was for the group')
    t.match(await daemon.cli('status'), { status: 7, stderr: /DAEMON_DOWN/ })
    t.match(await daemon.cli('reset'), { status: 7, stderr: /--force/ })
    t.match(await daemon.cli('reset', '--force'), { status: 78, stderr: /OTHER_NAMESPACE/ }, 'outside of the host')
    const forced = await h1.run([process.execPath, BIN, 'reset', '--force', '--state-dir', daemon.stateDir])
    t.match(forced, { status: 0, stderr: /no daemon was running/ })
    t.throws(() => statSync(daemon.stateDir), { code: 'ENOENT' })
  })
})
