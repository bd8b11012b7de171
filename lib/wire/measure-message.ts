import { assert, ByteWriter, Drop, type ByteReader, type Decoded } from '../base/mod.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_TAG_BYTES } from './datagram.ts'

/**
 * How two peers agree on a measurement, and what it came to: bodies of control datagrams (control.ts).
 *
 *     measure-ask    | kind u8 | token (8) | way u8 | sender u8 | datagram bytes u16 | rate u32 | milliseconds u32 |
 *     measure-answer | kind u8 | token (8) | verdict u8 | limit u32 |
 *     measure-end    | kind u8 | token (8) | sent u32 | datagram bytes u16 |
 *     measure-report | kind u8 | token (8) | final u8: 0 or 1 | received u32 | reordered u32 | jitter u32 | span u32 |
 *     measure-stop   | kind u8 | token (8) | reason u8 |
 *
 * Rate and limit are in kbit/s of UDP payload (`kbits`), jitter and span in microseconds.
 *
 *     measured       | kind u8 | rsvd (3) | number u32 | token (8) | sent at u32 | padding … |
 *
 * is a test datagram, which a lane counts and nobody else sees. `sent at`: microseconds of the sender's clock, modulo 2^32.
 * Past the session the same goes as a datagram by itself, in the clear, with the type DATAGRAM_TYPE_RAW in place of the kind.
 */
export const MEASURE_KIND = { ask: 8, answer: 9, end: 10, report: 11, stop: 12, measured: 13 } as const

export const MEASURE_TOKEN_BYTES = 8
/** Where a test datagram has what, from its kind on. */
export const MEASURED_AT = { number: 4, token: 8, sentAt: 16 } as const
/** Of a test datagram, without padding. */
export const MEASURED_BYTES_MIN = 20
/** Of the sealed datagram that carries a test datagram, besides that. */
export const MEASURED_OVERHEAD_BYTES = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES

export const MEASURE_WAY = { overlay: 1, underlay: 2 } as const
export type MeasureWay = keyof typeof MEASURE_WAY
export const MEASURE_VERDICT = { agreed: 0, forbidden: 1, busy: 2, rate: 3, way: 4, often: 5, time: 6 } as const
export type MeasureVerdict = keyof typeof MEASURE_VERDICT
export const MEASURE_STOP = { asked: 1, way: 2, silence: 3 } as const
export type MeasureStop = keyof typeof MEASURE_STOP

export interface MeasureAsk {
  readonly type: 'measure-ask'
  readonly token: Uint8Array
  readonly way: MeasureWay
  /** Whether the peer that asks sends the test datagrams; else the one that is asked. */
  readonly isAskerSending: boolean
  /** UDP payload of each. */
  readonly datagramBytes: number
  /** Of UDP payload in a second. */
  readonly kbits: number
  readonly ms: number
}

/** What arrived so far. */
export interface MeasuredCounts {
  readonly received: number
  /** Those that came behind a later one. */
  readonly reordered: number
  readonly jitterMicros: number
  /** From the first to the last. */
  readonly spanMicros: number
}

export type MeasureMessage =
  | MeasureAsk
  | {
      readonly type: 'measure-answer'
      readonly token: Uint8Array
      readonly verdict: MeasureVerdict
      /** What the one that was asked allows. */
      readonly limitKbits: number
    }
  | {
      readonly type: 'measure-end'
      readonly token: Uint8Array
      readonly sent: number
      /** UDP payload of each. */
      readonly datagramBytes: number
    }
  | ({ readonly type: 'measure-report'; readonly token: Uint8Array; readonly isFinal: boolean } & MeasuredCounts)
  | { readonly type: 'measure-stop'; readonly token: Uint8Array; readonly reason: MeasureStop }
  /** A test datagram that no lane took. */
  | { readonly type: 'measured' }

export function encodeMeasure(message: Exclude<MeasureMessage, { type: 'measured' }>): Uint8Array {
  assert(message.token.length === MEASURE_TOKEN_BYTES, `a token of ${message.token.length} bytes`)
  const begin = (kind: number) => new ByteWriter(32).u8(kind).raw(message.token)
  switch (message.type) {
    case 'measure-ask': {
      const { way, isAskerSending, datagramBytes, kbits, ms } = message
      const writer = begin(MEASURE_KIND.ask)
        .u8(MEASURE_WAY[way])
        .u8(isAskerSending ? 1 : 2)
      return writer.u16(datagramBytes).u32(kbits).u32(ms).finish()
    }
    case 'measure-answer':
      return begin(MEASURE_KIND.answer).u8(MEASURE_VERDICT[message.verdict]).u32(message.limitKbits).finish()
    case 'measure-end':
      return begin(MEASURE_KIND.end).u32(message.sent).u16(message.datagramBytes).finish()
    case 'measure-report': {
      const writer = begin(MEASURE_KIND.report).u8(message.isFinal ? 1 : 0)
      for (const count of [message.received, message.reordered, message.jitterMicros, message.spanMicros])
        writer.u32(count)
      return writer.finish()
    }
    case 'measure-stop':
      return begin(MEASURE_KIND.stop).u8(MEASURE_STOP[message.reason]).finish()
  }
}

/** `reader`: behind the kind. Undefined: the kind is none of these. */
export function decodeMeasure(kind: number, reader: ByteReader): Decoded<MeasureMessage> | undefined {
  if (kind === MEASURE_KIND.measured) return { type: 'measured' }
  if (kind < MEASURE_KIND.ask || kind > MEASURE_KIND.stop) return undefined
  const token = reader.raw(MEASURE_TOKEN_BYTES).slice()
  const message = decodeBody(kind, token, reader)
  return reader.ok && message !== undefined ? message : new Drop('control-malformed')
}

function decodeBody(kind: number, token: Uint8Array, reader: ByteReader): MeasureMessage | undefined {
  switch (kind) {
    case MEASURE_KIND.ask: {
      const way = wordOf(MEASURE_WAY, reader.u8())
      const sender = reader.u8()
      const [datagramBytes, kbits, ms] = [reader.u16(), reader.u32(), reader.u32()]
      if (way === undefined || (sender !== 1 && sender !== 2)) return undefined
      return { type: 'measure-ask', token, way, isAskerSending: sender === 1, datagramBytes, kbits, ms }
    }
    case MEASURE_KIND.answer: {
      const [word, limitKbits] = [reader.u8(), reader.u32()]
      // A reason that this version does not know is one not to go on, all the same.
      return { type: 'measure-answer', token, verdict: wordOf(MEASURE_VERDICT, word) ?? 'forbidden', limitKbits }
    }
    case MEASURE_KIND.end:
      return { type: 'measure-end', token, sent: reader.u32(), datagramBytes: reader.u16() }
    case MEASURE_KIND.report: {
      const isFinal = reader.u8() === 1
      const [received, reordered, jitterMicros, spanMicros] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()]
      return { type: 'measure-report', token, isFinal, received, reordered, jitterMicros, spanMicros }
    }
    default:
      return { type: 'measure-stop', token, reason: wordOf(MEASURE_STOP, reader.u8()) ?? 'asked' }
  }
}

function wordOf<W extends string>(words: Readonly<Record<W, number>>, number: number): W | undefined {
  return (Object.keys(words) as W[]).find(word => words[word] === number)
}

/** A test datagram without its number, which the engine writes. `bytes`: MEASURED_BYTES_MIN or more. */
export function encodeMeasured(kind: number, token: Uint8Array, bytes: number, sentAtMicros: number): Uint8Array {
  const datagram = new Uint8Array(bytes)
  stampMeasured(datagram, sentAtMicros)
  datagram[0] = kind
  datagram.set(token, MEASURED_AT.token)
  return datagram
}

/** Writes when it is sent. */
export function stampMeasured(datagram: Uint8Array, sentAtMicros: number): void {
  new DataView(datagram.buffer, datagram.byteOffset).setUint32(MEASURED_AT.sentAt, sentAtMicros >>> 0, true)
}
