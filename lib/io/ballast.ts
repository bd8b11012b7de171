import { closeSync, fsyncSync, lstatSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { randomFillSync } from 'node:crypto'
import { dirname, join } from 'node:path'
import { openStateFile } from './state-file.ts'

export const BALLAST_FILE = 'ballast'
/** Room kept for what must be written when the disk is full. */
export const BALLAST_BYTES = 4 * 1024 * 1024
const CHUNK_BYTES = 64 * 1024

/** A file that holds nothing but its place on the disk, and gives it up when that is needed. */
export class Ballast {
  readonly #path: string
  readonly #bytes: number

  constructor(stateDir: string, bytes = BALLAST_BYTES) {
    this.#path = join(stateDir, BALLAST_FILE)
    this.#bytes = bytes
  }

  get isThere(): boolean {
    const stat = lstatSync(this.#path, { throwIfNoEntry: false })
    return stat?.isFile() === true && stat.size >= this.#bytes
  }

  /** Makes it unless it is there; false when there is no room for twice its size, or the disk refuses. */
  make(): boolean {
    if (this.isThere) return true
    const temporary = `${this.#path}.new`
    try {
      rmSync(temporary, { force: true })
      // What is filled to the brim for a moment is refused to others for that moment.
      if (freeBytes(dirname(this.#path)) < 2 * this.#bytes) return false
      fill(temporary, this.#bytes)
      renameSync(temporary, this.#path)
      return true
    } catch {
      rmSync(temporary, { force: true })
      return false
    }
  }

  /** Gives its place back; false when there was nothing to give. */
  release(): boolean {
    const wasThere = lstatSync(this.#path, { throwIfNoEntry: false }) !== undefined
    rmSync(this.#path, { force: true })
    return wasThere
  }
}

/** What a user process may still write on the file system of a path; NaN when the system does not tell. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch {
    return Number.NaN
  }
}

/** Noise, not zeros: a file system that compresses, or leaves holes, would give zeros no place. */
function fill(path: string, bytes: number): void {
  const fd = openStateFile(path, 'anew')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
      const length = Math.min(left, CHUNK_BYTES)
      if (writeSync(fd, randomFillSync(chunk), 0, length) < length) throw new Error('no room')
    }
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
