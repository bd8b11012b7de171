import { PEER_SLOTS } from './constants.ts'

/**
 * Says of each key whether it may be told of in this turn: once. Keys that share one of PEER_SLOTS slots wait for each
 * other's turn, which bounds what one lane can report. Does not allocate after construction.
 */
export class Pacer {
  readonly #turns = new Int32Array(PEER_SLOTS).fill(-1)

  /** `turn`: of 32 bits, never -1. */
  isDue(key: number, turn: number): boolean {
    const slot = (key >>> 0) % PEER_SLOTS
    if (this.#turns[slot] === turn) return false
    this.#turns[slot] = turn
    return true
  }
}
