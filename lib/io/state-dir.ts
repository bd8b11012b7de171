import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { WeaveError, errorText } from '../base/mod.ts'
import { foreign, lookAt, ownId, unsafe } from './state-file.ts'

const PRIVATE_DIR_MODE = 0o700
const WRITABLE_BY_OTHERS = 0o022

/** The mesh secret of a host that was invited. */
export const SECRET_FILE = 'mesh-secret'

/**
 * What weave-ts keeps in a state directory; also under these names with a suffix (`state.mdb-lock`, `daemon.log.1`).
 */
export const STATE_FILES = [
  'identity.json',
  'instance.json',
  'launch.json',
  SECRET_FILE,
  'state.mdb',
  'mesh.mdb',
  'ballast',
  'daemon.lock',
  'daemon.log',
  'events.jsonl',
  'last-words',
  'api.sock',
] as const

/** True for the name of a file that weave-ts makes in its state directory. */
export function isStateFile(name: string): boolean {
  return STATE_FILES.some(file => name === file || name.startsWith(`${file}.`) || name.startsWith(`${file}-`))
}

/**
 * Makes the state directory (0700) unless it is there.
 * @throws WeaveError NOT_ROOT when this process may not, else STATE_IO
 */
export function makeStateDir(stateDir: string): void {
  try {
    makeDirectories(stateDir)
  } catch (error) {
    throw unusable(stateDir, error)
  }
}

/**
 * One after the other: the recursive way of the runtime tells ENOENT where a file system is read-only, and does not end
 * in a place where nothing can be made, such as /proc.
 */
function makeDirectories(path: string): void {
  const missing: string[] = []
  for (let at = path; !isDirectory(at); at = dirname(at)) missing.unshift(at)
  for (const directory of missing) {
    try {
      mkdirSync(directory, PRIVATE_DIR_MODE)
    } catch (error) {
      // Another process may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isDirectory(directory)) throw error
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/**
 * Makes the state directory (0700) unless it is there, and sees to it that nobody else could have put something into it,
 * or can from now on: write permission of others is taken away; what belongs to somebody else, or is a link to another
 * place, is refused. Returns what an operator should read.
 * @throws WeaveError STATE_UNSAFE; NOT_ROOT when this process is the one that may not; STATE_IO when it cannot be made
 */
export function secureStateDir(stateDir: string): string[] {
  makeStateDir(stateDir)
  try {
    const notices = secureDirectory(stateDir)
    for (const name of readdirSync(stateDir)) if (isStateFile(name)) lookAt(join(stateDir, name))
    return notices
  } catch (error) {
    throw error instanceof WeaveError ? error : unusable(stateDir, error)
  }
}

function secureDirectory(stateDir: string): string[] {
  const stat = statSync(stateDir)
  if (!stat.isDirectory()) throw unsafe(`the state directory ${stateDir} is no directory`, `name another: --state-dir`)
  if (stat.uid !== ownId()) throw foreign(`the state directory ${stateDir}`, stateDir, stat.uid)
  if ((stat.mode & WRITABLE_BY_OTHERS) === 0) return []
  const mode = stat.mode & 0o777 & ~WRITABLE_BY_OTHERS
  chmodSync(stateDir, mode)
  return [
    `the state directory ${stateDir} could be written by other users (mode ${octal(stat.mode & 0o777)}); ` +
      `its mode is now ${octal(mode)}`,
  ]
}

function unusable(stateDir: string, error: unknown): WeaveError {
  const isDenied = ownId() !== 0 && ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
  return new WeaveError(
    isDenied ? 'NOT_ROOT' : 'STATE_IO',
    `the state directory ${stateDir} cannot be used: ${errorText(error)}`,
    isDenied ? 'run it as root (sudo weave-ts …)' : 'look at it and the disk it is on, or name another: --state-dir',
  )
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
