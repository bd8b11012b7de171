import type { Endpoint } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_TAG_BYTES } from './datagram.ts'
import { readEndpoint, writeEndpoint } from './endpoint-field.ts'
import { decodeMeasure, type MeasureMessage } from './measure-message.ts'

/**
 * The body of a control datagram: what two peers say to each other inside their session about the path itself.
 *
 *     probe         | kind u8 | token u32 | padding … |
 *     probe-reply   | kind u8 | token u32 | the endpoint that the probe came from: 16-bit length, text |
 *     path-end      | kind u8 |
 *     handshake     | kind u8 | a session handshake message … |
 *     rendezvous    | kind u8 | go u8: 0 or 1 | mapping u8 | count u8 ≤ 8 | endpoints (endpoint-field.ts) … |
 *
 * Kinds 8 to 13 are about measurements (measure-message.ts).
 */
export const CONTROL_KIND = { probe: 1, probeReply: 2, pathEnd: 3, handshake: 6, rendezvous: 7 } as const

/** What the NAT in front of a peer makes of the port that it sends from, as far as the peer knows. */
export const PORT_MAPPING = { unknown: 0, kept: 1, changed: 2, varying: 3 } as const
export type PortMapping = (typeof PORT_MAPPING)[keyof typeof PORT_MAPPING]

/** Where a peer is seen by others, told to one that has no direct path to it. */
export interface Rendezvous {
  /** The receiver probes at once, and so does the sender when this has arrived. */
  readonly isGo: boolean
  readonly mapping: PortMapping
  /** At most RENDEZVOUS_ENDPOINTS_MAX. */
  readonly endpoints: readonly Endpoint[]
}

export type ControlMessage =
  | { readonly type: 'probe'; readonly token: number }
  | { readonly type: 'probe-reply'; readonly token: number; readonly seenEndpoint: string }
  | { readonly type: 'path-end' }
  | { readonly type: 'handshake'; readonly body: Uint8Array }
  | ({ readonly type: 'rendezvous' } & Rendezvous)
  | MeasureMessage
  | { readonly type: 'unknown'; readonly kind: number }

const ENDPOINT_TEXT_BYTES_MAX = 64
/** Of a `rendezvous`. */
export const RENDEZVOUS_ENDPOINTS_MAX = 8
/** Of the message in a `handshake`. */
export const CONTROL_HANDSHAKE_BYTES_MAX = 512

/** Bytes of the datagram that carries a control body, besides that. */
const CONTROL_OVERHEAD_BYTES = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES

/** `datagramBytes`: what the datagram that carries it is padded to; undefined for no padding. */
export function encodeProbe(token: number, datagramBytes?: number): Uint8Array {
  const probe = new ByteWriter(5).u8(CONTROL_KIND.probe).u32(token).finish()
  if (datagramBytes === undefined) return probe
  const padded = new Uint8Array(Math.max(probe.length, datagramBytes - CONTROL_OVERHEAD_BYTES))
  padded.set(probe)
  return padded
}

export function encodeProbeReply(token: number, seenEndpoint: string): Uint8Array {
  return new ByteWriter(64).u8(CONTROL_KIND.probeReply).u32(token).text(seenEndpoint).finish()
}

/** The sender forgets the session: it had no use for it any more. */
export function encodePathEnd(): Uint8Array {
  return new ByteWriter(1).u8(CONTROL_KIND.pathEnd).finish()
}

/** `body`: at most CONTROL_HANDSHAKE_BYTES_MAX. */
export function encodeControlHandshake(body: Uint8Array): Uint8Array {
  return new ByteWriter(1 + body.length).u8(CONTROL_KIND.handshake).raw(body).finish()
}

export function encodeRendezvous({ isGo, mapping, endpoints }: Rendezvous): Uint8Array {
  assert(endpoints.length <= RENDEZVOUS_ENDPOINTS_MAX, `${endpoints.length} endpoints`)
  const writer = new ByteWriter()
    .u8(CONTROL_KIND.rendezvous)
    .u8(isGo ? 1 : 0)
    .u8(mapping)
    .u8(endpoints.length)
  for (const endpoint of endpoints) writeEndpoint(writer, endpoint)
  return writer.finish()
}

export function decodeControl(body: Uint8Array): Decoded<ControlMessage> {
  const reader = new ByteReader(body)
  const kind = reader.u8()
  if (!reader.ok) return new Drop('control-empty')
  if (kind === CONTROL_KIND.probe) {
    const token = reader.u32()
    return reader.ok ? { type: 'probe', token } : new Drop('control-malformed')
  }
  if (kind === CONTROL_KIND.probeReply) {
    const token = reader.u32()
    const seenEndpoint = reader.text(ENDPOINT_TEXT_BYTES_MAX)
    return reader.ok ? { type: 'probe-reply', token, seenEndpoint } : new Drop('control-malformed')
  }
  if (kind === CONTROL_KIND.pathEnd) return { type: 'path-end' }
  if (kind === CONTROL_KIND.handshake) {
    const handshake = body.slice(1)
    const fits = handshake.length > 0 && handshake.length <= CONTROL_HANDSHAKE_BYTES_MAX
    return fits ? { type: 'handshake', body: handshake } : new Drop('control-malformed')
  }
  if (kind === CONTROL_KIND.rendezvous) return decodeRendezvous(reader)
  return decodeMeasure(kind, reader) ?? { type: 'unknown', kind }
}

/** A mapping that is not known counts as unknown, and bytes after the last endpoint are ignored. */
function decodeRendezvous(reader: ByteReader): Decoded<ControlMessage> {
  const isGo = reader.u8() === 1
  const word = reader.u8()
  const count = reader.u8()
  if (count > RENDEZVOUS_ENDPOINTS_MAX) return new Drop('control-malformed')
  const endpoints: Endpoint[] = []
  for (let i = 0; i < count && reader.ok; i++) {
    const endpoint = readEndpoint(reader)
    if (endpoint !== undefined) endpoints.push(endpoint)
  }
  const mapping = Object.values(PORT_MAPPING).find(one => one === word) ?? PORT_MAPPING.unknown
  return reader.ok ? { type: 'rendezvous', isGo, mapping, endpoints } : new Drop('control-malformed')
}
