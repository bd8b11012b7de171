import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApiClient } from '../api/mod.ts'
import { WeaveError, isErrorCode } from '../base/mod.ts'
import type { DaemonConfig } from '../daemon/config.ts'
import { socketPathOf } from './paths.ts'

const LAUNCH_TIMEOUT_MS = 30_000
const MESSAGE_BYTES_MAX = 64 * 1024

/** What the daemon process tells its parent on file descriptor 3: one JSON line. */
interface Outcome {
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
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  const logPath = join(config.stateDir, 'daemon.log')
  const log = openSync(logPath, 'a', 0o600)
  const entry = fileURLToPath(new URL('../../../bin/weave-ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [entry, 'launch', '--foreground', '--from-parent', '--state-dir', config.stateDir],
    {
      detached: true,
      cwd: '/',
      stdio: ['pipe', log, log, 'pipe'],
      env: daemonEnvironment(),
    },
  )
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(JSON.stringify(config))
  const channel = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void }
  const outcome = await new Promise<Outcome>(resolve => {
    let text = ''
    const timer = setTimeout(
      () =>
        resolve({
          code: 'LAUNCH_FAILED',
          message: `the daemon was not ready within ${LAUNCH_TIMEOUT_MS / 1000} s`,
          remedy: `see ${logPath}`,
        }),
      LAUNCH_TIMEOUT_MS,
    )
    const finish = (value: Outcome) => {
      clearTimeout(timer)
      resolve(value)
    }
    channel.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.length > MESSAGE_BYTES_MAX)
        finish({ code: 'LAUNCH_FAILED', message: 'the daemon said too much', remedy: `see ${logPath}` })
      if (!text.includes('\n')) return
      try {
        finish(JSON.parse(text) as Outcome)
      } catch {
        finish({ code: 'LAUNCH_FAILED', message: 'the daemon said something unreadable', remedy: `see ${logPath}` })
      }
    })
    child.on('error', error =>
      finish({ code: 'LAUNCH_FAILED', message: error.message, remedy: 'check that Node can be run' }),
    )
    child.on('exit', (status, signal) =>
      finish({
        code: 'LAUNCH_FAILED',
        message: `the daemon ended at start (${signal ?? `status ${status}`})`,
        remedy: `see ${logPath}`,
      }),
    )
  })
  channel.destroy()
  child.unref()
  if (outcome.ready === true) {
    await new ApiClient(socketPathOf(config.stateDir)).status()
    return outcome.notes ?? []
  }
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  throw new WeaveError(
    isErrorCode(outcome.code) ? outcome.code : 'LAUNCH_FAILED',
    outcome.message ?? 'the daemon did not start',
    outcome.remedy ?? `see ${logPath}`,
  )
}

/** The secret reaches the daemon on standard input only. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  const environment = { ...process.env }
  delete environment['WEAVE_PASSWORD']
  return environment
}
