import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaemonProcess } from './daemon-process.ts'
import { must, run, waitFor, type CommandOptions, type CommandResult } from './testbed-command.ts'

/** What a testbed needs of a tap test. */
export interface TestScope {
  teardown(handler: () => Promise<void>): void
  passing(): boolean
  comment(...text: unknown[]): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const LOG_LINES_SHOWN = 15
const DELETE_TRIES = 3
let made = 0

/** The mesh secret in `passwordFile`. */
export const SECRET = 'correct horse battery staple 8316'

/** Why system tests cannot run here; false when they can. */
export const skipSystem: string | false = process.geteuid?.() === 0 ? false : 'system tests need root'

/** A network namespace that the testbed made: a host, a container or a switch. */
export class Namespace {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  argv(...argv: readonly string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`, '--', ...argv]
  }

  run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run(this.argv(...argv), options)
  }

  must(...argv: readonly string[]): Promise<string> {
    return must(this.argv(...argv))
  }

  /** `ip` with arguments in one text. */
  ip(text: string): Promise<string> {
    return must(['ip', '-n', this.name, ...text.split(' ')])
  }

  /** True when one echo request of so many payload bytes is answered within 2 s. */
  async canPing(address: string, payloadBytes = 56): Promise<boolean> {
    const result = await this.run(['ping', '-n', '-c', '1', '-W', '2', '-s', String(payloadBytes), address])
    return result.status === 0
  }

  /** Names of its network interfaces, sorted. */
  async links(): Promise<string[]> {
    const rows = JSON.parse(await must(['ip', '-n', this.name, '-j', 'link', 'show'])) as { readonly ifname: string }[]
    return rows.map(row => row.ifname).sort()
  }
}

/** A namespace that stands for a Linux host, with the daemon that runs there. */
export class Host extends Namespace {
  readonly label: string
  readonly daemon: DaemonProcess
  /** Its underlay address in each network, by the prefix of that network. */
  readonly addresses = new Map<string, string>()

  constructor(name: string, label: string, directory: string) {
    super(name)
    this.label = label
    this.daemon = new DaemonProcess(this, join(directory, label))
  }

  /** Its first underlay address. */
  get address(): string {
    return [...this.addresses.values()][0]!
  }
}

/**
 * Hosts and containers as network namespaces, under names of this run. All that was made is removed by `close`, which
 * comes with the end of the test, of the process, and with SIGINT, SIGTERM and SIGHUP.
 */
export class Testbed {
  readonly tag = `wt${process.pid.toString(36)}${(made++).toString(36)}`
  readonly directory = mkdtempSync(join(tmpdir(), 'weave-ts-testbed-'))
  readonly passwordFile: string
  readonly #hosts: Host[] = []
  readonly #names: string[] = []
  readonly #undo: (() => Promise<void>)[] = []
  readonly #undoNow: (() => void)[] = []
  readonly #onExit = () => this.#removeNow()
  readonly #onSignal = (signal: NodeJS.Signals) => {
    this.#removeNow()
    process.exit(signal === 'SIGINT' ? 130 : 143)
  }
  #isClosed = false

  constructor(t?: TestScope) {
    chmodSync(this.directory, 0o755)
    this.passwordFile = this.secretFile('password', SECRET)
    process.on('exit', this.#onExit)
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
    t?.teardown(async () => {
      if (!t.passing()) for (const line of this.logTails()) t.comment(line)
      await this.close()
    })
  }

  secretFile(name: string, secret: string): string {
    const path = join(this.directory, name)
    writeFileSync(path, `${secret}\n`, { mode: 0o600 })
    return path
  }

  async host(label: string): Promise<Host> {
    const host = new Host(await this.#namespace(label), label, this.directory)
    this.#hosts.push(host)
    await host.must('sysctl', '-qw', 'net.ipv4.ip_forward=0')
    return host
  }

  hosts(...labels: readonly string[]): Promise<Host[]> {
    return Promise.all(labels.map(label => this.host(label)))
  }

  async container(label: string): Promise<Namespace> {
    return new Namespace(await this.#namespace(label))
  }

  containers(...labels: readonly string[]): Promise<Namespace[]> {
    return Promise.all(labels.map(label => this.container(label)))
  }

  /** A cable between two hosts, which get the addresses `PREFIX.1` and `PREFIX.2` (/24) on interfaces named `device`. */
  async link(a: Host, b: Host, prefix: string, device = `u${prefix.split('.')[2]!}`): Promise<void> {
    await must(
      ['ip', 'link', 'add', device, 'netns', a.name, 'type', 'veth', 'peer', 'name', device, 'netns', b.name].map(
        String,
      ),
    )
    await this.#address([a, b], prefix, device)
  }

  /** A switch that all the hosts are plugged into; the first one gets `PREFIX.1` (/24), and so on. Returns the switch. */
  async lan(hosts: readonly Host[], prefix: string, device = `u${prefix.split('.')[2]!}`): Promise<Namespace> {
    const hub = new Namespace(await this.#namespace(`lan${prefix.split('.')[2]!}`))
    await hub.ip('link add hub type bridge')
    await hub.ip('link set hub up')
    for (const [i, host] of hosts.entries()) {
      const port = `p${i + 1}`
      await must([
        'ip',
        'link',
        'add',
        device,
        'netns',
        host.name,
        'type',
        'veth',
        'peer',
        'name',
        port,
        'netns',
        hub.name,
      ])
      await hub.ip(`link set ${port} master hub up`)
    }
    await this.#address(hosts, prefix, device)
    return hub
  }

  async #address(hosts: readonly Host[], prefix: string, device: string): Promise<void> {
    for (const [i, host] of hosts.entries()) {
      const address = `${prefix}.${i + 1}`
      await host.ip(`addr add ${address}/24 dev ${device}`)
      await host.ip(`link set ${device} up`)
      host.addresses.set(prefix, address)
    }
  }

  /** Something to end in good order before the namespaces go, last one first; left out when a signal ends the test. */
  onClose(undo: () => Promise<void>): void {
    this.#undo.push(undo)
  }

  /** Something that outlives its namespaces, and must be removed whatever ends the test. */
  onRemove(undo: () => void): void {
    this.#undoNow.push(undo)
  }

  /** Deletes a container's namespace before the end. */
  async remove(namespace: Namespace): Promise<void> {
    await must(['ip', 'netns', 'delete', namespace.name])
    this.#names.splice(this.#names.indexOf(namespace.name), 1)
  }

  logTails(): string[] {
    return this.#hosts.flatMap(host => [
      `log of ${host.label}:`,
      ...host.daemon.log().split('\n').slice(-LOG_LINES_SHOWN),
    ])
  }

  /** Ends the daemons by their API, then removes everything. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) await undo()
    await Promise.all(this.#hosts.map(host => host.daemon.stopIfRunning()))
    this.#removeNow()
    process.removeListener('exit', this.#onExit)
    for (const signal of SIGNALS) process.removeListener(signal, this.#onSignal)
  }

  /** Without a pause, also from an exit handler: processes in our namespaces are killed, and the namespaces deleted. */
  #removeNow(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const undo of this.#undoNow) undo()
    for (const name of this.#names) {
      const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout.split('\n')
      for (const pid of pids.filter(text => text !== '')) killQuietly(Number(pid))
    }
    for (const name of this.#names)
      for (let tries = 0; tries < DELETE_TRIES && existsSync(`/run/netns/${name}`); tries++)
        spawnSync('ip', ['netns', 'delete', name])
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const mountPoint = line.split(' ')[1]
      if (mountPoint?.startsWith(`${this.directory}/`) === true) spawnSync('umount', ['-l', mountPoint])
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #namespace(label: string): Promise<string> {
    const name = `${this.tag}-${label}`
    // First noted, then made: a signal may come between.
    this.#names.push(name)
    await must(['ip', 'netns', 'add', name])
    await must(['ip', '-n', name, 'link', 'set', 'lo', 'up'])
    return name
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** Resolves when every one of the hosts has a direct path to all others of them. */
export async function meshed(hosts: readonly Host[], withinMs = 20_000): Promise<void> {
  const ids = await Promise.all(hosts.map(async host => (await host.daemon.status()).peer.id))
  for (const host of hosts)
    await waitFor(`direct paths of ${host.label} to all others`, withinMs, async () => {
      const { peers } = await host.daemon.status()
      return ids.every(id => peers.some(peer => peer.id === id && (peer.isSelf || peer.path?.kind === 'direct')))
    })
}
