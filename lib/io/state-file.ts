import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { WeaveError } from '../base/mod.ts'

const PRIVATE_FILE_MODE = 0o600
const FILE_KIND_MASK = 0o170000
const OTHERS_MASK = 0o077
/** What is read at once is small: the identity, the instance, last words, the lock. */
export const STATE_FILE_BYTES_MAX = 64 * 1024

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

/** `rewrite`: to read and write in place; `append` and `rewrite` make what is not there, `anew` nothing else. */
const WAYS = {
  read: O_RDONLY,
  append: O_WRONLY | O_APPEND | O_CREAT,
  rewrite: O_RDWR | O_CREAT,
  anew: O_WRONLY | O_CREAT | O_EXCL,
} as const

/**
 * Opens a file of the state directory, which nobody else can have put there: never through a link, never what belongs to
 * somebody else or has another name elsewhere, and never a pipe or a device. What it makes is for this user alone (0600).
 * @throws WeaveError STATE_UNSAFE, NOT_ROOT when it is no file of ours; the error of the system when it cannot be opened
 */
export function openStateFile(path: string, way: keyof typeof WAYS): number {
  let fd: number
  try {
    // Not to hang on a named pipe: what it is, is looked at below.
    fd = openSync(path, WAYS[way] | O_NOFOLLOW | O_NONBLOCK, PRIVATE_FILE_MODE)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ELOOP') throw linked(path)
    // A pipe that nobody reads, or a socket.
    if (code === 'ENXIO') check(path, lstatSync(path), false)
    throw error
  }
  try {
    check(path, fstatSync(fd), false)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/**
 * Reads a small file of the state directory as text, opened as all of them are.
 * @throws WeaveError STATE_UNSAFE, NOT_ROOT; the error of the system; an Error when it is larger than `bytesMax`
 */
export function readStateFile(path: string, bytesMax = STATE_FILE_BYTES_MAX): string {
  const fd = openStateFile(path, 'read')
  try {
    const bytes = Buffer.alloc(bytesMax + 1)
    let length = 0
    for (let count = 1; count > 0 && length < bytes.length; length += count)
      count = readSync(fd, bytes, length, bytes.length - length, null)
    if (length > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}

/**
 * The end of a file of the state directory that may be large, as text in whole lines: so many bytes at most.
 * @throws as `readStateFile`
 */
export function readStateFileEnd(path: string, bytesMax: number): string {
  const fd = openStateFile(path, 'read')
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, bytesMax))
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length))
    return size > bytesMax ? text.slice(text.indexOf('\n') + 1) : text
  } finally {
    closeSync(fd)
  }
}

/**
 * Looks at something in the state directory without opening it: a file, a directory or a socket of ours.
 * @throws WeaveError STATE_UNSAFE, NOT_ROOT
 */
export function lookAt(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat !== undefined) check(path, stat, true)
}

/** True when a file's mode lets anyone but its owner near it. */
export function isOpenToOthers({ mode }: Stats): boolean {
  return (mode & OTHERS_MASK) !== 0
}

/** Of what belongs to another user. `what`: how it is called; `path`: where it is. */
export function foreign(what: string, path: string, uid: number): WeaveError {
  const message = `${what} belongs to user ${uid}; this process is user ${ownId()}`
  if (ownId() !== 0) return new WeaveError('NOT_ROOT', message, 'run it as root (sudo weave-ts …)')
  return unsafe(
    message,
    `make it root's (chown -R root ${path}) if what is in it is to be trusted, else move it aside or name another directory with --state-dir`,
  )
}

export function unsafe(message: string, remedy: string): WeaveError {
  return new WeaveError('STATE_UNSAFE', message, remedy)
}

export function ownId(): number {
  return process.geteuid?.() ?? 0
}

function check(path: string, stat: Stats, isAnyKind: boolean): void {
  if (stat.isSymbolicLink()) throw linked(path)
  if (stat.uid !== ownId()) throw foreign(path, path, stat.uid)
  // Another name of it may lie where others can write.
  if (stat.isFile() && stat.nlink > 1)
    throw unsafe(
      `${path} has ${stat.nlink} names: it may be another program's file`,
      `see what it is (find / -xdev -samefile ${path}), take it away and launch again`,
    )
  if (stat.isFile() || (isAnyKind && (stat.isSocket() || stat.isDirectory()))) return
  throw unsafe(
    `${path} is no file (mode ${(stat.mode & FILE_KIND_MASK).toString(8)})`,
    `see what it is (ls -l ${path}), take it away and launch again`,
  )
}

function linked(path: string): WeaveError {
  return unsafe(
    `${path} is a symbolic link: what is written there would go to another place`,
    `see where it leads (ls -l ${path}) and who made it, remove the link and launch again`,
  )
}
