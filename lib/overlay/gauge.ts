import {
  DATAGRAM_TYPE_RAW,
  MEASURED_OVERHEAD_BYTES,
  MEASURE_KIND,
  encodeMeasured,
  stampMeasured,
  type MeasuredCounts,
} from '../wire/mod.ts'
import { MEASURED_TICK_MS } from './constants.ts'
import type { DataPlane } from './data-plane.ts'
import { SendPace } from './send-pace.ts'

/** Test datagrams that are to be sent. */
export interface GaugeOrder {
  readonly peerIndex: number
  /** Past the session, to the endpoint that is the path; else sealed, to where the peer's frames go. */
  readonly isRaw: boolean
  readonly token: Uint8Array
  /** UDP payload of each. */
  readonly datagramBytes: number
  /** Of UDP payload. */
  readonly bytesPerSecond: number
  readonly ms: number
}

const NO_COUNTS: MeasuredCounts = { received: 0, reordered: 0, jitterMicros: 0, spanMicros: 0 }

/**
 * Sends and counts test datagrams on a data plane; one order, and one count, at a time. Whoever owns it calls `tick` at
 * `nextTickMs` after it said so by `onSending`. Clock: microseconds.
 */
export class Gauge {
  readonly #plane: () => Pick<DataPlane, 'sendMeasured' | 'countMeasured'>
  readonly #nowMicros: () => number
  readonly #onSending: () => void
  #order: { readonly order: GaugeOrder; readonly pace: SendPace; readonly datagram: Uint8Array } | undefined
  #sent = 0
  #next = 0
  #counting: { counts(): MeasuredCounts; end(): void } | undefined

  constructor(given: {
    plane: () => Pick<DataPlane, 'sendMeasured' | 'countMeasured'>
    nowMicros: () => number
    /** From now on `tick` is to be called. */
    onSending?: () => void
  }) {
    this.#plane = given.plane
    this.#nowMicros = given.nowMicros
    this.#onSending = given.onSending ?? (() => undefined)
  }

  get isSending(): boolean {
    return this.#order !== undefined
  }

  /** Datagrams of the last order that left this host. */
  get sent(): number {
    return this.#sent
  }

  /** When `tick` is to be called next, from now on; undefined: there is nothing to send. */
  get nextTickMs(): number | undefined {
    return this.#order === undefined ? undefined : MEASURED_TICK_MS
  }

  send(order: GaugeOrder): void {
    const now = this.#nowMicros()
    const { token, datagramBytes, isRaw } = order
    const datagram = isRaw
      ? encodeMeasured(DATAGRAM_TYPE_RAW, token, datagramBytes, now)
      : encodeMeasured(MEASURE_KIND.measured, token, datagramBytes - MEASURED_OVERHEAD_BYTES, now)
    this.#order = { order, pace: new SendPace(order, now), datagram }
    this.#sent = this.#next = 0
    this.#onSending()
  }

  /** Sends what is due. */
  tick(): void {
    if (this.#order === undefined) return
    const { order, pace, datagram } = this.#order
    const now = this.#nowMicros()
    const due = pace.due(now)
    if (due > 0) {
      stampMeasured(datagram, now)
      this.#sent += this.#plane().sendMeasured(order.peerIndex, datagram, this.#next, due, order.isRaw)
      this.#next += due
    }
    if (pace.isOver(now)) this.endSending()
  }

  endSending(): void {
    this.#order = undefined
  }

  /** Counts those with this token, until `endCounting`; `isRaw`: also past the session. */
  count(token: Uint8Array, isRaw: boolean): void {
    this.#counting?.end()
    this.#counting = this.#plane().countMeasured(token, isRaw)
  }

  counts(): MeasuredCounts {
    return this.#counting?.counts() ?? NO_COUNTS
  }

  endCounting(): void {
    this.#counting?.end()
    this.#counting = undefined
  }
}
