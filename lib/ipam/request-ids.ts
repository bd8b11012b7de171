import { ByteReader, ByteWriter, type Chance } from '../base/mod.ts'
import { REQUEST_IDS_AT_START, REQUEST_IDS_RESERVED, REQUEST_ID_LEAP_MAX, REQUEST_ID_MAX } from './constants.ts'

/**
 * The ids of this peer's requests, which grow for as long as its store lasts: ids are set aside in the store before they
 * are used, and a start goes on above what was set aside. By how much is random: a store that was restored or copied knows
 * less than was used, and would be given the answers to what was asked then.
 */
export class RequestIds {
  readonly #chance: Chance
  readonly #reserve: (value: Uint8Array) => void
  #isStarted = false
  #next = 1
  #reserved = 1

  /** `reserve`: makes the value durable. */
  constructor(chance: Chance, reserve: (value: Uint8Array) => void) {
    this.#chance = chance
    this.#reserve = reserve
  }

  restore(value: Uint8Array): boolean {
    const reader = new ByteReader(value)
    const reserved = reader.u64()
    if (!reader.done) return false
    this.#next = this.#reserved = Math.max(1, reserved)
    return true
  }

  take(): number {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#next += Math.floor(this.#chance() * REQUEST_IDS_AT_START)
    }
    const id = this.#next++
    if (id < this.#reserved) return id
    this.#reserved = id + REQUEST_IDS_RESERVED
    this.#reserve(new ByteWriter(8).u64(this.#reserved).finish())
    return id
  }

  /** Somebody knows ids of this peer up to there: from before its store was lost. A lie can lift them only so far. */
  leapAbove(id: number): void {
    if (id >= this.#next && id < this.#next + REQUEST_ID_LEAP_MAX && id < REQUEST_ID_MAX) this.#next = id + 1
  }
}
