import { peerIdBytes, type PeerId } from '../address/mod.ts'
import { concatBytes, utf8 } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { ORIGIN_KEY_BYTES } from '../wire/mod.ts'

/** A peer, and the number that it drew at its start (8 bytes). */
export interface StartedPeer {
  readonly peer: PeerId
  readonly start: Uint8Array
}

const ORIGIN_KEY_LABEL = 'weave-ts origin'

/**
 * The key (ORIGIN_KEY_BYTES) by which `receiver` tells what `source` flooded from what others invent in its name
 * (docs/protocol.md §9.3). `shared`: what X25519 makes of both static keys, 32 bytes.
 */
export function originKey(
  suite: Pick<CryptoSuite, 'derive'>,
  shared: Uint8Array,
  source: StartedPeer,
  receiver: StartedPeer,
): Uint8Array {
  const salt = concatBytes(source.start, receiver.start)
  const info = concatBytes(utf8(ORIGIN_KEY_LABEL), peerIdBytes(source.peer), peerIdBytes(receiver.peer))
  return suite.derive(shared, salt, info, ORIGIN_KEY_BYTES)
}
