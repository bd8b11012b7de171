import { spawnSync } from 'node:child_process'
import { closeSync, fchmodSync, ftruncateSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { assert, errorText, WeaveError } from '../base/mod.ts'
import { secureStateDir } from './state-dir.ts'
import { openStateFile, readStateFile } from './state-file.ts'

export const LOCK_FILE = 'daemon.lock'
const FLOCK_TIMEOUT_MS = 5_000
/** flock(1) returns so when somebody else holds the lock; told apart from its own failures by -E. */
const FLOCK_HELD_STATUS = 99
/** What the lock file says when nobody holds it. */
const NOBODY = '-\n'
/** The descriptor under which the child sees ours. */
const CHILD_FD = 3

export interface LockHolder {
  readonly pid: number
}

export interface StateLock {
  /** What an operator should read about the state directory: such as permissions that were mended. */
  readonly notices: readonly string[]
  release(): void
}

/**
 * Takes the state directory for this process: one daemon per state dir. The lock is a flock(2) on `daemon.lock`, so the
 * kernel lets go of it when the process ends in whatever way, and of two starters exactly one gets it. Node.js has no
 * flock: flock(1) of util-linux locks the open file that it inherits from us, and so shares with us.
 * @throws WeaveError STATE_LOCKED with the holder's pid; MISSING_TOOL without flock(1); STATE_UNSAFE, NOT_ROOT, STATE_IO
 */
export function acquireStateLock(stateDir: string): StateLock {
  const notices = secureStateDir(stateDir)
  const path = join(stateDir, LOCK_FILE)
  const fd = openLockFile(path)
  try {
    lock(fd, path, stateDir)
    fchmodSync(fd, 0o600)
    replace(fd, `${process.pid} ${startTime(process.pid) ?? ''}\n`)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  let isHeld = true
  return {
    notices,
    release() {
      assert(isHeld, 'a lock is released once')
      isHeld = false
      // The file stays: to remove it would let a second starter lock a name that a third one makes anew.
      replace(fd, NOBODY)
      closeSync(fd)
    },
  }
}

/** Who holds the state directory, by what the lock file says; undefined when that process is gone. */
export function stateLockHolder(stateDir: string): LockHolder | undefined {
  let text: string
  try {
    text = readStateFile(join(stateDir, LOCK_FILE))
  } catch {
    return undefined
  }
  const match = /^(\d{1,10}) (\d*)\n/.exec(text)
  if (match === null) return undefined
  const pid = Number(match[1])
  // The start time tells a process from a later one with the same pid.
  return startTime(pid) === match[2] ? { pid } : undefined
}

/** Never empty in between: on a full disk what the file has must not be given back. */
function replace(fd: number, text: string): void {
  writeSync(fd, text, 0)
  ftruncateSync(fd, text.length)
}

function openLockFile(path: string): number {
  try {
    return openStateFile(path, 'rewrite')
  } catch (error) {
    throw error instanceof WeaveError ? error : lockFailure(path, errorText(error))
  }
}

function lock(fd: number, path: string, stateDir: string): void {
  const argv = ['--exclusive', '--nonblock', '-E', String(FLOCK_HELD_STATUS), String(CHILD_FD)]
  const child = spawnSync('flock', argv, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    timeout: FLOCK_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    encoding: 'utf8',
  })
  if ((child.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    throw new WeaveError('MISSING_TOOL', 'the program flock was not found in PATH', 'run: apt install util-linux')
  }
  if (child.error !== undefined) throw lockFailure(path, errorText(child.error))
  if (child.status === 0) return
  if (child.status !== FLOCK_HELD_STATUS) throw lockFailure(path, child.stderr.trim() || `status ${child.status}`)
  const holder = stateLockHolder(stateDir)
  throw new WeaveError(
    'STATE_LOCKED',
    `the state directory ${stateDir} is in use by ` +
      (holder === undefined ? 'a daemon that is just starting or stopping' : `the daemon with pid ${holder.pid}`) +
      `; this process is ${process.pid}`,
    'to change its options: weave-ts launch --replace; for a new process: weave-ts restart; to end it: weave-ts stop; or give ' +
      'this one a directory of its own with --state-dir',
  )
}

/**
 * Field 22 of /proc/PID/stat, in clock ticks since boot; undefined when there is no such process, or when it has ended
 * and only its parent has not asked after it.
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, the command's name in brackets, may itself hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ['Z', 'X'].includes(fields[0] ?? '') ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function lockFailure(path: string, cause: string): WeaveError {
  return new WeaveError(
    'STATE_IO',
    `the lock file ${path} could not be locked: ${cause}`,
    'run as root, and keep the state directory on a local file system',
  )
}
