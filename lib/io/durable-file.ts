import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { WeaveError, errorText } from '../base/mod.ts'

const PRIVATE_DIR_MODE = 0o700
const PRIVATE_FILE_MODE = 0o600
const OTHERS_MASK = 0o077
const OPEN_ANEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * Makes the state directory (0700) unless it is there.
 * @throws WeaveError STATE_IO when it cannot be made or is no directory
 */
export function ensureStateDir(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: PRIVATE_DIR_MODE })
  } catch (error) {
    throw new WeaveError(
      'STATE_IO',
      `the state directory ${stateDir} cannot be made: ${errorText(error)}`,
      'run as root, or name a directory that you may write with --state-dir',
    )
  }
}

/** Flushes a directory, so that a rename in it survives a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Renames within one directory and flushes that directory. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to)
  syncDirectory(dirname(to))
}

/** Replaces a file (0600) as a whole: after a crash either the old content is there or the new. */
export function writeFileDurably(path: string, content: string): void {
  const temporary = `${path}.new`
  // A left-over of a crash; whatever else it is must not be followed.
  rmSync(temporary, { force: true })
  const fd = openSync(temporary, OPEN_ANEW, PRIVATE_FILE_MODE)
  try {
    fchmodSync(fd, PRIVATE_FILE_MODE)
    writeSync(fd, content)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameDurably(temporary, path)
}

/** True when a file's mode lets anyone but its owner near it. */
export function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & OTHERS_MASK) !== 0
}
