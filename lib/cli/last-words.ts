import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

const TAIL_BYTES = 64 * 1024
const LEVEL_FATAL = 60

/** How the last daemon of a state directory ended by itself, by its log; undefined when it did not, or nothing tells. */
export function lastWords(stateDir: string): string | undefined {
  let words: string | undefined
  for (const line of tail(join(stateDir, 'daemon.log')).split('\n')) {
    const entry = parse(line)
    if (entry?.event === 'ready') words = undefined
    if (entry?.level === LEVEL_FATAL) words = `it ended by itself at ${entry.time ?? '?'}: ${firstLine(entry.error)}`
  }
  return words
}

interface Entry {
  readonly level?: number
  readonly time?: string
  readonly event?: string
  readonly error?: string
}

function parse(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry
  } catch {
    return undefined
  }
}

function firstLine(text: string | undefined): string {
  return text?.split('\n', 1)[0] ?? 'see daemon.log'
}

function tail(path: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const { size } = fstatSync(file)
      const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
      readSync(file, bytes, 0, bytes.length, size - bytes.length)
      return bytes.toString('utf8')
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}
