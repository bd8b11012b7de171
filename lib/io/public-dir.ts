import { chmodSync, lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { ownId, unsafe } from './state-file.ts'

const PUBLIC_DIR_MODE = 0o755
const WRITABLE_BY_OTHERS = 0o022

/**
 * Makes a directory, and those above it up to `root`, that everybody may enter and nobody else write to; one that is there
 * must be such a one.
 * @throws WeaveError STATE_UNSAFE; the error of the system
 */
export function makePublicDir(directory: string, root: string): void {
  if (directory !== root) makePublicDir(dirname(directory), root)
  try {
    mkdirSync(directory)
    // Whatever the umask is.
    chmodSync(directory, PUBLIC_DIR_MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const stat = lstatSync(directory)
    if (!stat.isDirectory() || stat.uid !== ownId() || (stat.mode & WRITABLE_BY_OTHERS) !== 0)
      throw unsafe(
        `${directory} is no directory that only user ${ownId()} can write to`,
        `see what it is (ls -ld ${directory}), take it away and launch again`,
      )
  }
}

/** Takes away what is empty of a directory and those above it, up to `root`. */
export function removeEmptyDirs(directory: string, root: string): void {
  try {
    for (let at = directory; !relative(root, at).startsWith('..'); at = dirname(at)) rmdirSync(at)
  } catch {
    // Another daemon is there.
  }
}
