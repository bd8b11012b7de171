import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { openStateFile } from './state-file.ts'

const PRIVATE_FILE_MODE = 0o600

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
  const fd = openStateFile(temporary, 'anew')
  try {
    fchmodSync(fd, PRIVATE_FILE_MODE)
    writeSync(fd, content)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameDurably(temporary, path)
}
