import { peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { ByteReader, ByteWriter, isDrop } from '../base/mod.ts'
import { decodeFounding, encodeFounding, type SignedFounding } from '../wire/mod.ts'

/** What must outlive a crash: how this peer has voted, and who was elected. */
export interface StoredFounding {
  readonly own: SignedFounding
  readonly founder: PeerId | undefined
}

/** | founder (16), zeros: none known | a founding message with the own statement | */
export function encodeStoredFounding({ own, founder }: StoredFounding): Uint8Array {
  return new ByteWriter()
    .raw(founder === undefined ? new Uint8Array(16) : peerIdBytes(founder))
    .raw(encodeFounding([own]))
    .finish()
}

export function decodeStoredFounding(value: Uint8Array): StoredFounding | undefined {
  const reader = new ByteReader(value)
  const bytes = reader.raw(16)
  const founder = bytes.some(byte => byte !== 0) ? peerIdFromBytes(bytes) : undefined
  const all = decodeFounding(reader.rest())
  const own = isDrop(all) ? undefined : all[0]
  return own === undefined ? undefined : { own, founder }
}
