import { join } from 'node:path'
import { LOG_FILE, readLastWords, readStateFileEnd } from '../io/mod.ts'

const TAIL_BYTES = 64 * 1024
const LEVEL_FATAL = 60

/**
 * How the last daemon of a state directory ended by itself, by what it kept for that, else by its log, the part that was
 * put aside included; undefined when it did not, or nothing tells.
 */
export function lastWords(stateDir: string): string | undefined {
  const kept = parse(readLastWords(stateDir) ?? '')
  if (kept !== undefined) return said(kept)
  const log = join(stateDir, LOG_FILE)
  let words: string | undefined
  for (const line of `${tail(`${log}.1`)}\n${tail(log)}`.split('\n')) {
    const entry = parse(line)
    if (entry?.event === 'ready') words = undefined
    if (entry?.level === LEVEL_FATAL) words = said(entry)
  }
  return words
}

interface Entry {
  readonly level?: number
  readonly time?: string
  readonly event?: string
  readonly error?: string
}

function said(entry: Entry): string {
  return `it ended by itself at ${entry.time ?? '?'}: ${firstLine(entry.error)}`
}

function parse(line: string): Entry | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? entry : undefined
  } catch {
    return undefined
  }
}

function firstLine(text: string | undefined): string {
  return text?.split('\n', 1)[0] ?? 'see daemon.log'
}

function tail(path: string): string {
  try {
    return readStateFileEnd(path, TAIL_BYTES)
  } catch {
    return ''
  }
}
