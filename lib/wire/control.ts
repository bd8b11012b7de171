import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'

/**
 * The body of a control datagram: what two peers say to each other inside their session about the path itself.
 *
 *     probe         | kind u8 | token u32 | padding … |
 *     probe-reply   | kind u8 | token u32 | the endpoint that the probe came from: 16-bit length, text |
 *     path-end      | kind u8 |
 */
export const CONTROL_KIND = { probe: 1, probeReply: 2, pathEnd: 3 } as const

export type ControlMessage =
  | { readonly type: 'probe'; readonly token: number }
  | { readonly type: 'probe-reply'; readonly token: number; readonly seenEndpoint: string }
  | { readonly type: 'path-end' }
  | { readonly type: 'unknown'; readonly kind: number }

const ENDPOINT_TEXT_BYTES_MAX = 64

export function encodeProbe(token: number): Uint8Array {
  return new ByteWriter(5).u8(CONTROL_KIND.probe).u32(token).finish()
}

export function encodeProbeReply(token: number, seenEndpoint: string): Uint8Array {
  return new ByteWriter(64).u8(CONTROL_KIND.probeReply).u32(token).text(seenEndpoint).finish()
}

/** The sender forgets the session: it had no use for it any more. */
export function encodePathEnd(): Uint8Array {
  return new ByteWriter(1).u8(CONTROL_KIND.pathEnd).finish()
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
  return { type: 'unknown', kind }
}
