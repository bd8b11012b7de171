/**
 * A real dockerd in a host namespace of its own; its containers have no network but what is attached.
 *
 *     [one] ethwe ── vethwe… ┐
 *     [two] ethwe ── vethwe… ┴ weave     (namespace "host", with dockerd's own firewall rules)
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { parseMac } from '../../lib/address/mod.ts'
import { DockerClient, parseDockerHost } from '../../lib/docker/mod.ts'
import { HostFirewall } from '../../lib/host/mod.ts'
import { BRIDGE_MAC, command, eventually, HostFixture, skipSystem, succeeds } from './host-fixture.ts'

const BUSYBOX = '/bin/busybox'
const TEST_TIMEOUT_MS = 180_000
const DOCKER_START_MS = 40_000

function skipReason(): string | false {
  if (skipSystem !== false) return skipSystem
  if (!succeeds('dockerd', '--version')) return 'dockerd is not installed (Debian package docker.io)'
  if (!succeeds('docker', '--version')) return 'the docker command is not installed (Debian package docker.io)'
  try {
    accessSync(BUSYBOX)
  } catch {
    return 'busybox is not installed (Debian package busybox-static)'
  }
  return false
}

/** A dockerd with its own directories and socket, ended with the test. */
class DockerFixture {
  readonly directory = mkdtempSync('/tmp/weave-ts-dockerd-')
  readonly socket = `${this.directory}/docker.sock`
  readonly #daemon: ChildProcess
  #log = ''

  constructor(t: Test, host: string) {
    const config = `${this.directory}/daemon.json`
    writeFileSync(config, '{}')
    this.#daemon = spawn(
      'nsenter',
      [
        `--net=/run/netns/${host}`,
        '--',
        'dockerd',
        ...['--data-root', `${this.directory}/data`, '--exec-root', `${this.directory}/exec`],
        ...['--pidfile', `${this.directory}/docker.pid`, '--host', `unix://${this.socket}`],
        ...['--storage-driver', 'vfs', '--config-file', config],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    for (const stream of [this.#daemon.stdout!, this.#daemon.stderr!]) {
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-4_000)))
    }
    t.teardown(() => this.#stop())
  }

  get log(): string {
    return this.#log
  }

  docker(...argv: string[]): string {
    return command('docker', '--host', `unix://${this.socket}`, ...argv).trim()
  }

  get isRunning(): boolean {
    return this.#daemon.exitCode === null && this.#daemon.signalCode === null
  }

  isReady(): boolean {
    return succeeds('docker', '--host', `unix://${this.socket}`, 'version')
  }

  /** An image `box` of busybox alone. */
  importImage(): void {
    const root = `${this.directory}/root`
    mkdirSync(`${root}/bin`, { recursive: true })
    copyFileSync(BUSYBOX, `${root}/bin/busybox`)
    chmodSync(`${root}/bin/busybox`, 0o755)
    command('tar', '-C', root, '-cf', `${this.directory}/box.tar`, '.')
    this.docker('import', `${this.directory}/box.tar`, 'box')
  }

  async #stop(): Promise<void> {
    if (this.isReady()) {
      const all = this.docker('ps', '-aq')
        .split('\n')
        .filter(id => id !== '')
      if (all.length > 0) succeeds('docker', '--host', `unix://${this.socket}`, 'rm', '-f', ...all)
    }
    if (this.isRunning) {
      const ended = once(this.#daemon, 'exit')
      this.#daemon.kill('SIGTERM')
      await ended
    }
    // dockerd leaves the mounts of namespaces behind.
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const mountPoint = line.split(' ')[1]
      if (mountPoint?.startsWith(`${this.directory}/`) === true) succeeds('umount', mountPoint)
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

t.setTimeout(TEST_TIMEOUT_MS)

t.test(
  'containers of a real Docker talk across the bridge',
  { skip: skipReason(), timeout: TEST_TIMEOUT_MS },
  async t => {
    const fixture = new HostFixture(t)
    const docker = new DockerFixture(t, fixture.host)
    await eventually(() => docker.isReady() || !docker.isRunning, DOCKER_START_MS)
    if (!docker.isReady()) {
      t.fail('dockerd did not start', { log: docker.log })
      return
    }
    docker.importImage()
    const run = (name: string, ...more: string[]) =>
      docker.docker('run', '-d', '--name', name, ...more, 'box', '/bin/busybox', 'sleep', '600')
    const oneId = run('one', '--network', 'none')
    run('two')
    const containers = DockerClient.fromEnvironment({ DOCKER_HOST: `unix://${docker.socket}` })
    t.strictSame(containers.endpoint, parseDockerHost(`unix://${docker.socket}`))
    const network = fixture.network({ mtu: 1_400, containers })
    const { firewall } = await network.prepareBridge()
    t.ok(firewall.isBridgeFiltered, 'the kernel hands bridged packets to the firewall')
    t.not(firewall.accepting.length, 0, 'whose FORWARD chain got our rule')

    const one = await network.resolve(oneId.slice(0, 12))
    t.equal(one.id, oneId, 'a short id is made whole')
    t.equal((await network.resolve('one')).id, oneId)
    const two = await network.resolve('two')
    await network.attach(one, ['10.32.0.1/12'])
    await network.attach(two, ['10.32.0.2/12', 'fd00:77::2/64'])
    const ping = () => succeeds('docker', '--host', `unix://${docker.socket}`, 'exec', 'one', ...PING)
    t.ok(ping())
    t.ok(
      fixture.inside(two, 'ip', '-6', 'addr', 'show', 'ethwe').includes('fd00:77::2/64'),
      'IPv6 where Docker turned it off',
    )

    // Without the rule Docker's policy cuts them off: the test above means something.
    t.match(fixture.onHost('iptables', '-S', 'FORWARD'), /^-P FORWARD DROP/)
    await new HostFirewall(fixture.runner, 'weave', parseMac(BRIDGE_MAC)!).remove()
    t.notMatch(fixture.onHost('iptables', '-S', 'FORWARD'), /weave/)
    t.notOk(ping(), 'without our rule they are cut off')
    await network.reconcileFirewall()
    t.ok(ping(), 'and together again when it is put back')
    await network.reconcileFirewall()
    t.equal(fixture.onHost('iptables', '-S', 'FORWARD').match(/weave-ts/g)?.length, 1, 'once')

    run('sidecar', '--network', 'container:one')
    t.equal((await network.resolve('sidecar')).id, oneId, 'a container that shares a network is its owner')
    run('open', '--network', 'host')
    await t.rejects(network.resolve('open'), { code: 'BAD_TARGET', message: /--network=host/ })
    await t.rejects(network.resolve('nobody'), { code: 'TARGET_NOT_FOUND', message: /nobody/ })

    docker.docker('kill', 'two')
    await t.rejects(network.resolve('two'), { code: 'TARGET_NOT_FOUND', message: /exited/ })
    t.ok(
      // The kernel takes namespaces down one after the other.
      await eventually(async () => (await network.list()).length === 1, 30_000),
      'the port of a container that ended is gone',
    )

    await network.remove()
    t.notMatch(fixture.onHost('iptables', '-S', 'FORWARD'), /weave/, 'the firewall has nothing of ours')
    t.notOk(fixture.hostLinks().some(name => name.startsWith('vethwe') || name === 'weave'))
  },
)

const PING = ['/bin/busybox', 'ping', '-c', '1', '-W', '2', '10.32.0.2']
