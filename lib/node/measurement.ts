import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { Gauge, GaugeOrder } from '../overlay/mod.ts'
import type { MeasuredCounts, MeasureMessage, MeasureStop } from '../wire/mod.ts'
import {
  MEASURE_EMPTY_MS,
  MEASURE_END_AGAIN_MS,
  MEASURE_END_MS,
  MEASURE_LATE_MS,
  MEASURE_LOOK_MS,
  MEASURE_REPORT_MS,
  MEASURE_SILENCE_MS,
} from './constants.ts'

/** How an agreed measurement ended. */
export type MeasurementEnd =
  | {
      readonly isDone: true
      readonly sent: number
      /** UDP payload of each. */
      readonly datagramBytes: number
      readonly counts: MeasuredCounts
      /** How many had arrived so long after it began, about every MEASURE_REPORT_MS. */
      readonly series: readonly { readonly ms: Millis; readonly received: number }[]
    }
  | { readonly isDone: false; readonly reason: MeasureStop }

type Told = Exclude<MeasureMessage, { type: 'measured' | 'measure-ask' | 'measure-answer' }>

/** What a measurement is made of. */
export interface MeasurementTerms {
  readonly peer: PeerId
  readonly token: Uint8Array
  readonly order: GaugeOrder
  /** This peer sends the test datagrams; else it counts them. */
  readonly isSending: boolean
}

/**
 * One side of a measurement that was agreed on, from then to its end. Inputs: `handleMessage` with those of its token, time;
 * what came of it: `end`, once it has ended. Whatever happens to the other side it ends: the one that sends when it hears
 * nothing for MEASURE_SILENCE_MS, the one that counts when nothing new comes for MEASURE_EMPTY_MS, or no end when it is time.
 */
export class Measurement {
  readonly terms: MeasurementTerms
  readonly #gauge: Gauge
  readonly #tell: (message: Told, now: Millis) => void
  readonly #hasWay: () => boolean
  #state: 'running' | 'ending' = 'running'
  #end: MeasurementEnd | undefined
  /** When the sending is to end, or the counts are to be told; while it is `ending`, when it is given up. */
  #until: Millis
  #nextAt: Millis
  /** When something was heard last that shows that the other side is there. */
  #heardAt: Millis
  #received = 0
  readonly #beganAt: Millis
  readonly #series: { ms: Millis; received: number }[] = []
  /** What the other side says to have sent, and in datagrams of how many bytes. */
  #told: { readonly sent: number; readonly datagramBytes: number } | undefined

  /**
   * `gauge`: counts already, on the side that counts. `tell`: to the other side; may be lost. `hasWay`: whether test
   * datagrams have the way that they were meant to take.
   */
  constructor(
    terms: MeasurementTerms,
    given: { gauge: Gauge; tell: (message: Told, now: Millis) => void; hasWay: () => boolean },
    now: Millis,
  ) {
    this.terms = terms
    this.#gauge = given.gauge
    this.#tell = given.tell
    this.#hasWay = given.hasWay
    this.#heardAt = this.#beganAt = now
    this.#until = now + terms.order.ms
    if (terms.isSending) {
      this.#gauge.send(terms.order)
      this.#nextAt = Math.min(this.#until, now + MEASURE_LOOK_MS)
    } else {
      this.#until = Infinity
      this.#nextAt = now + MEASURE_REPORT_MS
    }
  }

  /** Undefined while it goes on. */
  get end(): MeasurementEnd | undefined {
    return this.#end
  }

  handleMessage(message: MeasureMessage, now: Millis): void {
    if (this.#end !== undefined) return
    if (message.type === 'measure-stop') this.#over({ isDone: false, reason: message.reason })
    else if (message.type === 'measure-report' && this.terms.isSending) this.#handleReport(message, now)
    else if (message.type === 'measure-end' && !this.terms.isSending && this.#told === undefined) {
      this.#told = { sent: message.sent, datagramBytes: message.datagramBytes }
      this.#until = this.#nextAt = now + MEASURE_LATE_MS
    }
  }

  /** Somebody here has no use for it any more, or it cannot go on. */
  stop(reason: MeasureStop, now: Millis): void {
    if (this.#end !== undefined) return
    this.#tell({ type: 'measure-stop', token: this.terms.token, reason }, now)
    this.#over({ isDone: false, reason })
  }

  handleTimeout(now: Millis): void {
    if (this.#end !== undefined || now < this.#nextAt) return
    if (this.terms.isSending) this.#attendSending(now)
    else this.#attendCounting(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#end === undefined ? { at: this.#nextAt, reason: 'measurement' } : undefined
  }

  #handleReport(report: { readonly isFinal: boolean } & MeasuredCounts, now: Millis): void {
    this.#heardAt = now
    // One that tells more often than it need is not to make this list long.
    if (this.#state === 'running' && this.#series.length <= this.terms.order.ms / MEASURE_REPORT_MS)
      this.#series.push({ ms: now - this.#beganAt, received: report.received })
    if (!report.isFinal || this.#state !== 'ending') return
    const { received, reordered, jitterMicros, spanMicros } = report
    const counts = { received, reordered, jitterMicros, spanMicros }
    const { datagramBytes } = this.terms.order
    this.#over({ isDone: true, sent: this.#gauge.sent, datagramBytes, counts, series: this.#series })
  }

  #attendSending(now: Millis): void {
    if (this.#state === 'running') {
      if (now - this.#heardAt >= MEASURE_SILENCE_MS) return this.stop('silence', now)
      if (!this.#hasWay()) return this.stop('way', now)
      if (now < this.#until) {
        this.#nextAt = Math.min(this.#until, now + MEASURE_LOOK_MS)
        return
      }
      this.#gauge.endSending()
      this.#state = 'ending'
      this.#until = now + MEASURE_END_MS
    } else if (now >= this.#until) return this.stop('silence', now)
    const { token, order } = this.terms
    this.#tell({ type: 'measure-end', token, sent: this.#gauge.sent, datagramBytes: order.datagramBytes }, now)
    this.#nextAt = Math.min(this.#until, now + MEASURE_END_AGAIN_MS)
  }

  #attendCounting(now: Millis): void {
    const counts = this.#gauge.counts()
    if (counts.received !== this.#received) this.#heardAt = now
    this.#received = counts.received
    if (this.#told === undefined) this.#series.push({ ms: now - this.#beganAt, received: counts.received })
    const isFinal = this.#told !== undefined && now >= this.#until
    // One that sends on for ever would keep this peer from every other measurement.
    const isLate = now - this.#beganAt >= this.terms.order.ms + MEASURE_EMPTY_MS + MEASURE_END_MS
    if (!isFinal && (isLate || now - this.#heardAt >= MEASURE_EMPTY_MS)) return this.stop('silence', now)
    this.#tell({ type: 'measure-report', token: this.terms.token, isFinal, ...counts }, now)
    this.#nextAt = Math.min(this.#until, now + MEASURE_REPORT_MS)
    if (isFinal) this.#over({ isDone: true, ...this.#told!, counts, series: this.#series })
  }

  #over(end: MeasurementEnd): void {
    this.#end = end
    if (this.terms.isSending) this.#gauge.endSending()
    else this.#gauge.endCounting()
  }
}
