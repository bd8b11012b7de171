import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, type Millis } from '../base/mod.ts'
import { renameDurably } from './durable-file.ts'
import { LOCK_SUFFIX, StateStore, findingError, lookAtFile } from './state-store.ts'
import { StoreReading, makeStore } from './store-reading.ts'
import type { StreamEntry } from './store-stream.ts'

export const CACHE_STORE_FILE = 'mesh.mdb'
/** A cache that gives nothing more for so long, while it is read, is given up. */
export const CACHE_SILENCE_MS_MAX = 10_000
/** Writes that wait for the cache to be read; beyond, it is given up. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024

interface Write {
  readonly puts: readonly (readonly [string, Uint8Array])[]
  readonly deletes: readonly string[]
}

/**
 * What a daemon could learn from others again, `<state-dir>/mesh.mdb`: a StateStore without its promises. It is never
 * in the way: it is read and verified beside everything else (`restore`), and a file that is damaged, of another
 * version, too slow to read or refused by the disk is removed and begun anew. A commit is not flushed; after a power cut
 * the file may be an older one, or none.
 *
 * Its callers write changes, so a cache that misses one of them is worth nothing: after a write that failed or was
 * skipped it is removed and stays away until the next start. No method throws.
 */
export class CacheStore {
  readonly #path: string
  readonly #notices: string[] = []
  #reading: StoreReading | undefined
  #store: StateStore | undefined
  /** Until it is read; undefined afterwards, and when it was given up. */
  #waiting: Write[] | undefined = []
  #waitingBytes = 0
  #skipped = 0
  #deadline: Millis | undefined
  #piecesSeen = 0
  #restored: Promise<unknown> | undefined

  private constructor(path: string) {
    this.#path = path
  }

  /** Begins to read the cache, if there is one. `isFresh`: what is there belongs to a state that is gone. */
  static open(stateDir: string, isFresh = false): CacheStore {
    const path = join(stateDir, CACHE_STORE_FILE)
    const cache = new CacheStore(path)
    if (isFresh) remove(path)
    else cache.#begin()
    return cache
  }

  /** Writes that did not happen. */
  get skipped(): number {
    return this.#skipped
  }

  /**
   * Gives all entries, in the order of their keys and in pieces that the event loop has room between (their values are
   * not to be kept); then writes what was written meanwhile. Call it once. Returns what an operator should read.
   */
  restore(take: (entries: readonly StreamEntry[]) => void, now: Millis): Promise<readonly string[]> {
    this.#deadline = now + CACHE_SILENCE_MS_MAX
    const restored = this.#restore(take)
    this.#restored = restored
    return restored
  }

  /** Gives up a cache that gave nothing since the last time. */
  handleTimeout(now: Millis): void {
    if (this.#deadline === undefined || now < this.#deadline) return
    const pieces = this.#reading?.pieces ?? 0
    this.#deadline = pieces > this.#piecesSeen ? now + CACHE_SILENCE_MS_MAX : undefined
    this.#piecesSeen = pieces
    if (this.#deadline === undefined)
      void this.#reading?.stop(`reading it gave nothing for ${CACHE_SILENCE_MS_MAX / 1000} s`)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    return this.#deadline === undefined ? undefined : { at: this.#deadline, reason: 'read the cache' }
  }

  /** Puts and deletes in one transaction, if the disk takes it; once the cache was read. */
  write(puts: Iterable<readonly [string, Uint8Array]>, deletes: Iterable<string> = []): void {
    if (this.#waiting !== undefined) return this.#wait({ puts: [...puts], deletes: [...deletes] })
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
    this.#giveUp()
  }

  async close(): Promise<void> {
    // What waits to be written is lost, and so the cache would miss it.
    if (this.#waitingBytes > 0) this.#giveUp()
    this.#waiting = undefined
    await this.#reading?.stop('this daemon ends')
    await this.#restored
    await this.#store?.close()
    this.#store = undefined
  }

  #begin(): void {
    try {
      if (lstatSync(this.#path, { throwIfNoEntry: false }) === undefined) return
      this.#notices.push(...lookAtFile(this.#path))
      this.#reading = new StoreReading(this.#path)
    } catch (error) {
      this.#beginAnew(error)
    }
  }

  async #restore(take: (entries: readonly StreamEntry[]) => void): Promise<readonly string[]> {
    const isRead = await this.#read(take)
    this.#deadline = undefined
    if (this.#waiting === undefined) return this.#notices
    try {
      if (!isRead) await this.#make()
      this.#start()
    } catch (error) {
      this.#notices.push(`nothing is remembered of the mesh in this run: ${errorText(error)}`)
      this.#giveUp()
    }
    return this.#notices
  }

  /** False when there is none that could be gone on with. */
  async #read(take: (entries: readonly StreamEntry[]) => void): Promise<boolean> {
    const finding = await this.#reading?.run(take)
    this.#reading = undefined
    if (finding === undefined || finding.outcome === 'good') return finding !== undefined
    if (this.#waiting !== undefined) this.#beginAnew(findingError(this.#path, finding))
    return false
  }

  #beginAnew(reason: unknown): void {
    this.#notices.push(`what was remembered of the mesh is begun anew: ${errorText(reason)}`)
    remove(this.#path)
  }

  /** Made under another name and renamed: a crash on the way leaves no half-made store that would look damaged. */
  async #make(): Promise<void> {
    const temporary = `${this.#path}.new`
    rmSync(temporary, { force: true })
    const finding = await makeStore(temporary)
    rmSync(temporary + LOCK_SUFFIX, { force: true })
    if (finding.outcome !== 'good') throw findingError(temporary, finding)
    rmSync(this.#path + LOCK_SUFFIX, { force: true })
    renameDurably(temporary, this.#path)
  }

  #start(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#store = StateStore.openCache(this.#path)
    this.#waiting = undefined
    this.#waitingBytes = 0
    for (const { puts, deletes } of waiting) this.write(puts, deletes)
  }

  #wait(write: Write): void {
    for (const [key, value] of write.puts) this.#waitingBytes += key.length + value.length
    for (const key of write.deletes) this.#waitingBytes += key.length
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.skip()
    else this.#waiting?.push(write)
  }

  /** Removed at once, so that its room is there for what must last. */
  #giveUp(): void {
    const store = this.#store
    this.#store = undefined
    this.#waiting = undefined
    this.#waitingBytes = 0
    void this.#reading?.stop('it is given up')
    remove(this.#path)
    void store?.close().catch(() => undefined)
  }
}

function remove(path: string): void {
  for (const suffix of ['', LOCK_SUFFIX]) {
    try {
      rmSync(path + suffix, { recursive: true, force: true })
    } catch {
      // It is looked at again when it is opened.
    }
  }
}
