import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'

/**
 * What the dialling side sends first, in clear. It is the Noise prologue, so a change on the way breaks the handshake.
 *
 *     | magic "weave-ts" (8) | lowest version u8 | highest version u8 | rsvd u16 | secret hint (4) |
 *
 * The hint tells which of the (at most two) mesh secrets is meant; four zero bytes: none.
 */
export interface Preamble {
  readonly versionMin: number
  readonly versionMax: number
  readonly secretHint: Uint8Array
}

export const PREAMBLE_BYTES = 16
export const SECRET_HINT_BYTES = 4
const MAGIC = new TextEncoder().encode('weave-ts')

export function encodePreamble(preamble: Preamble): Uint8Array {
  return new ByteWriter(PREAMBLE_BYTES)
    .raw(MAGIC)
    .u8(preamble.versionMin)
    .u8(preamble.versionMax)
    .u16(0)
    .raw(preamble.secretHint)
    .finish()
}

/** Judges the magic as soon as its first bytes are there, so that a port scan is turned away at once. */
export function couldBePreamble(bytes: Uint8Array): boolean {
  const count = Math.min(bytes.length, MAGIC.length)
  for (let i = 0; i < count; i++) if (bytes[i] !== MAGIC[i]) return false
  return true
}

export function decodePreamble(bytes: Uint8Array): Decoded<Preamble> {
  if (bytes.length !== PREAMBLE_BYTES) return new Drop('preamble-length')
  if (!couldBePreamble(bytes)) return new Drop('preamble-magic')
  const reader = new ByteReader(bytes.subarray(MAGIC.length))
  const versionMin = reader.u8()
  const versionMax = reader.u8()
  reader.u16()
  const secretHint = reader.raw(SECRET_HINT_BYTES).slice()
  if (!reader.done || versionMin > versionMax) return new Drop('preamble-version')
  return { versionMin, versionMax, secretHint }
}
