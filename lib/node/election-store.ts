import { peerIdBytes, peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { ByteReader, ByteWriter, isDrop } from '../base/mod.ts'
import { decodeElection, encodeElection, type SignedElectionStatement } from '../wire/mod.ts'

/** What must outlive a crash: how this peer has voted, and who was elected. */
export interface StoredElection {
  readonly own: SignedElectionStatement
  readonly founder: PeerId | undefined
}

/** | founder (16), zeros: none known | an election message with the own statement | */
export function encodeStoredElection({ own, founder }: StoredElection): Uint8Array {
  return new ByteWriter()
    .raw(founder === undefined ? new Uint8Array(16) : peerIdBytes(founder))
    .raw(encodeElection([own]))
    .finish()
}

export function decodeStoredElection(value: Uint8Array): StoredElection | undefined {
  const reader = new ByteReader(value)
  const bytes = reader.raw(16)
  const founder = bytes.some(byte => byte !== 0) ? peerIdFromBytes(bytes) : undefined
  const all = decodeElection(reader.rest())
  const own = isDrop(all) ? undefined : all[0]
  return own === undefined ? undefined : { own, founder }
}
