import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { must, run, waitFor, type CommandResult } from './testbed-command.ts'
import { skipSystem, type Host, type Testbed } from './testbed.ts'

export const BUSYBOX = '/bin/busybox'
const DOCKER_START_MS = 60_000
const LOG_CHARACTERS = 4_000

/** Why tests with a real dockerd cannot run here; false when they can. */
export async function skipDockerd(): Promise<string | false> {
  if (skipSystem !== false) return skipSystem
  for (const program of ['dockerd', 'docker'])
    if ((await run([program, '--version'])).status !== 0)
      return `${program} is not installed (Debian package docker.io)`
  return existsSync(BUSYBOX) ? false : 'busybox is not installed (Debian package busybox-static)'
}

/**
 * A dockerd of one test alone: its own data, state and socket, in the namespace of a host. Its image `box` holds
 * busybox and nothing else; a few of its programs are found by their names.
 */
export class Dockerd {
  readonly socket: string
  readonly #directory: string
  readonly #host: Host
  readonly #options: readonly string[]
  #child: ChildProcess | undefined
  #log = ''

  /** Starts nothing yet. `options`: more of them for dockerd. */
  constructor(bed: Testbed, host: Host, options: readonly string[] = []) {
    this.#host = host
    this.#options = options
    this.#directory = join(bed.directory, `docker-${host.label}`)
    this.socket = join(this.#directory, 'docker.sock')
    mkdirSync(this.#directory)
    mkdirSync(this.#host.daemon.pluginDir, { recursive: true })
    writeFileSync(join(this.#directory, 'daemon.json'), '{}')
    bed.onRemove(() => this.#remove())
    bed.onClose(() => this.#stop())
  }

  static async start(bed: Testbed, host: Host, options: readonly string[] = []): Promise<Dockerd> {
    const docker = new Dockerd(bed, host, options)
    await docker.start()
    await docker.importImage()
    return docker
  }

  /** What the daemon of the host is launched with. */
  get env(): NodeJS.ProcessEnv {
    return { DOCKER_HOST: `unix://${this.socket}` }
  }

  /** Starts it, again after `kill`, and waits until it answers. */
  async start(): Promise<void> {
    const argv = this.#host.argv(
      ...inPlaceOfRun(this.#host.daemon.pluginDir),
      ...['dockerd', '--config-file', join(this.#directory, 'daemon.json'), '--host', `unix://${this.socket}`],
      ...['--data-root', join(this.#directory, 'data'), '--exec-root', join(this.#directory, 'exec')],
      ...['--pidfile', join(this.#directory, 'docker.pid'), '--storage-driver', 'vfs', ...this.#options],
    )
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log = (this.#log + text).slice(-LOG_CHARACTERS)))
    await waitFor('start of dockerd', DOCKER_START_MS, async () => {
      if (child.exitCode !== null) throw new Error(this.#log)
      return (await run(this.argv('version'))).status === 0
    })
  }

  async importImage(): Promise<void> {
    const root = join(this.#directory, 'root')
    mkdirSync(join(root, 'bin'), { recursive: true })
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'))
    chmodSync(join(root, 'bin/busybox'), 0o755)
    for (const applet of ['sh', 'grep', 'sleep', 'ping', 'wget', 'httpd'])
      symlinkSync('busybox', join(root, 'bin', applet))
    const tar = join(this.#directory, 'box.tar')
    await must(['tar', '-C', root, '-cf', tar, '.'])
    await this.docker('import', tar, 'box')
  }

  argv(...words: readonly string[]): string[] {
    return ['docker', '--host', `unix://${this.socket}`, ...words]
  }

  async docker(...words: readonly string[]): Promise<string> {
    return (await must(this.argv(...words), { limitMs: 60_000 })).trim()
  }

  /** Starts a container without a network that sleeps; its id. */
  sleeper(name: string, ...options: readonly string[]): Promise<string> {
    return this.docker('run', '-d', '--name', name, '--network', 'none', ...options, 'box', BUSYBOX, 'sleep', '600')
  }

  /** A command of busybox in a container. */
  exec(name: string, ...words: readonly string[]): Promise<CommandResult> {
    return run(this.argv('exec', name, BUSYBOX, ...words))
  }

  /** Its process, and the containerd that ends with it, as a power cut would end them; containers are left alone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
    this.#endContainerd('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** What runs in a container is in a namespace that the testbed does not know. */
  #remove(): void {
    const docker = (...words: readonly string[]) =>
      spawnSync('docker', this.argv(...words).slice(1), { encoding: 'utf8', timeout: 20_000 })
    const ids = docker('ps', '-aq')
      .stdout.split('\n')
      .filter(id => id !== '')
    if (ids.length > 0) docker('rm', '-f', ...ids)
  }

  async #stop(): Promise<void> {
    this.#remove()
    await this.#end('SIGTERM')
    this.#endContainerd('SIGTERM')
  }

  /** Without its file the next dockerd does not wait for it, though nobody has asked after it. */
  #endContainerd(signal: NodeJS.Signals): void {
    const pidFile = join(this.#directory, 'exec/containerd/containerd.pid')
    if (!existsSync(pidFile)) return
    try {
      process.kill(Number(readFileSync(pidFile, 'utf8')), signal)
    } catch {
      // It has ended already.
    }
    rmSync(pidFile)
  }
}

/**
 * Words before a program that looks for plugins of Docker in /run/docker/plugins: in a mount namespace of its own, with
 * a /run of its own, it finds those of this directory and none of the machine's.
 */
function inPlaceOfRun(pluginDir: string): string[] {
  const script =
    'exec 3</run/netns && mount -t tmpfs none /run && mkdir -p /run/docker/plugins /run/netns && ' +
    'mount --no-canonicalize --rbind /proc/self/fd/3 /run/netns && exec 3<&- && ' +
    'mount --bind "$0" /run/docker/plugins && exec "$@"'
  return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, pluginDir]
}
