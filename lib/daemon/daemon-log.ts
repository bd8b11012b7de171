import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { pino, type Logger } from 'pino'
import { LOG_FILE, LastWordsFile, LogFile } from '../io/mod.ts'
import type { DaemonConfig } from './config.ts'
import { INFO, levelOf } from './log-level.ts'

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
 * The log of a daemon: to its file when it runs detached, else to standard error; and its events to a book. Why the daemon
 * ends by itself is also kept where a full disk does not matter (see LastWordsFile).
 */
export function daemonLog(config: DaemonConfig, isDetached: boolean, events: { takeLine(line: string): void }): Logger {
  const file = isDetached ? new LogFile(join(config.stateDir, LOG_FILE)) : standardError
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
