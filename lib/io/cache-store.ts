import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { errorText } from '../base/mod.ts'
import { StateStore } from './state-store.ts'

export const CACHE_STORE_FILE = 'mesh.mdb'
/** A cache that takes longer to verify costs more than it saves. */
export const CACHE_CHECK_TIMEOUT_MS = 3_000

/**
 * What a daemon could learn from others again, `<state-dir>/mesh.mdb`: the interface of the StateStore, without its
 * promises. It is never in the way: a file that is damaged, of another version, too slow to verify or refused by the disk
 * is removed and begun anew. A commit is not flushed; after a power cut the file may be an older one, or none.
 *
 * Its callers write changes, so a cache that misses one of them is worth nothing: after a write that failed or was skipped
 * it is removed and stays away until the next start.
 */
export class CacheStore {
  /** What an operator should read about how it was opened. */
  readonly notices: readonly string[]
  readonly #stateDir: string
  #store: StateStore | undefined
  #skipped = 0

  private constructor(stateDir: string, store: StateStore | undefined, notices: readonly string[]) {
    this.#stateDir = stateDir
    this.#store = store
    this.notices = notices
  }

  /** Opens the cache, or begins one. `isFresh`: what is there belongs to a state that is gone. Never throws. */
  static open(stateDir: string, isFresh = false): CacheStore {
    const notices: string[] = []
    if (isFresh) remove(stateDir)
    for (const attempt of ['as it is', 'anew'] as const) {
      try {
        if (attempt === 'anew') remove(stateDir)
        return new CacheStore(stateDir, openStore(stateDir), notices)
      } catch (error) {
        notices.push(
          attempt === 'as it is'
            ? `what was remembered of the mesh is begun anew: ${errorText(error)}`
            : `nothing is remembered of the mesh in this run: ${errorText(error)}`,
        )
      }
    }
    return new CacheStore(stateDir, undefined, notices)
  }

  /** Writes that did not happen. */
  get skipped(): number {
    return this.#skipped
  }

  /** All entries whose key begins with `prefix`, in the order of their keys; nothing of a cache that is away. */
  range(prefix: string): (readonly [string, Uint8Array])[] {
    try {
      return this.#store?.range(prefix) ?? []
    } catch {
      this.#give()
      return []
    }
  }

  /** Puts and deletes in one transaction, if the disk takes it. Never throws. */
  write(puts: Iterable<readonly [string, Uint8Array]>, deletes: Iterable<string> = []): void {
    if (this.#store === undefined) {
      this.#skipped++
      return
    }
    try {
      this.#store.write(puts, deletes)
    } catch {
      this.skip()
    }
  }

  /** A write that its caller does not even ask for, because there is no room: counted, and the cache is given up. */
  skip(): void {
    this.#skipped++
    this.#give()
  }

  async close(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
  }

  /** Removed at once, so that its room is there for what must last. */
  #give(): void {
    const store = this.#store
    this.#store = undefined
    remove(this.#stateDir)
    void store?.close().catch(() => undefined)
  }
}

function openStore(stateDir: string): StateStore {
  return StateStore.open(stateDir, {
    file: CACHE_STORE_FILE,
    isCache: true,
    checkTimeoutMs: CACHE_CHECK_TIMEOUT_MS,
  })
}

function remove(stateDir: string): void {
  for (const suffix of ['', '-lock']) {
    try {
      rmSync(join(stateDir, CACHE_STORE_FILE + suffix), { recursive: true, force: true })
    } catch {
      // It is looked at again when it is opened.
    }
  }
}
