import { ByteReader, ByteWriter, type Millis } from '../base/mod.ts'
import { RECOVERED_REST_MS } from './constants.ts'

export interface RecoveredReport {
  readonly blocks: number
  /** Containers on the bridge of which nothing is known; undefined: the host has not said yet. */
  readonly strays: readonly string[] | undefined
}

/**
 * Blocks of this peer that its store had lost, and that came back from others. Which of their addresses were given is
 * not known, so nothing is given of them until no container that had one can be there still: the host names no port of
 * its bridge that this peer cannot account for, and what was given back just before has rested.
 */
export class Recovered {
  readonly #blocks = new Set<number>()
  #since: Millis = 0
  #strays: readonly string[] | undefined

  get blocks(): readonly number[] {
    return [...this.#blocks]
  }

  get report(): RecoveredReport | undefined {
    return this.#blocks.size === 0 ? undefined : { blocks: this.#blocks.size, strays: this.#strays }
  }

  add(blocks: readonly number[], now: Millis): void {
    for (const block of blocks) this.#blocks.add(block)
    this.#since = now
  }

  handleStrays(strays: readonly string[]): void {
    this.#strays = strays
  }

  /** When they may be given again, as far as that is known. */
  get freeAt(): Millis | undefined {
    return this.#blocks.size > 0 && this.#strays?.length === 0 ? this.#since + RECOVERED_REST_MS : undefined
  }

  isFree(now: Millis): boolean {
    return this.freeAt !== undefined && now >= this.freeAt
  }

  clear(): void {
    this.#blocks.clear()
  }

  /** | count u32 | count × block u32 | */
  encode(): Uint8Array {
    const writer = new ByteWriter().u32(this.#blocks.size)
    for (const block of this.#blocks) writer.u32(block)
    return writer.finish()
  }

  restore(value: Uint8Array | undefined, now: Millis): void {
    if (value === undefined) return
    const reader = new ByteReader(value)
    const count = reader.u32()
    const blocks: number[] = []
    for (let at = 0; at < count && reader.ok; at++) blocks.push(reader.u32())
    if (reader.done) this.add(blocks, now)
  }
}
