import { existsSync, readFileSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  ApiClient,
  type Attachment,
  type DoctorAnswer,
  type FindingView,
  type Report,
  type Status,
} from '../../lib/api/mod.ts'
import { isRunning } from './process-facts.ts'
import { run, waitFor, type CommandOptions, type CommandResult } from './testbed-command.ts'

/** The command of this checkout; compiled, this file lies in `build/test/support`. */
const COMMAND = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
const END_MS = 12_000

/** Runs `weave-ts` with these arguments, outside of any testbed. */
export function weaveTs(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return run([process.execPath, COMMAND, ...argv], options)
}

/** What the daemon runs in: a namespace with a name. */
interface Place {
  readonly name: string
  links(): Promise<string[]>
}

export interface LaunchOptions {
  readonly passwordFile?: string
  readonly args?: readonly string[]
  /** Words before the command, for instance of `setpriv`. */
  readonly wrapper?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** As of a command (30 s). */
  readonly limitMs?: number
}

/** The daemon of one host: launched, asked and ended as an operator does it. */
export class DaemonProcess {
  readonly stateDir: string
  readonly #place: Place

  constructor(place: Place, directory: string) {
    this.#place = place
    this.stateDir = join(directory, 'state')
  }

  /** Where a dockerd of the testbed finds its network driver: never that of this machine. */
  get pluginDir(): string {
    return join(dirname(this.stateDir), 'plugins')
  }

  get socketPath(): string {
    return join(this.stateDir, 'api.sock')
  }

  get api(): ApiClient {
    return new ApiClient(this.socketPath)
  }

  status(): Promise<Status> {
    return this.api.call('status')
  }

  report(): Promise<Report> {
    return this.api.call('report')
  }

  async ps(): Promise<Attachment[]> {
    return (await this.api.call('ps')).attachments
  }

  /** `weave-ts launch` on this host; gives whatever came of it. */
  tryLaunch(peers: readonly string[], options: LaunchOptions = {}): Promise<CommandResult> {
    const secret = options.passwordFile === undefined ? [] : ['--password-file', options.passwordFile]
    // A Docker of this machine is not the testbed's.
    const docker = options.env?.['DOCKER_HOST'] === undefined ? ['--no-docker'] : []
    const argv = [
      'launch',
      ...docker,
      '--state-dir',
      this.stateDir,
      '--docker-plugin-dir',
      this.pluginDir,
      '--nickname',
      dirname(this.stateDir).split('/').at(-1)!,
    ]
    return run(
      [
        ...['ip', 'netns', 'exec', this.#place.name, ...(options.wrapper ?? [])],
        ...[process.execPath, COMMAND, ...argv, ...secret, ...(options.args ?? []), ...peers],
      ],
      {
        env: { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock', ...options.env },
        ...(options.limitMs !== undefined && { limitMs: options.limitMs }),
      },
    )
  }

  async launch(peers: readonly string[], options: LaunchOptions = {}): Promise<void> {
    const result = await this.tryLaunch(peers, options)
    if (result.status !== 0) throw new Error(`launch: status ${result.status}: ${result.stderr}\n${this.log()}`)
  }

  /** A command against this daemon. The socket is reached from any network namespace. */
  cli(...argv: readonly string[]): Promise<CommandResult> {
    return weaveTs([...argv, '--state-dir', this.stateDir])
  }

  /** A command that must succeed; its output without the last line end. */
  async say(...argv: readonly string[]): Promise<string> {
    const result = await this.cli(...argv)
    if (result.status !== 0) throw new Error(`${argv.join(' ')}: status ${result.status}: ${result.stderr}`)
    return result.stdout.trimEnd()
  }

  /** A command that prints addresses and must succeed: those of IPv4. */
  async ipv4(...argv: readonly string[]): Promise<string> {
    const words = (await this.say(...argv)).split(' ')
    return words.filter(word => !word.includes(':')).join(' ')
  }

  /** A command with `--json` that must succeed; what it printed. */
  async json(...argv: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.say(...argv, '--json'))
  }

  /** What `weave-ts doctor` finds of a check that is not well, and with which status it ends. */
  async doctor(): Promise<DoctorAnswer & { readonly status: number | null; of(check: string): FindingView[] }> {
    const { stdout, status } = await this.cli('doctor', '--json')
    const answer = JSON.parse(stdout) as DoctorAnswer
    return {
      ...answer,
      status,
      of: check => answer.findings.filter(one => one.check === check && one.verdict !== 'ok'),
    }
  }

  /** Attaches a namespace; its addresses in CIDR form. */
  async attach(namespace: { readonly name: string }, ...addresses: string[]): Promise<string[]> {
    return (await this.api.call('attach', { target: `netns:${namespace.name}`, addresses })).cidrs
  }

  /** Takes everything from a target; what was removed. */
  async detach(target: string): Promise<string[]> {
    return (await this.api.call('detach', { target })).cidrs
  }

  log(): string {
    try {
      return readFileSync(join(this.stateDir, 'daemon.log'), 'utf8')
    } catch {
      return ''
    }
  }

  /** The process as a power cut would end it. */
  async kill(): Promise<void> {
    const { pid } = await this.status()
    process.kill(pid, 'SIGKILL')
    await waitFor('end of the killed daemon', END_MS, () => !isRunning(pid))
  }

  /** By the API; when it does not answer or does not end, by its pid. */
  async stopIfRunning(): Promise<void> {
    const lock = join(this.stateDir, 'daemon.lock')
    if (!existsSync(lock)) return
    let pid: number
    try {
      pid = (await this.status()).pid
    } catch {
      return
    }
    try {
      await this.api.call('stop')
      await waitFor('end of the daemon', END_MS, () => !isRunning(pid))
    } catch {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  }

  /** Interfaces and the socket that a daemon would leave; the underlay is `u…`. */
  async leftovers(): Promise<string[]> {
    const links = await this.#place.links()
    const ours = links.filter(name => name !== 'lo' && !/^u\d+$/.test(name))
    return existsSync(this.socketPath) ? [...ours, 'api.sock'] : ours
  }
}
