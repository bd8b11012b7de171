import { MEASURED_BURST_MAX } from './constants.ts'

/**
 * When test datagrams are due, so that never more than a rate is sent: as many as fit the time that has passed, less those
 * that were due before. After a pause of the process at most MEASURED_BURST_MAX are due at once, and what is more is lost to
 * the rate: nothing is made up for.
 */
export class SendPace {
  readonly #perMicro: number
  readonly #beganAt: number
  readonly #micros: number
  #given = 0

  /** `bytesPerSecond`, and bytes of each datagram; `ms`: for so long. */
  constructor(given: { bytesPerSecond: number; datagramBytes: number; ms: number }, nowMicros: number) {
    this.#perMicro = given.bytesPerSecond / given.datagramBytes / 1_000_000
    this.#beganAt = nowMicros
    this.#micros = given.ms * 1_000
  }

  isOver(nowMicros: number): boolean {
    return nowMicros - this.#beganAt >= this.#micros
  }

  /** How many are to be sent now. */
  due(nowMicros: number): number {
    const passed = Math.min(nowMicros - this.#beganAt, this.#micros)
    const due = Math.floor(passed * this.#perMicro) - this.#given
    this.#given += due
    return Math.min(due, MEASURED_BURST_MAX)
  }
}
