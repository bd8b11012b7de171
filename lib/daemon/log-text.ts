import { eventText } from '../api/mod.ts'
import { printable } from '../base/mod.ts'
import { logEntry } from './log-entry.ts'
import { levelOf } from './log-level.ts'

const [RED, YELLOW, DIM] = [31, 33, 2] as const
/** By what pino numbers them; words of one width. `priority`: of syslog(3), as journald takes it before a line. */
const SHOWN_LEVELS: Readonly<
  Record<number, { readonly word: string; readonly colour?: number; readonly priority: number }>
> = {
  10: { word: 'TRACE', colour: DIM, priority: 7 },
  20: { word: 'DEBUG', colour: DIM, priority: 7 },
  30: { word: 'INFO ', priority: 6 },
  40: { word: 'WARN ', colour: YELLOW, priority: 4 },
  50: { word: 'ERROR', colour: RED, priority: 3 },
  60: { word: 'FATAL', colour: RED, priority: 2 },
}
const TEXT_BYTES_MAX = 16 * 1024

/** A line of the log, as pino writes it, as people read it: time, level, event, whom it is about, words, key=value. */
export function logText(line: string, isColoured: boolean): string {
  const { word, colour } = SHOWN_LEVELS[levelOf(line)] ?? { word: '?    ' }
  const entry = line.length > TEXT_BYTES_MAX ? undefined : parsed(line)
  if (entry === undefined) return line
  const { error, ...details } = entry.details
  const [first = '', ...stack] = typeof error === 'string' ? error.split('\n') : []
  const said = typeof error === 'string' ? { ...details, error: first } : entry.details
  const text = [eventText({ ...entry, details: said }, { before: `${word} ` }), ...stack.map(printable)].join('\n')
  return `${isColoured && colour !== undefined ? text.replace(word, `\u001B[${colour}m${word}\u001B[0m`) : text}\n`
}

/** The same line, with its priority before it: journald takes that off again, and `journalctl -p warning` works. */
export function withPriority(line: string): string {
  return `<${SHOWN_LEVELS[levelOf(line)]?.priority ?? 6}>${line}`
}

function parsed(line: string): ReturnType<typeof logEntry> {
  try {
    return logEntry(line)
  } catch {
    return undefined
  }
}
