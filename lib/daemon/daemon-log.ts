import { fstatSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import { pino, type Logger } from 'pino'
import { hasColours } from '../base/mod.ts'
import { LOG_FILE, LastWordsFile, LogFile } from '../io/mod.ts'
import type { DaemonConfig } from './config.ts'
import { INFO, levelOf } from './log-level.ts'
import { logText, withPriority } from './log-text.ts'

const STANDARD_ERROR = 2
const READY_EVENT = '"event":"ready"'
const FATAL = '{"level":60,'

/** Takes the lines of pino. */
interface LineSink {
  write(line: string): void
}

/** To standard error, which may be closed or full: a line more or less is no reason to end. */
export const standardError: LineSink = {
  write(line) {
    try {
      writeSync(STANDARD_ERROR, line)
    } catch {
      return
    }
  },
}

/**
 * How lines come to standard error: `auto` is text on a terminal and JSON elsewhere, to journald with its priority.
 * `stream`: what standard error is.
 */
export function shaperOf(
  format: DaemonConfig['logFormat'],
  env: Readonly<Record<string, string | undefined>>,
  stream: { readonly isTerminal: boolean; readonly dev: number; readonly ino: number },
): (line: string) => string {
  const { isTerminal, dev, ino } = stream
  const isColoured = hasColours(isTerminal, env)
  if (format === 'text' || (format === 'auto' && isTerminal)) return line => logText(line, isColoured)
  return format === 'auto' && env['JOURNAL_STREAM'] === `${dev}:${ino}` ? withPriority : line => line
}

/**
 * The log of a daemon: to its file as JSON when it runs detached, else to standard error; and its events to a book. Why the daemon
 * ends by itself is also kept where a full disk does not matter (see LastWordsFile).
 */
export function daemonLog(config: DaemonConfig, isDetached: boolean, events: { takeLine(line: string): void }): Logger {
  const file = isDetached ? new LogFile(join(config.stateDir, LOG_FILE)) : standardErrorAs(config.logFormat)
  let words: LastWordsFile | undefined
  const lowest = pino.levels.values[config.logLevel]!
  const sink: LineSink = {
    write(line) {
      events.takeLine(line)
      if (levelOf(line) >= lowest) file.write(line)
      // Only a daemon that came up has the right to the file: another one may be running there.
      if (line.includes(READY_EVENT)) words ??= new LastWordsFile(config.stateDir)
      if (line.startsWith(FATAL)) words?.write(line)
    },
  }
  // What happens is noted whatever the log is to say.
  const level = lowest < INFO ? config.logLevel : 'info'
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, sink)
}

function standardErrorAs(format: DaemonConfig['logFormat']): LineSink {
  const shape = shaperOf(format, process.env, { isTerminal: isatty(STANDARD_ERROR), ...placeOf(STANDARD_ERROR) })
  return { write: line => standardError.write(shape(line)) }
}

/** Nowhere when it is closed. */
function placeOf(fd: number): { readonly dev: number; readonly ino: number } {
  try {
    return fstatSync(fd)
  } catch {
    return { dev: 0, ino: 0 }
  }
}
