import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { DATAGRAM_HEADER_BYTES, DATAGRAM_TAG_BYTES } from './datagram.ts'

/**
 * The body of a control datagram: what two peers say to each other inside their session about the path itself.
 *
 *     probe         | kind u8 | token u32 | padding … |
 *     probe-reply   | kind u8 | token u32 | the endpoint that the probe came from: 16-bit length, text |
 *     path-end      | kind u8 |
 *     handshake     | kind u8 | a session handshake message … |
 */
export const CONTROL_KIND = { probe: 1, probeReply: 2, pathEnd: 3, handshake: 6 } as const

export type ControlMessage =
  | { readonly type: 'probe'; readonly token: number }
  | { readonly type: 'probe-reply'; readonly token: number; readonly seenEndpoint: string }
  | { readonly type: 'path-end' }
  | { readonly type: 'handshake'; readonly body: Uint8Array }
  | { readonly type: 'unknown'; readonly kind: number }

const ENDPOINT_TEXT_BYTES_MAX = 64
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
  return { type: 'unknown', kind }
}
