import { join } from 'node:path'
import { LogFile } from './log-file.ts'
import { readStateFile } from './state-file.ts'

export const EVENT_FILE = 'events.jsonl'
/** Of one file; the one before it is read as well. */
const EVENT_FILE_BYTES_MAX = 1024 * 1024

/** Where events are kept over a restart: a line of JSON each. No method throws: what cannot be kept is lost. */
export class EventFile {
  readonly #path: string
  readonly #file: LogFile

  constructor(stateDir: string) {
    this.#path = join(stateDir, EVENT_FILE)
    this.#file = new LogFile(this.#path, EVENT_FILE_BYTES_MAX)
  }

  /** What is there, the oldest first, of the last so many lines; those that are no JSON are left out. */
  read(linesMax = Infinity): unknown[] {
    const lines = [`${this.#path}.1`, this.#path].flatMap(linesOf)
    return lines.slice(-linesMax).flatMap(parsed)
  }

  write(event: object): void {
    this.#file.write(`${JSON.stringify(event)}\n`)
  }
}

function linesOf(path: string): string[] {
  try {
    // A line more than it is put aside for, at most.
    return readStateFile(path, 2 * EVENT_FILE_BYTES_MAX)
      .split('\n')
      .filter(line => line !== '')
  } catch {
    return []
  }
}

function parsed(line: string): unknown[] {
  try {
    return [JSON.parse(line)]
  } catch {
    return []
  }
}
