import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { openStateFile } from './state-file.ts'

export const LOG_FILE = 'daemon.log'
/** A log that is larger is put aside as `daemon.log.1`, that as `daemon.log.2`, and that is gone. */
export const LOG_FILE_BYTES_MAX = 10 * 1024 * 1024
export const LOG_FILES_KEPT = 2

/**
 * A log file that is bounded and never in the way: it puts itself aside by size, goes on when somebody else has moved
 * or removed it, and when the disk takes nothing drops lines and says later how many. No method throws.
 *
 * It is put aside by a copy and cut where it is, since standard error of the process leads into the same file: what the
 * runtime says when the process crashes must not go into an old one.
 */
export class LogFile {
  readonly #path: string
  readonly #bytesMax: number
  #fd: number | undefined
  #lost = 0
  /** The file's size after the last whole line of ours. */
  #endAt = 0

  constructor(path: string, bytesMax = LOG_FILE_BYTES_MAX) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  /** Lines that could not be written since the last that could. */
  get lost(): number {
    return this.#lost
  }

  /** Appends one line, which ends with its line end. */
  write(line: string): void {
    try {
      const fd = this.#ready()
      if (fstatSync(fd).size + line.length > this.#bytesMax) this.#putAside(fd)
      const { size } = fstatSync(fd)
      // A line that was cut short, or words of the runtime, which may end without a line end.
      const gap = size === this.#endAt ? '' : '\n'
      const bytes = Buffer.from(gap + (this.#lost > 0 ? lostLine(this.#lost) : '') + line)
      if (writeSync(fd, bytes) < bytes.length) {
        this.#lost++
      } else {
        this.#lost = 0
        this.#endAt = size + bytes.length
      }
    } catch {
      this.#lost++
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** The open file, if it still has its name; else another under that name. */
  #ready(): number {
    if (this.#fd !== undefined) {
      const named = lstatSync(this.#path, { throwIfNoEntry: false })
      const held = fstatSync(this.#fd)
      if (named?.ino === held.ino && named.dev === held.dev) return this.#fd
      this.close()
    }
    this.#fd = openStateFile(this.#path, 'append')
    this.#endAt = fstatSync(this.#fd).size
    return this.#fd
  }

  #putAside(fd: number): void {
    try {
      for (let number = LOG_FILES_KEPT; number > 1; number--) moveOver(this.#name(number - 1), this.#name(number))
      rmSync(this.#name(1), { force: true })
      copyFileSync(this.#path, this.#name(1), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    } catch {
      // No room for the copy: what it holds of the past is given up rather than what is to come.
      rmSync(this.#name(1), { force: true })
    }
    ftruncateSync(fd)
    this.#endAt = 0
  }

  #name(number: number): string {
    return `${this.#path}.${number}`
  }
}

function moveOver(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function lostLine(lines: number): string {
  const time = new Date().toISOString()
  return `${JSON.stringify({ level: 40, time, event: 'log-lost', lines, msg: 'lines could not be written' })}\n`
}
