import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { WeaveError, errorText } from '../base/mod.ts'

const PRIVATE_DIR_MODE = 0o700
const WRITABLE_BY_OTHERS = 0o022
const FILE_KIND_MASK = 0o170000

/** What weave-ts keeps in a state directory; also under these names with a suffix (`state.mdb-lock`, `daemon.log.1`). */
export const STATE_FILES = [
  'identity.json',
  'instance.json',
  'state.mdb',
  'mesh.mdb',
  'ballast',
  'daemon.lock',
  'daemon.log',
  'last-words',
  'api.sock',
] as const

/** True for the name of a file that weave-ts makes in its state directory. */
export function isStateFile(name: string): boolean {
  return STATE_FILES.some(file => name === file || name.startsWith(`${file}.`) || name.startsWith(`${file}-`))
}

/**
 * Makes the state directory (0700) unless it is there, and sees to it that nobody else could have put something into it,
 * or can from now on: write permission of others is taken away; what belongs to somebody else, or is a link to another
 * place, is refused. Returns what an operator should read.
 * @throws WeaveError STATE_UNSAFE; NOT_ROOT when this process is the one that may not; STATE_IO when it cannot be made
 */
export function secureStateDir(stateDir: string): string[] {
  try {
    mkdirSync(stateDir, { recursive: true, mode: PRIVATE_DIR_MODE })
    const notices = secureDirectory(stateDir)
    for (const name of readdirSync(stateDir)) if (isStateFile(name)) checkFile(join(stateDir, name))
    return notices
  } catch (error) {
    throw error instanceof WeaveError ? error : unusable(stateDir, error)
  }
}

/**
 * Opens a file of the state directory to append to it, or makes it (0600); never through a link.
 * @throws WeaveError STATE_UNSAFE when it is no file of ours; the error of the system when it cannot be opened
 */
export function openToAppend(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  let fd: number
  try {
    // Not to hang on a named pipe: what it is, is looked at below.
    fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw linked(path)
    throw error
  }
  try {
    check(path, fstatSync(fd))
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Reads a text file of the state directory; never through a link. Throws the error of the system. */
export function readStateFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
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

function checkFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat !== undefined) check(path, stat)
}

function check(path: string, stat: Stats): void {
  if (stat.isSymbolicLink()) throw linked(path)
  if (stat.uid !== ownId()) throw foreign(path, path, stat.uid)
  // Another name of it may lie where others can write.
  if (stat.isFile() && stat.nlink > 1)
    throw unsafe(
      `${path} has ${stat.nlink} names: it may be another program's file`,
      `see what it is (find / -xdev -samefile ${path}), take it away and launch again`,
    )
  if (!stat.isFile() && !stat.isSocket() && !stat.isDirectory())
    throw unsafe(
      `${path} is no file (mode ${octal(stat.mode & FILE_KIND_MASK)})`,
      `see what it is (ls -l ${path}), take it away and launch again`,
    )
}

function linked(path: string): WeaveError {
  return unsafe(
    `${path} is a symbolic link: what is written there would go to another place`,
    `see where it leads (ls -l ${path}) and who made it, remove the link and launch again`,
  )
}

function foreign(what: string, path: string, uid: number): WeaveError {
  const message = `${what} belongs to user ${uid}; this process is user ${ownId()}`
  if (ownId() !== 0) return new WeaveError('NOT_ROOT', message, 'run it as root (sudo weave-ts …)')
  return unsafe(
    message,
    `give it to root (chown -R root ${path}) if what is in it is to be trusted; else move it aside, or name another: --state-dir`,
  )
}

function unusable(stateDir: string, error: unknown): WeaveError {
  const isDenied = ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
  return new WeaveError(
    isDenied ? 'NOT_ROOT' : 'STATE_IO',
    `the state directory ${stateDir} cannot be used: ${errorText(error)}`,
    isDenied ? 'run it as root (sudo weave-ts …)' : 'look at it and the disk it is on, or name another: --state-dir',
  )
}

function unsafe(message: string, remedy: string): WeaveError {
  return new WeaveError('STATE_UNSAFE', message, remedy)
}

function ownId(): number {
  return process.geteuid?.() ?? 0
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
