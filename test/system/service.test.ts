/**
 * The daemon under a service manager, played by a datagram socket that prints what comes, with the capabilities of the
 * unit and no others.
 *
 *     [c1]
 *      │
 *     (h1)
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { weaveTs } from '../support/daemon-process.ts'
import { Dockerd, skipDockerd } from '../support/dockerd.ts'
import { run, waitFor } from '../support/testbed-command.ts'
import { Testbed, skipSystem, type Host } from '../support/testbed.ts'

t.setTimeout(120_000)
const WAIT_MS = 30_000
const BIN = new URL('../../../bin/weave-ts', import.meta.url).pathname
const hasNotify = spawnSync('systemd-notify', ['--version']).status === 0
const skip = skipSystem !== false ? skipSystem : hasNotify ? false : 'there is no systemd-notify'

/** One line for each message; descriptors that come with one are closed, which systemd-notify waits for. */
const MANAGER = `use Socket; $| = 1; socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
print "listening\\n"; while (defined recv(S, $b, 65536, 0)) { $b =~ s/\\n/ /g; print "$b\\n" }`

function manager(bed: Testbed, socket: string) {
  const child = spawn('perl', ['-e', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  bed.onRemove(() => void child.kill('SIGKILL'))
  const heard: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => heard.push(...text.split('\n').filter(Boolean)))
  return heard
}

async function capabilities(): Promise<string> {
  const { stdout } = await weaveTs(['service', 'install', '--print'])
  const names = /^CapabilityBoundingSet=(.+)$/m.exec(stdout)?.[1] ?? ''
  return ['-all', ...names.split(' ').map(name => `+${name.replace('CAP_', '').toLowerCase()}`)].join(',')
}

function foreground(host: Host, bounding: string, env: NodeJS.ProcessEnv) {
  const setpriv = ['setpriv', `--bounding-set=${bounding}`, `--inh-caps=${bounding}`, '--no-new-privs']
  const launch = [process.execPath, BIN, 'launch', '--foreground', '--resume', '--state-dir', host.daemon.stateDir]
  const [program, ...rest] = ['ip', 'netns', 'exec', host.name, ...setpriv, ...launch]
  const child = spawn(program!, rest, { stdio: 'ignore', env: { ...process.env, ...env } })
  return { child, ended: new Promise<number | null>(resolve => child.on('exit', resolve)) }
}

t.test(
  'a service manager hears how it does, and it needs no other capabilities',
  { skip, timeout: 110_000 },
  async t => {
    const bed = new Testbed(t)
    const host = await bed.host('h1')
    const { passwordFile } = bed
    await host.daemon.launch([], { passwordFile, args: ['--group', '65533'] })
    await host.daemon.say('stop')
    const socket = join(bed.directory, 'notify')
    const heard = manager(bed, socket)
    const hears = (what: string, times = 1) =>
      waitFor(what, WAIT_MS, () => heard.filter(line => line.includes(what)).length >= times)
    await hears('listening')
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000000', DOCKER_HOST: 'unix:///nonexistent' }
    const { child, ended } = foreground(host, await capabilities(), env)

    await hears('READY=1')
    t.match(heard[1], /^STATUS=\w+/, 'what it does while it starts')
    await hears('WATCHDOG=1', 2)
    t.match(
      heard.findLast(line => line.includes('WATCHDOG=1')),
      /STATUS=0 links, \d+ peers? known/,
    )

    t.match((await host.daemon.status()).readers, { group: '65533', socket: /api-read\.sock$/ })
    const container = await bed.container('c1')
    t.match(await host.daemon.attach(container), [/\/12$/], 'a namespace')
    const other = spawn('unshare', ['--net', 'sleep', '100'], { stdio: 'ignore' })
    bed.onRemove(() => void other.kill('SIGKILL'))
    const own = spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).stdout
    await waitFor('a process in a namespace of its own', WAIT_MS, () => {
      const { stdout } = spawnSync('readlink', [`/proc/${other.pid}/ns/net`], { encoding: 'utf8' })
      return stdout !== '' && stdout !== own
    })
    const { cidrs } = await host.daemon.api.call('attach', { target: `pid:${other.pid}`, addresses: [] })
    t.match(cidrs, [/\/12$/], 'a process that has capabilities which the daemon has not')
    t.strictSame((await host.daemon.status()).warnings, [])

    child.kill('SIGTERM')
    t.equal(await ended, 0)
    await hears('STOPPING=1')
    t.notOk(existsSync(host.daemon.socketPath))
  },
)

t.test(
  'with these capabilities containers of Docker are attached, and the firewall is put back',
  { skip: skip === false ? await skipDockerd() : skip, timeout: 110_000 },
  async t => {
    const bed = new Testbed(t)
    const host = await bed.host('h1')
    const docker = await Dockerd.start(bed, host)
    const bounding = await capabilities()
    const wrapper = ['setpriv', `--bounding-set=${bounding}`, `--inh-caps=${bounding}`, '--no-new-privs']
    await host.daemon.launch([], { passwordFile: bed.passwordFile, env: docker.env, wrapper })
    await docker.sleeper('web')
    const cidr = await host.daemon.ipv4('attach', '10.40.1.7/24', 'web')
    t.equal(cidr, '10.40.1.7/24')
    await host.daemon.ipv4('expose', '10.40.1.1/24')
    t.ok(await host.canPing('10.40.1.7'))
    await run(docker.argv('restart', '-t', '0', 'web'))
    await waitFor('the container, started again', WAIT_MS, () => host.canPing('10.40.1.7'))
    const hasTable = async () => (await host.run(['nft', 'list', 'table', 'inet', 'weave-ts'])).status === 0
    await host.must('nft', 'delete', 'table', 'inet', 'weave-ts')
    t.notOk(await hasTable())
    await waitFor('the table', WAIT_MS, hasTable)
    t.strictSame(
      (await host.daemon.status()).warnings.filter(text => !text.includes('ip_forward')),
      [],
    )
  },
)
