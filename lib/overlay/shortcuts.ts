import type { Millis } from '../base/mod.ts'
import { LARGE_TOLD_MS, MAC_AGE_SECONDS } from './constants.ts'
import { MAC_LOCAL, type MacTable } from './mac-table.ts'
import { ROW, type EngineLane } from './packet-engine.ts'

/** In place of a peer: the frame is for the own bridge. */
const TO_TAP = -1

/**
 * Tells the engine what was decided of plain frames to one address, so that it does the same with the next ones without
 * asking. That holds until the second ends, for then the MAC table has to be told again that the source is there, while no
 * other lane wrote to the buckets of the addresses, and until `forget`. Per batch: `begin`, then any of the others.
 */
export class Shortcuts {
  readonly #lane: EngineLane
  readonly #macs: MacTable
  /** What of the row before decides whether this one needs to be told of. */
  readonly #last = new Int32Array(5)
  #hasLast = false

  constructor(lane: EngineLane, macs: MacTable) {
    this.#lane = lane
    this.#macs = macs
  }

  begin(): void {
    this.#hasLast = false
  }

  /** A frame from the own bridge went to `peer` and nobody else. `isLarge`: that large frames go there was told in this turn. */
  outward(row: number, at: number, peer: number, isLarge: boolean, now: Millis): void {
    if (this.#isLikeLast(at, peer, isLarge)) return
    const { rows } = this.#lane
    const low = rows[at + ROW.destinationLow]!
    const second = this.#macs.witness(
      rows[at + ROW.destinationHigh]!,
      low,
      peer,
      Math.floor(now / 1000) - MAC_AGE_SECONDS,
    )
    if (second >= 0) this.#add(row, at, peer, MAC_LOCAL, second, this.#macs.witnessed, isLarge, now)
  }

  /** A frame of the peer, for one address, went to the own bridge. */
  inward(row: number, at: number, origin: number, now: Millis): void {
    if (!this.#isLikeLast(at, origin, false)) this.#add(row, at, TO_TAP, origin, TO_TAP, 0, false, now)
  }

  /** What was decided is not sure to be decided so again. */
  forget(): void {
    this.#hasLast = false
    this.#lane.forgetShortcuts()
  }

  #add(
    row: number,
    at: number,
    peer: number,
    origin: number,
    second: number,
    secondValue: number,
    isLarge: boolean,
    now: Millis,
  ): void {
    const { rows } = this.#lane
    const first = this.#macs.witness(
      rows[at + ROW.sourceHigh]!,
      rows[at + ROW.sourceLow]!,
      origin,
      Math.floor(now / 1000),
    )
    if (first < 0) return
    const largeMs = isLarge ? LARGE_TOLD_MS - (now % LARGE_TOLD_MS) : 0
    this.#lane.addShortcut(row, peer, first, this.#macs.witnessed, second, secondValue, 1000 - (now % 1000), largeMs)
  }

  #isLikeLast(at: number, peer: number, isLarge: boolean): boolean {
    const { rows } = this.#lane
    const last = this.#last
    const to = rows[at + ROW.destinationLow]!
    const from = rows[at + ROW.sourceLow]!
    const ip = rows[at + ROW.sourceIpv4]!
    const flag = isLarge ? 1 : 0
    if (this.#hasLast && last[0] === to && last[1] === from && last[2] === ip && last[3] === peer && last[4] === flag)
      return true
    this.#hasLast = true
    last[0] = to
    last[1] = from
    last[2] = ip
    last[3] = peer
    last[4] = flag
    return false
  }
}
