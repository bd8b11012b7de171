import { MEASURED_AT, MEASURED_BYTES_MIN, type MeasuredCounts } from '../wire/mod.ts'

const COUNT = { received: 0, next: 1, reordered: 2, jitterMicros: 3, firstAt: 4, lastAt: 5, columns: 6 } as const

/** Bytes of the memory that a counter and who reads it share. */
export const MEASURED_MEMORY_BYTES = COUNT.columns * 4

/**
 * Counts the test datagrams of one measurement, in one lane; read from elsewhere by `measuredCounts`. Jitter is that of RFC
 * 3550 (§6.4.1), from one burst to the next: those that were sent in one moment say nothing of it.
 */
export class MeasuredCounter {
  readonly #token: Uint8Array
  readonly #counts: Int32Array
  readonly #nowMicros: () => number
  readonly #beganAt: number
  #sentAt: number | undefined
  #transit = 0
  #jitter = 0

  /** `memory`: MEASURED_MEMORY_BYTES of zeros. `nowMicros`: a clock that counts microseconds. */
  constructor(token: Uint8Array, memory: ArrayBuffer | SharedArrayBuffer, nowMicros: () => number) {
    this.#token = token
    this.#counts = new Int32Array(memory)
    this.#nowMicros = nowMicros
    this.#beganAt = nowMicros()
  }

  /** A test datagram, from its kind on, at `offset` of `slab`. False: it is of no measurement that is counted here. */
  take(slab: Uint8Array, offset: number, length: number): boolean {
    if (length < MEASURED_BYTES_MIN) return false
    for (let i = 0; i < this.#token.length; i++)
      if (slab[offset + MEASURED_AT.token + i] !== this.#token[i]) return false
    const now = Math.round(this.#nowMicros() - this.#beganAt)
    const received = this.#counts[COUNT.received]!
    if (received === 0) this.#set(COUNT.firstAt, now)
    this.#set(COUNT.lastAt, now)
    this.#noteNumber(u32At(slab, offset + MEASURED_AT.number))
    this.#noteTransit(u32At(slab, offset + MEASURED_AT.sentAt), now)
    this.#set(COUNT.received, received + 1)
    return true
  }

  #noteNumber(number: number): void {
    const next = this.#counts[COUNT.next]! >>> 0
    if (number < next) this.#set(COUNT.reordered, this.#counts[COUNT.reordered]! + 1)
    else this.#set(COUNT.next, number + 1)
  }

  #noteTransit(sentAt: number, now: number): void {
    if (sentAt === this.#sentAt) return
    // Both clocks wrap: the difference is what matters, as a signed number.
    const transit = (now - sentAt) | 0
    if (this.#sentAt !== undefined) {
      this.#jitter += (Math.abs((transit - this.#transit) | 0) - this.#jitter) / 16
      this.#set(COUNT.jitterMicros, Math.round(this.#jitter))
    }
    this.#sentAt = sentAt
    this.#transit = transit
  }

  #set(column: number, value: number): void {
    Atomics.store(this.#counts, column, value)
  }
}

/** What a counter has counted so far in its memory. */
export function measuredCounts(memory: ArrayBuffer | SharedArrayBuffer): MeasuredCounts {
  const counts = new Int32Array(memory)
  const at = (column: number) => Atomics.load(counts, column) >>> 0
  return {
    received: at(COUNT.received),
    reordered: at(COUNT.reordered),
    jitterMicros: at(COUNT.jitterMicros),
    spanMicros: (at(COUNT.lastAt) - at(COUNT.firstAt)) >>> 0,
  }
}

function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
