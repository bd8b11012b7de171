import { WeaveError, type Millis } from '../base/mod.ts'
import { PENDING_WRITES_BYTES_MAX } from './constants.ts'
import { PendingWrites } from './pending-writes.ts'

/** The store, as far as the node's writes need it. */
export interface WriteSeams {
  /** Durable when it returns. Throws a WeaveError STATE_IO when the disk refuses, and then nothing has happened. */
  persist(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void
  /** Why nothing new should be stored that must last, and a look whether that has changed. */
  readonly store?: { readonly fullness: string | undefined; tend(now: Millis): void }
}

/**
 * Carries the node's writes to the store, and over a time in which the disk refuses them: they wait in memory, merged,
 * and go with the next write or the next look. Meanwhile nothing may be acknowledged that is among them.
 */
export class DurableWrites {
  readonly #seams: WriteSeams
  readonly #pending = new PendingWrites()
  #failure: WeaveError | undefined

  constructor(seams: WriteSeams) {
    this.#seams = seams
  }

  /** Why what must last cannot be stored now; the disk refuses, or has no reserve. */
  get trouble(): WeaveError | undefined {
    if (this.#failure !== undefined) return this.#failure
    const fullness = this.#seams.store?.fullness
    return fullness === undefined ? undefined : new WeaveError('STATE_IO', fullness, 'make room on that disk')
  }

  /** Set while a write waits that the disk refused. */
  get failure(): WeaveError | undefined {
    return this.#failure
  }

  /** Writes, with what waits. @throws what is no refusal of the disk, and the refusal when too much waits */
  write(puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void {
    if (this.#pending.isEmpty) {
      try {
        return this.#seams.persist(puts, deletes)
      } catch (error) {
        this.#keep(error, puts, deletes)
      }
    } else {
      this.#pending.add(puts, deletes)
      this.#retry()
    }
  }

  /** Tries what waits again, and looks whether there is room. */
  tend(now: Millis): void {
    if (!this.#pending.isEmpty) this.#retry()
    this.#seams.store?.tend(now)
  }

  #retry(): void {
    try {
      this.#seams.persist(this.#pending.puts, this.#pending.deletes)
      this.#pending.clear()
      this.#failure = undefined
    } catch (error) {
      this.#keep(error, [], [])
    }
  }

  #keep(error: unknown, puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void {
    if (!(error instanceof WeaveError) || error.code !== 'STATE_IO') throw error
    this.#pending.add(puts, deletes)
    if (this.#pending.byteCount > PENDING_WRITES_BYTES_MAX) throw error
    this.#failure = error
  }
}
