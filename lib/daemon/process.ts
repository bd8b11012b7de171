import { writeSync } from 'node:fs'
import { DISK_CODES, WeaveError, errorText } from '../base/mod.ts'
import { EventFile, ManagerNotifier } from '../io/mod.ts'
import type { DaemonConfig } from './config.ts'
import { daemonLog, standardError } from './daemon-log.ts'
import { Daemon } from './daemon.ts'
import { EVENTS_KEPT, EventBook } from './event-book.ts'
import { readHandover } from './handover.ts'
import { Supervision } from './supervision.ts'

const STANDARD_INPUT = 0
const PARENT_FD = 3

/**
 * The daemon of `launch`: takes its configuration from standard input and tells the parent how the start went. It logs to
 * its state directory when it is detached, else to standard error.
 */
export async function runFromParent(isDetached: boolean): Promise<void> {
  const config = readHandover(STANDARD_INPUT)
  try {
    const notes = await run(config, isDetached, step => tellParent({ step }))
    tellParent({ ready: true, notes })
  } catch (error) {
    const known = asWeaveError(error, config.stateDir)
    tellParent({
      code: known?.code ?? 'LAUNCH_FAILED',
      message: known?.message ?? errorText(error),
      remedy: known?.remedy ?? 'see daemon.log in the state directory',
    })
    if (known === undefined) standardError.write(`${error instanceof Error ? (error.stack ?? '') : String(error)}\n`)
    process.exit(known?.exitStatus ?? 70)
  }
}

/** `launch --foreground`: logs to standard error; a failure of the start is the caller's to print. */
export async function runInForeground(config: DaemonConfig): Promise<void> {
  for (const note of await run(config, false, () => undefined)) standardError.write(`weave-ts: ${note}\n`)
}

async function run(
  config: DaemonConfig,
  isDetached: boolean,
  onStep: (step: string) => void,
): Promise<readonly string[]> {
  const eventFile = new EventFile(config.stateDir)
  const events = new EventBook(eventFile.read(EVENTS_KEPT), event => eventFile.write(event))
  const log = daemonLog(config, isDetached, events)
  const notifier = ManagerNotifier.fromEnvironment(process.env, text =>
    log.warn({ event: 'manager', error: text }, 'the service manager could not be told'),
  )
  const supervision = new Supervision(notifier)
  let said = Promise.resolve()
  const daemon = new Daemon(
    config,
    { log, events },
    {
      onEnding: () => {
        said = supervision.stopping()
      },
      onEnd: status => void said.finally(() => process.exit(status)),
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void daemon.shutdown(0))
  process.on('SIGHUP', () => undefined)
  process.on('uncaughtException', error => {
    log.fatal({ event: 'uncaught', error: error.stack }, 'a fault of weave-ts')
    void daemon.shutdown(70)
  })
  process.on('unhandledRejection', reason => {
    log.fatal(
      { event: 'unhandled', error: reason instanceof Error ? reason.stack : String(reason) },
      'a fault of weave-ts',
    )
    void daemon.shutdown(70)
  })
  const notes = await daemon.start(
    step => {
      onStep(step)
      supervision.step(step)
    },
    () => supervision.takingOver(),
  )
  supervision.ready(() => daemon.summary())
  return notes
}

/** A disk that refuses is the operator's to mend: it is named. */
function asWeaveError(error: unknown, stateDir: string): WeaveError | undefined {
  if (error instanceof WeaveError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (!DISK_CODES.includes(code)) return undefined
  return new WeaveError(
    'STATE_IO',
    `the state directory ${stateDir} cannot be written: ${errorText(error)}`,
    `look at its disk (df ${stateDir}), then launch again`,
  )
}

/** The parent may be gone: then nobody waits for the word. */
function tellParent(outcome: object): void {
  try {
    writeSync(PARENT_FD, `${JSON.stringify(outcome)}\n`)
  } catch {
    return
  }
}
