import { spawn } from 'node:child_process'

const LIMIT_MS = 30_000
const POLL_MS = 50
/** So long after its end what a command printed is waited for, if something that it left behind holds the pipes open. */
const PIPES_MS = 1_000

export interface CommandResult {
  readonly argv: readonly string[]
  /** Null when the time limit or a signal ended it. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly durationMs: number
}

export interface CommandOptions {
  readonly limitMs?: number
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly input?: string
}

/** Runs a program to its end, or to the limit (default 30 s), and tells how it went. Never rejects. */
export function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise(resolve => {
    const began = performance.now()
    const child = spawn(argv[0]!, argv.slice(1), { stdio: 'pipe', env: options.env ?? process.env, cwd: options.cwd })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs ?? LIMIT_MS)
    let pipes: NodeJS.Timeout | undefined
    const finish = (status: number | null) => {
      clearTimeout(limit)
      clearTimeout(pipes)
      resolve({ argv, status, stdout, stderr, durationMs: performance.now() - began })
    }
    child.on('error', error => {
      stderr += error.message
      finish(127)
    })
    child.on('close', finish)
    // A process that outlives its parent may keep the pipes open: what counts is that the command itself ended.
    child.on('exit', status => (pipes = setTimeout(() => finish(status), PIPES_MS)))
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** As `run`, and rejects when the command fails; the error holds what it printed. */
export async function must(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await run(argv, options)
  if (result.status === 0) return result.stdout
  throw new Error(`${argv.join(' ')}: status ${result.status}: ${result.stderr.trim() || result.stdout.trim()}`)
}

/**
 * Polls until the condition gives something other than undefined or false, and returns that. Rejects after `withinMs`
 * with what was waited for and the last error, if the condition threw.
 */
export async function waitFor<T>(
  description: string,
  withinMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + withinMs
  let last = ''
  for (;;) {
    try {
      const value = await condition()
      if (value !== undefined && value !== false) return value
      last = ''
    } catch (error) {
      last = `: ${error instanceof Error ? error.message : String(error)}`
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs / 1000} s: ${description}${last}`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
