import { spawn } from 'node:child_process'
import { WeaveError } from '../base/mod.ts'

const COMMAND_TIMEOUT_MS = 10_000
const COMMAND_OUTPUT_BYTES_MAX = 8 * 1024 * 1024
const EXIT_NOT_FOUND = 127
/** System tools live here even where an unprivileged PATH leaves these out. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The Debian package that brings a tool. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  nsenter: 'util-linux',
  nft: 'nftables',
  iptables: 'iptables',
  ip6tables: 'iptables',
  'iptables-nft': 'iptables',
  'ip6tables-nft': 'iptables',
  'iptables-legacy': 'iptables',
  'ip6tables-legacy': 'iptables',
  setpriv: 'util-linux',
  grep: 'grep',
  tee: 'coreutils',
  cat: 'coreutils',
  readlink: 'coreutils',
}

export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
}

export interface CommandOptions {
  /** Given on standard input, which is closed after it. */
  readonly input?: string
  readonly timeoutMs?: number
  /** Exit statuses that are no failure (default: 0 only). */
  readonly okStatuses?: readonly number[]
}

/** Runs a program with its arguments as they are; never through a shell. */
export interface CommandRunner {
  run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>
}

/**
 * Runs programs as child processes, in bounded time and with bounded output. `prefix` goes before each command: for
 * instance `['nsenter', '--net=/run/netns/x']` makes another network namespace the host.
 *
 * `run` fails with COMMAND_FAILED (the command, its status, the first line of its stderr) or MISSING_TOOL (the
 * package).
 */
export class ChildProcessRunner implements CommandRunner {
  readonly #prefix: readonly string[]

  constructor(options: { readonly prefix?: readonly string[] } = {}) {
    this.#prefix = options.prefix ?? []
  }

  /** Starts a program that goes on, and tells what it prints. Returns how to end it. */
  watch(argv: readonly string[], events: { onOutput(output: string): void; onEnd(): void }): () => void {
    const [program = '', ...rest] = [...this.#prefix, ...argv]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'], env: environment() })
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      events.onEnd()
    }
    child.stdout.setEncoding('utf8').on('data', (output: string) => isOver || events.onOutput(output))
    child.on('error', end)
    child.on('close', end)
    // The daemon does not stay for its sake.
    child.unref()
    return () => {
      isOver = true
      child.kill('SIGKILL')
    }
  }

  run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const whole = [...this.#prefix, ...argv]
    const [program, ...rest] = whole
    if (program === undefined) return Promise.reject(new TypeError('an empty command'))
    const timeoutMs = options.timeoutMs ?? COMMAND_TIMEOUT_MS
    const okStatuses = options.okStatuses ?? [0]
    return new Promise((resolve, reject) => {
      const child = spawn(program, rest, {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: environment(),
        // A group of its own, so that what the command itself started ends with it.
        detached: true,
      })
      let why: string | undefined
      const kill = (reason: string) => {
        why ??= reason
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        } catch {
          child.kill('SIGKILL')
        }
        // A grandchild that left the group may hold the pipes open: do not wait for it.
        child.stdout.destroy()
        child.stderr.destroy()
      }
      const timer = setTimeout(() => kill(`did not end within ${timeoutMs} ms`), timeoutMs)
      const stdout = collect(child.stdout, kill)
      const stderr = collect(child.stderr, kill)
      // The command may end without reading its input; its status tells the story.
      child.stdin.on('error', () => undefined)
      child.on('error', error => {
        clearTimeout(timer)
        reject(spawnError(program, whole, error))
      })
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        const result = { stdout: stdout(), stderr: stderr(), status: code ?? -1 }
        if (why !== undefined) reject(commandFailed(whole, why))
        else if (code === null) reject(commandFailed(whole, `was ended by ${signal ?? 'a signal'}`))
        else if (okStatuses.includes(code)) resolve(result)
        else reject(failure(whole, result))
      })
      child.stdin.end(options.input ?? '')
    })
  }
}

function environment(): NodeJS.ProcessEnv {
  const path = process.env['PATH']
  return { PATH: path === undefined ? SYSTEM_PATH : `${path}:${SYSTEM_PATH}`, LC_ALL: 'C' }
}

function collect(stream: NodeJS.ReadableStream, kill: (reason: string) => void): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > COMMAND_OUTPUT_BYTES_MAX) kill(`wrote more than ${COMMAND_OUTPUT_BYTES_MAX} bytes`)
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function spawnError(program: string, argv: readonly string[], error: NodeJS.ErrnoException): WeaveError {
  return error.code === 'ENOENT' ? missingTool(program) : commandFailed(argv, `could not start: ${error.message}`)
}

function failure(argv: readonly string[], result: CommandResult): WeaveError {
  const line = result.stderr.split('\n').find(text => text.trim() !== '') ?? 'it said nothing'
  // nsenter and `ip netns exec` report a missing program in their own words.
  const missing = /failed to execute ([^\s:]+): No such file|exec of "([^"]+)" failed: No such file/.exec(line)
  const tool = missing?.[1] ?? missing?.[2]
  if (tool !== undefined && (result.status === EXIT_NOT_FOUND || missing?.[2] !== undefined)) return missingTool(tool)
  return commandFailed(argv, `ended with status ${result.status}: ${line.trim()}`)
}

function commandFailed(argv: readonly string[], what: string): WeaveError {
  return new WeaveError(
    'COMMAND_FAILED',
    `\`${argv.join(' ')}\` ${what}`,
    'run the command by hand as root to see more, then try again',
  )
}

/** The error for a tool that is not installed: names the Debian package. */
export function missingTool(tool: string): WeaveError {
  const name = PACKAGE_OF[tool] ?? tool
  return new WeaveError(
    'MISSING_TOOL',
    `the program \`${tool}\` is not installed (or not in PATH)`,
    `install it: \`apt-get install ${name}\` on Debian and Ubuntu`,
  )
}
