import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RootDatabase } from 'lmdb'
import { assert, errorText, WeaveError, type Millis } from '../base/mod.ts'
import { Ballast, freeBytes } from './ballast.ts'
import { renameDurably } from './durable-file.ts'
import type { StoreFinding } from './state-check.ts'
import { makeStateDir } from './state-dir.ts'
import { openEnvironment } from './state-env.ts'
import { isOpenToOthers } from './state-file.ts'
import {
  addToSum,
  CHECKSUM_BYTES,
  decodeHead,
  encodeHead,
  isStoreKey,
  openRecord,
  recordChecksum,
  sealRecord,
  STORE_COPY_SUFFIX,
  STORE_HEAD_KEY,
  STORE_SCHEMA_VERSION,
  STORE_VALUE_BYTES_MAX,
} from './state-record.ts'
import { StoreStream, type StreamEntry } from './store-stream.ts'

export const STATE_STORE_FILE = 'state.mdb'
/** Of the file that LMDB makes beside a store. */
export const LOCK_SUFFIX = '-lock'
const CHECK_TIMEOUT_MS = 30_000
/** Of all that a store may hold to be read at once: it has what this peer wrote itself. */
const READ_BYTES_MAX = 256 * 1024 * 1024
/** Compiled or not, the checker lies beside this file with the same extension. */
export const CHECKER = fileURLToPath(new URL(`./state-check${extname(import.meta.url)}`, import.meta.url))
/** How often a full disk is looked at for room; and after it had room and refused all the same, as with a quota. */
const ROOM_LOOK_MS = 1_000
const ROOM_RETRY_MS = 10_000
/** A disk with so much room that refuses nevertheless. */
const ROOM_OF_REFUSAL_BYTES = 64 * 1024 * 1024
/** Where so little is left, a short write that is told as an error of the disk is one for want of room. */
const ROOM_FOR_SHORT_WRITES_BYTES = 1024 * 1024

export interface StoreOptions {
  /** Of the ballast. */
  readonly ballastBytes?: number
  /** It was verified a moment ago, and since then only written by a daemon. */
  readonly isVerified?: boolean
}

/**
 * The daemon's transactional store, `<state-dir>/state.mdb` (0600): printable-ASCII keys (at most 512 characters, not
 * beginning with `!`) to bytes (at most 1 MiB). A write is on disk, as a whole, before it returns. Synchronous but for
 * `close`. One opener at a time: hold the state lock first.
 *
 * It keeps a ballast on the disk. When the disk is full the write in hand still succeeds, by the ballast's place; from
 * then on `fullness` tells that there is no reserve, until `tend` could make the ballast anew.
 */
export class StateStore {
  /** What an operator should read about how it was opened: such as permissions that were mended. */
  readonly notices: readonly string[]
  /** True when there was none, and it was made. */
  readonly isNew: boolean
  readonly #env: RootDatabase<Buffer, string>
  readonly #path: string
  readonly #ballast: Ballast | undefined
  #fullness: string | undefined
  #lookAt: Millis = 0

  private constructor(
    env: RootDatabase<Buffer, string>,
    path: string,
    opened: { readonly notices: readonly string[]; readonly isNew: boolean },
    ballast: Ballast | undefined,
  ) {
    this.#env = env
    this.#path = path
    this.notices = opened.notices
    this.isNew = opened.isNew
    this.#ballast = ballast
    if (ballast?.make() === false) this.#fullness = noRoom(path)
  }

  /**
   * Why the store should not be given anything new that must last: the disk has no room left, and how much; or nothing.
   */
  get fullness(): string | undefined {
    return this.#fullness
  }

  /** Looks whether a full disk has room again. */
  tend(now: Millis): void {
    if (this.#fullness === undefined || now < this.#lookAt) return
    const hasRoom = this.#ballast === undefined || this.#ballast.make()
    this.#fullness = hasRoom ? undefined : noRoom(this.#path)
    const refuses = freeBytes(dirname(this.#path)) > ROOM_OF_REFUSAL_BYTES
    this.#lookAt = now + (refuses ? ROOM_RETRY_MS : ROOM_LOOK_MS)
  }

  /**
   * Opens the store, or makes an empty one where there is none. An existing one is read and verified whole first.
   * @throws WeaveError STATE_DAMAGED, STATE_VERSION, STATE_IO; the file is then as it was
   */
  static open(stateDir: string, options: StoreOptions = {}): StateStore {
    makeStateDir(stateDir)
    const path = join(stateDir, STATE_STORE_FILE)
    const notices: string[] = []
    const isNew = !exists(path)
    if (isNew) create(path)
    else if (options.isVerified !== true) notices.push(...verify(path))
    try {
      const ballast = new Ballast(stateDir, options.ballastBytes)
      return new StateStore(openEnvironment(path), path, { notices, isNew }, ballast)
    } catch (error) {
      throw ioError(path, 'opened', error)
    }
  }

  /**
   * Reads a store and verifies it whole; none is good, too. Another process may have it open and write to it: what it
   * writes while it is read may look like damage once. Returns what it holds.
   * @throws WeaveError STATE_DAMAGED, STATE_VERSION, STATE_IO
   */
  static verify(stateDir: string): readonly StreamEntry[] {
    const path = join(stateDir, STATE_STORE_FILE)
    if (!exists(path)) return []
    try {
      return readWhole(path)
    } catch {
      return readWhole(path)
    }
  }

  /**
   * Opens a store that a checker has just found good and in which nothing must last: commits are not flushed, and no
   * room is kept for it.
   * @throws WeaveError STATE_IO
   */
  static openCache(path: string): StateStore {
    try {
      return new StateStore(openEnvironment(path, true), path, { notices: [], isNew: false }, undefined)
    } catch (error) {
      throw ioError(path, 'opened', error)
    }
  }

  get(key: string): Uint8Array | undefined {
    assert(isStoreKey(key), `store key ${key}`)
    const record = this.#env.get(key)
    return record === undefined ? undefined : this.#value(key, record)
  }

  /** All entries whose key begins with `prefix`, in the order of their keys. */
  range(prefix: string): (readonly [string, Uint8Array])[] {
    assert(isStoreKey(prefix), `store prefix ${prefix}`)
    const entries: (readonly [string, Uint8Array])[] = []
    for (const { key, value } of this.#env.getRange({ start: prefix })) {
      if (!key.startsWith(prefix)) break
      entries.push([key, this.#value(key, value)])
    }
    return entries
  }

  /**
   * Puts and deletes in one transaction; on disk when it returns. A key in both is deleted.
   * @throws WeaveError STATE_IO when the disk refuses (full without ballast, failing); nothing of it has then happened
   */
  write(puts: Iterable<readonly [string, Uint8Array]>, deletes: Iterable<string> = []): void {
    const changes = new Map<string, Uint8Array | undefined>()
    for (const [key, value] of puts) {
      assert(isStoreKey(key), `store key ${key}`)
      assert(value.length <= STORE_VALUE_BYTES_MAX, `store value of ${value.length} bytes under ${key}`)
      changes.set(key, sealRecord(key, value))
    }
    for (const key of deletes) {
      assert(isStoreKey(key), `store key ${key}`)
      changes.set(key, undefined)
    }
    try {
      this.#commit(changes)
    } catch (error) {
      throw error instanceof WeaveError ? error : ioError(this.#path, 'written', error)
    }
  }

  #commit(changes: ReadonlyMap<string, Uint8Array | undefined>): void {
    try {
      this.#env.transactionSync(() => this.#apply(changes))
    } catch (error) {
      if (!isOfFullDisk(error, this.#path)) throw error
      const hadBallast = this.#ballast?.release() === true
      this.#fullness = noRoom(this.#path)
      if (!hadBallast) throw error
      this.#env.transactionSync(() => this.#apply(changes))
    }
  }

  async close(): Promise<void> {
    await this.#env.close()
  }

  #apply(changes: ReadonlyMap<string, Uint8Array | undefined>): void {
    const sealedHead = this.#env.get(STORE_HEAD_KEY)
    const headValue = sealedHead === undefined ? undefined : openRecord(STORE_HEAD_KEY, sealedHead)
    const head = headValue === undefined ? undefined : decodeHead(headValue)
    if (head === undefined) throw damagedError(this.#path, 'its head record is gone')
    const sum = Uint8Array.from(head.sum)
    let records = head.records
    for (const [key, record] of changes) {
      const before = this.#env.get(key)
      if (before !== undefined) {
        addToSum(sum, recordChecksum(before))
        records--
      }
      if (record === undefined) {
        if (before !== undefined) this.#env.removeSync(key)
      } else {
        addToSum(sum, recordChecksum(record))
        records++
        this.#env.putSync(key, Buffer.from(record))
      }
    }
    const next = encodeHead({ version: STORE_SCHEMA_VERSION, records, sum: sum.subarray(0, CHECKSUM_BYTES) })
    this.#env.putSync(STORE_HEAD_KEY, Buffer.from(sealRecord(STORE_HEAD_KEY, next)))
  }

  #value(key: string, record: Uint8Array): Uint8Array {
    const value = openRecord(key, record)
    if (value === undefined) throw damagedError(this.#path, `record ${key} has a wrong checksum`)
    return Uint8Array.from(value)
  }
}

function exists(path: string): boolean {
  try {
    return lstatSync(path) !== undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw ioError(path, 'read', error)
  }
}

/** Made under another name and renamed: a crash on the way leaves no half-made store that would look damaged. */
function create(path: string): void {
  const temporary = `${path}.new`
  rmSync(temporary, { force: true })
  const finding = runChecker('create', temporary)
  rmSync(temporary + LOCK_SUFFIX, { force: true })
  if (finding.outcome !== 'good') {
    throw ioError(path, 'made', finding.outcome === 'damaged' ? finding.reason : 'unexpected version')
  }
  rmSync(path + LOCK_SUFFIX, { force: true })
  renameDurably(temporary, path)
}

function verify(path: string): string[] {
  const notices = lookAtFile(path)
  const finding = runChecker('check', path)
  // A checker that crashed could not remove it.
  rmSync(path + STORE_COPY_SUFFIX, { recursive: true, force: true })
  if (finding.outcome !== 'good') throw findingError(path, finding)
  return notices
}

/** As `verify`, and gives what it holds. */
function readWhole(path: string): readonly StreamEntry[] {
  lookAtFile(path)
  const child = spawnChecker('read', path)
  rmSync(path + STORE_COPY_SUFFIX, { recursive: true, force: true })
  const stream = new StoreStream()
  const entries = stream.take(child.stdout)
  const finding = findingOf(stream.finding ?? '', child)
  if (finding.outcome !== 'good') throw findingError(path, finding)
  return entries ?? []
}

/**
 * What is seen of a store's file without reading it; its mode is mended. Returns what an operator should read.
 * @throws WeaveError STATE_DAMAGED
 */
export function lookAtFile(path: string): string[] {
  const stat = lstatSync(path)
  if (!stat.isFile()) throw damagedError(path, 'it is not a regular file')
  if (stat.size === 0) throw damagedError(path, 'it is empty (0 bytes)')
  if (!isOpenToOthers(stat)) return []
  chmodSync(path, 0o600)
  return [`${path} could be read by other users; its mode is now 0600`]
}

export function findingError(path: string, finding: Exclude<StoreFinding, { outcome: 'good' }>): WeaveError {
  if (finding.outcome === 'damaged') return damagedError(path, finding.reason)
  return new WeaveError(
    'STATE_VERSION',
    `the state store ${path} has schema version ${finding.found}; this program reads version ${STORE_SCHEMA_VERSION}`,
    'launch with the release that wrote it, or move it aside and launch again (the file was not changed)',
  )
}

function runChecker(task: 'create' | 'check', path: string): StoreFinding {
  const child = spawnChecker(task, path)
  return findingOf(child.stdout.toString('utf8'), child)
}

function spawnChecker(task: 'create' | 'check' | 'read', path: string): SpawnSyncReturns<Buffer> {
  const child = spawnSync(process.execPath, [CHECKER, task, path], {
    timeout: CHECK_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: READ_BYTES_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.error === undefined) return child
  if ((child.error as NodeJS.ErrnoException).code === 'ETIMEDOUT')
    throw damagedError(path, `reading it did not end within ${CHECK_TIMEOUT_MS / 1000} s`)
  throw ioError(path, 'verified', child.error)
}

/** What a checker found, by what it said last; or how it ended without a word. */
export function findingOf(
  text: string,
  ended: { readonly status: number | null; readonly signal: NodeJS.Signals | null },
): StoreFinding {
  if (ended.signal !== null) return { outcome: 'damaged', reason: `reading it ended the checker by ${ended.signal}` }
  try {
    return JSON.parse(text) as StoreFinding
  } catch {
    return { outcome: 'damaged', reason: `reading it ended the checker with status ${ended.status}` }
  }
}

function damagedError(path: string, reason: string): WeaveError {
  return new WeaveError(
    'STATE_DAMAGED',
    `the state store ${path} is damaged: ${reason}`,
    `restore it from a backup, or move it aside (mv ${path} ${path}.damaged) and launch again with the peers to join: ` +
      'identity and secret stay, the rest comes back from the mesh (the file was not changed)',
  )
}

/** What the native part gives is the system's words. A write of several pages that ended early is EIO to it. */
function isOfFullDisk(error: unknown, path: string): boolean {
  const text = errorText(error)
  if (/ENOSPC|EDQUOT|no space|quota/i.test(text)) return true
  return /EIO|input\/output/i.test(text) && freeBytes(dirname(path)) < ROOM_FOR_SHORT_WRITES_BYTES
}

function noRoom(path: string): string {
  return `the disk of ${path} is full (${freeText(path)}): what must be stored is refused until there is room again`
}

function freeText(path: string): string {
  const free = freeBytes(dirname(path))
  return Number.isNaN(free) ? 'free space unknown' : `${free} bytes free`
}

function ioError(path: string, verb: string, cause: unknown): WeaveError {
  return new WeaveError(
    'STATE_IO',
    `the state store ${path} could not be ${verb}: ${errorText(cause)} (${freeText(path)})`,
    `look at free space and permissions (df ${path}; ls -l ${path})`,
  )
}
