import { peerIdBytes, type PeerId } from '../address/mod.ts'
import { ByteWriter, utf8 } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { MESH_ID_BYTES } from '../wire/mod.ts'

/** Random bytes of a founding. */
export const SALT_BYTES = 16

const MESH_ID_DOMAIN = utf8('weave-ts mesh 1')
const MESH_HASH_BYTES = 32

/** What a mesh id is made of: so it proves who founded the mesh, and owned all blocks first. */
export interface Founding {
  readonly founder: PeerId
  /** 16 bytes, random. */
  readonly salt: Uint8Array
}

/** The 16 bytes that name the mesh: docs/protocol.md §2. */
export function meshIdOf(suite: Pick<CryptoSuite, 'hash'>, { founder, salt }: Founding): Uint8Array {
  const bytes = new ByteWriter(64).raw(MESH_ID_DOMAIN).raw(peerIdBytes(founder)).raw(salt).finish()
  return suite.hash(bytes, MESH_HASH_BYTES).slice(0, MESH_ID_BYTES)
}
