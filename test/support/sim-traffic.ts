import {
  CONTROL_KIND,
  DATAGRAM_HEADER_BYTES,
  DATAGRAM_KIND,
  LINK_MESSAGE_KIND,
  PREAMBLE_BYTES,
  ROUTED_KIND,
} from '../../lib/wire/mod.ts'
import type { SimEnd, SimUnderlay } from './sim-stream.ts'

/** What was sent of one kind: with lengths and tags, without the headers of TCP, UDP and IP. */
export interface Sent {
  readonly count: number
  readonly bytes: number
}

export interface Traffic {
  readonly tcpBytes: number
  readonly udpBytes: number
  readonly kinds: Readonly<Record<string, Sent>>
}

const LENGTH_BYTES = 2
/** Of a message so much tells its kind: the kind, the hop limit and the kind of what is routed. */
const KIND_BYTES = 3
const HEAD_BYTES = LENGTH_BYTES + KIND_BYTES
/** Noise XX: the dialler sends the first and the third message, the other side the second. */
const HANDSHAKE_FRAMES = { dialler: 2, accepter: 1 } as const
const HANDSHAKE = 'handshake'

const LINK_NAMES = namesOf(LINK_MESSAGE_KIND)
const ROUTED_NAMES = namesOf(ROUTED_KIND)
const DATAGRAM_NAMES = namesOf(DATAGRAM_KIND)
const CONTROL_NAMES = namesOf(CONTROL_KIND)

/** Where one end of a stream is in what it sends. */
interface Cursor {
  handshakeFrames: number
  preambleBytes: number
  readonly head: number[]
  /** Of the frame at hand, once its length is known. */
  frameBytes: number
  seenBytes: number
}

/**
 * Counts what crosses the underlay of a simulation, by kind of message. It reads the clear text of the sealing `none`: with
 * a cipher all kinds are nonsense.
 */
export class SimTraffic {
  readonly #cursors = new WeakMap<SimEnd, Cursor>()
  readonly #kinds = new Map<string, { count: number; bytes: number }>()
  #tcpBytes = 0
  #udpBytes = 0

  constructor(network: SimUnderlay) {
    const { onWire } = network
    network.onWire = (from, bytes, end) => {
      onWire?.(from, bytes, end)
      if (end === undefined) this.#datagram(bytes)
      else this.#stream(end, bytes)
    }
  }

  /** All so far. */
  totals(): Traffic {
    const kinds = Object.fromEntries([...this.#kinds].map(([kind, sent]) => [kind, { ...sent }]))
    return { tcpBytes: this.#tcpBytes, udpBytes: this.#udpBytes, kinds }
  }

  #datagram(bytes: Uint8Array): void {
    this.#udpBytes += bytes.length
    const kind = bytes[DATAGRAM_HEADER_BYTES] ?? 0
    const name = DATAGRAM_NAMES.get(kind) ?? `kind ${kind}`
    const control = bytes[DATAGRAM_HEADER_BYTES + 1] ?? 0
    const detail = kind === DATAGRAM_KIND.control ? ` ${CONTROL_NAMES.get(control) ?? `kind ${control}`}` : ''
    this.#add(`udp ${name}${detail}`, bytes.length)
  }

  #stream(end: SimEnd, bytes: Uint8Array): void {
    this.#tcpBytes += bytes.length
    const cursor = this.#cursorOf(end)
    let at = Math.min(cursor.preambleBytes, bytes.length)
    if (at > 0) this.#add(HANDSHAKE, at)
    cursor.preambleBytes -= at
    while (at < bytes.length) {
      if (cursor.head.length < HEAD_BYTES && cursor.head.length < cursor.frameBytes) {
        cursor.head.push(bytes[at++]!)
        cursor.seenBytes++
        if (cursor.head.length === LENGTH_BYTES)
          cursor.frameBytes = LENGTH_BYTES + cursor.head[0]! + cursor.head[1]! * 256
      } else {
        const taken = Math.min(cursor.frameBytes - cursor.seenBytes, bytes.length - at)
        at += taken
        cursor.seenBytes += taken
      }
      if (cursor.seenBytes >= cursor.frameBytes) this.#endFrame(cursor)
    }
  }

  #endFrame(cursor: Cursor): void {
    const [, , kind = 0, , routed = 0] = cursor.head
    let name = HANDSHAKE
    if (cursor.handshakeFrames > 0) cursor.handshakeFrames--
    else {
      name = LINK_NAMES.get(kind) ?? `kind ${kind}`
      if (kind === LINK_MESSAGE_KIND.routed) name += ` ${ROUTED_NAMES.get(routed) ?? `kind ${routed}`}`
    }
    this.#add(name, cursor.seenBytes)
    cursor.head.length = 0
    cursor.frameBytes = Infinity
    cursor.seenBytes = 0
  }

  #cursorOf(end: SimEnd): Cursor {
    let cursor = this.#cursors.get(end)
    if (cursor === undefined) {
      const handshakeFrames = end.isDialler ? HANDSHAKE_FRAMES.dialler : HANDSHAKE_FRAMES.accepter
      const preambleBytes = end.isDialler ? PREAMBLE_BYTES : 0
      cursor = { handshakeFrames, preambleBytes, head: [], frameBytes: Infinity, seenBytes: 0 }
      this.#cursors.set(end, cursor)
    }
    return cursor
  }

  #add(kind: string, bytes: number): void {
    const sent = this.#kinds.get(kind)
    if (sent === undefined) this.#kinds.set(kind, { count: 1, bytes })
    else {
      sent.count++
      sent.bytes += bytes
    }
  }
}

/** What was sent between two looks. */
export function trafficBetween(before: Traffic, after: Traffic): Traffic {
  const kinds: Record<string, Sent> = {}
  for (const [kind, { count, bytes }] of Object.entries(after.kinds)) {
    const known = before.kinds[kind]
    const since = { count: count - (known?.count ?? 0), bytes: bytes - (known?.bytes ?? 0) }
    if (since.count > 0) kinds[kind] = since
  }
  return { tcpBytes: after.tcpBytes - before.tcpBytes, udpBytes: after.udpBytes - before.udpBytes, kinds }
}

/** What several counted, together. */
export function trafficOf(counts: readonly Traffic[]): Traffic {
  const kinds: Record<string, Sent> = {}
  for (const [kind, { count, bytes }] of counts.flatMap(one => Object.entries(one.kinds)))
    kinds[kind] = { count: count + (kinds[kind]?.count ?? 0), bytes: bytes + (kinds[kind]?.bytes ?? 0) }
  const sum = (valueOf: (traffic: Traffic) => number) => counts.reduce((all, one) => all + valueOf(one), 0)
  return { tcpBytes: sum(one => one.tcpBytes), udpBytes: sum(one => one.udpBytes), kinds }
}

/** By number; `ledgerDelta` reads `ledger-delta`. */
function namesOf(table: Readonly<Record<string, number>>): Map<number, string> {
  const spoken = (name: string) => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
  return new Map(Object.entries(table).map(([name, kind]) => [kind, spoken(name)]))
}
