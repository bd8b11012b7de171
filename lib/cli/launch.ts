import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApiClient } from '../api/mod.ts'
import { WeaveError, isErrorCode } from '../base/mod.ts'
import { handoverOf, type DaemonConfig } from '../daemon/mod.ts'
import { LOG_FILE, openStateFile, secureStateDir } from '../io/mod.ts'
import { patientStatus } from './patient-status.ts'
import { socketPathOf } from './paths.ts'

const LAUNCH_TIMEOUT_MS = 30_000
const MESSAGE_BYTES_MAX = 64 * 1024
const STANDARD_ERROR = 2
const LAUNCH_NOTICE_AFTER_MS = 2_000

/**
 * What the runtime of a daemon is told. With the 16 MiB that it takes otherwise, young objects lie about until there is no more
 * room; a daemon makes few.
 */
export const RUNTIME_OPTIONS = ['--max-semi-space-size=1']

/** The program itself. */
export const COMMAND = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))

/** What the daemon process tells its parent on file descriptor 3: JSON lines. */
interface Outcome {
  /** What it does now; the outcome is still to come. */
  readonly step?: string
  readonly ready?: boolean
  readonly notes?: readonly string[]
  readonly code?: string
  readonly message?: string
  readonly remedy?: string
}

/**
 * Starts the daemon detached and returns when it is ready; its log goes to `<state-dir>/daemon.log`. Fails with the
 * daemon's own error when it does not come up, or with LAUNCH_FAILED when it ends or stays silent.
 */
export async function launchDetached(config: DaemonConfig): Promise<readonly string[]> {
  const wasThere = existsSync(config.stateDir)
  const logPath = join(config.stateDir, LOG_FILE)
  const notices = secureStateDir(config.stateDir)
  // One that a service manager has started for this logs where the one before it did.
  const isInUnit = isManaged(config)
  const log = isInUnit ? STANDARD_ERROR : openLog(logPath)
  const child = spawn(
    process.execPath,
    [
      ...RUNTIME_OPTIONS,
      COMMAND,
      'launch',
      '--from-parent',
      ...(isInUnit ? ['--foreground'] : []),
      '--state-dir',
      config.stateDir,
    ],
    {
      detached: true,
      cwd: '/',
      stdio: ['pipe', log, log, 'pipe'],
      env: daemonEnvironment(),
    },
  )
  if (!isInUnit) closeSync(log)
  const { head, secrets } = handoverOf(config)
  child.stdin?.on('error', () => undefined)
  for (const bytes of [head, ...secrets]) child.stdin?.write(bytes)
  child.stdin?.end()
  const channel = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void }
  const outcome = await outcomeOf(child, channel, logPath)
  channel.destroy()
  child.unref()
  for (const bytes of secrets) bytes.fill(0)
  if (outcome.ready === true) {
    await patientStatus(new ApiClient(socketPathOf(config.stateDir)))
    return [...notices, ...(outcome.notes ?? [])]
  }
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  // A first launch that was refused leaves nothing; one that failed leaves its log.
  if (!wasThere && outcome.code !== 'LAUNCH_FAILED') rmSync(config.stateDir, { recursive: true, force: true })
  throw new WeaveError(
    isErrorCode(outcome.code) ? outcome.code : 'LAUNCH_FAILED',
    outcome.message ?? 'the daemon did not start',
    outcome.remedy ?? `see ${logPath}`,
  )
}

/** A service manager has asked for a daemon in place of the one that it runs. */
export function isManaged(config: DaemonConfig): boolean {
  return config.isReplacing && (process.env['NOTIFY_SOCKET'] ?? '') !== ''
}

/** Reads what the daemon tells: the steps of its start, which are shown once it takes long, and how it went. */
function outcomeOf(child: ChildProcess, channel: NodeJS.ReadableStream, logPath: string): Promise<Outcome> {
  return new Promise(resolve => {
    let text = ''
    let step = 'starting a process'
    let isSlow = false
    const slow = setTimeout(() => {
      isSlow = true
      console.error(`weave-ts: still launching: ${step}`)
    }, LAUNCH_NOTICE_AFTER_MS)
    const finish = (outcome: Outcome) => {
      clearTimeout(slow)
      clearTimeout(deadline)
      resolve(outcome)
    }
    const fail = (message: string) => finish({ code: 'LAUNCH_FAILED', message, remedy: `see ${logPath}` })
    const deadline = setTimeout(
      () => fail(`the daemon has not come further for ${LAUNCH_TIMEOUT_MS / 1000} s: ${step}`),
      LAUNCH_TIMEOUT_MS,
    )
    channel.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.length > MESSAGE_BYTES_MAX) return fail('the daemon said too much')
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        const told = parse(line)
        if (told === undefined) return fail('the daemon said something unreadable')
        if (told.step === undefined) return finish(told)
        step = told.step
        // A slow machine has this long for each step.
        deadline.refresh()
        if (isSlow) console.error(`weave-ts: still launching: ${step}`)
      }
    })
    child.on('error', error => fail(error.message))
    child.on('exit', (status, signal) => fail(`the daemon ended at start (${signal ?? `status ${status}`})`))
  })
}

function parse(line: string): Outcome | undefined {
  try {
    return JSON.parse(line) as Outcome
  } catch {
    return undefined
  }
}

/** Where the runtime says why it crashed; the daemon's own lines go there too. */
function openLog(path: string): number {
  try {
    return openStateFile(path, 'append')
  } catch (error) {
    // A disk without room must not keep a daemon from starting that has its state there already.
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') return openSync('/dev/null', 'a')
    throw error
  }
}

/** The secret reaches the daemon on standard input only. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env }
  delete environment['WEAVE_PASSWORD']
  return environment
}
