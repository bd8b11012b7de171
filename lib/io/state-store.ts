import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RootDatabase } from 'lmdb'
import { assert, errorText, WeaveError } from '../base/mod.ts'
import { ensureStateDir, isOpenToOthers, renameDurably } from './durable-file.ts'
import type { StoreFinding } from './state-check.ts'
import { openEnvironment } from './state-env.ts'
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

export const STATE_STORE_FILE = 'state.mdb'
const LOCK_SUFFIX = '-lock'
const CHECK_TIMEOUT_MS = 30_000

/**
 * The daemon's transactional store, `<state-dir>/state.mdb` (0600): printable-ASCII keys (at most 512 characters, not
 * beginning with `!`) to bytes (at most 1 MiB). A write is on disk, as a whole, before it returns. Synchronous but for
 * `close`. One opener at a time: hold the state lock first.
 */
export class StateStore {
  /** What an operator should read about how it was opened: such as permissions that were mended. */
  readonly notices: readonly string[]
  readonly #env: RootDatabase<Buffer, string>
  readonly #path: string

  private constructor(env: RootDatabase<Buffer, string>, path: string, notices: readonly string[]) {
    this.#env = env
    this.#path = path
    this.notices = notices
  }

  /**
   * Opens the store, or makes an empty one where there is none. An existing one is read and verified whole first.
   * @throws WeaveError STATE_DAMAGED, STATE_VERSION, STATE_IO; the file is then as it was
   */
  static open(stateDir: string): StateStore {
    ensureStateDir(stateDir)
    const path = join(stateDir, STATE_STORE_FILE)
    const notices: string[] = []
    if (exists(path)) {
      verify(path)
      if (isOpenToOthers(path)) {
        chmodSync(path, 0o600)
        notices.push(`${path} could be read by other users; its mode is now 0600`)
      }
    } else {
      create(path)
    }
    try {
      return new StateStore(openEnvironment(path), path, notices)
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
   * @throws WeaveError STATE_IO when the disk refuses (full, failing); nothing of the write has then happened
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
      this.#env.transactionSync(() => this.#apply(changes))
    } catch (error) {
      throw error instanceof WeaveError ? error : ioError(this.#path, 'written', error)
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

function verify(path: string): void {
  const stat = statSync(path)
  if (!stat.isFile()) throw damagedError(path, 'it is not a regular file')
  if (stat.size === 0) throw damagedError(path, 'it is empty (0 bytes)')
  const finding = runChecker('check', path)
  // A checker that crashed could not remove it.
  rmSync(path + STORE_COPY_SUFFIX, { force: true })
  if (finding.outcome === 'damaged') throw damagedError(path, finding.reason)
  if (finding.outcome === 'version') {
    throw new WeaveError(
      'STATE_VERSION',
      `the state store ${path} has schema version ${finding.found}; this program reads version ${STORE_SCHEMA_VERSION}`,
      'launch with the release that wrote it, or move it aside and launch again (the file was not changed)',
    )
  }
}

function runChecker(task: 'create' | 'check', path: string): StoreFinding {
  // Compiled or not, the checker lies beside this file with the same extension.
  const script = fileURLToPath(new URL(`./state-check${extname(import.meta.url)}`, import.meta.url))
  const child = spawnSync(process.execPath, [script, task, path], {
    encoding: 'utf8',
    timeout: CHECK_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.error !== undefined && (child.error as NodeJS.ErrnoException).code === 'ETIMEDOUT') {
    return { outcome: 'damaged', reason: `reading it did not end within ${CHECK_TIMEOUT_MS / 1000} s` }
  }
  if (child.error !== undefined) throw ioError(path, 'verified', child.error)
  if (child.signal !== null) return { outcome: 'damaged', reason: `reading it ended the checker by ${child.signal}` }
  try {
    return JSON.parse(child.stdout) as StoreFinding
  } catch {
    return { outcome: 'damaged', reason: `reading it ended the checker with status ${child.status}` }
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

function ioError(path: string, verb: string, cause: unknown): WeaveError {
  return new WeaveError(
    'STATE_IO',
    `the state store ${path} could not be ${verb}: ${errorText(cause)}`,
    `look at free space and permissions (df ${path}; ls -l ${path}), then launch again`,
  )
}
