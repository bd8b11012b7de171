import { peerIdFromBytes, type PeerId } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import { SEED_BYTES } from './constants.ts'
import type { CryptoSuite, ExchangeKey } from './suite.ts'

/** A peer's keys, all from its 32-byte seed. Keys are 32 bytes; the secret never leaves the process. */
export interface Identity {
  readonly peerId: PeerId
  /** Ed25519. */
  readonly signingPublic: Uint8Array
  /** X25519, converted from the signing key. */
  readonly exchangePublic: Uint8Array
  readonly exchangeKey: ExchangeKey
  /** Ed25519: 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/** The identity of a 32-byte seed. */
export function identityOf(suite: CryptoSuite, seed: Uint8Array): Identity {
  assert(seed.length === SEED_BYTES, `a seed of ${seed.length} bytes`)
  const signer = suite.signer(seed)
  const exchangeSecret = suite.exchangeSecret(seed)
  const exchangeKey = suite.exchangeKey(exchangeSecret)
  exchangeSecret.fill(0)
  return {
    peerId: peerIdOf(suite, signer.publicKey),
    signingPublic: signer.publicKey,
    exchangePublic: exchangeKey.publicKey,
    exchangeKey,
    sign: message => signer.sign(message),
  }
}

const PEER_ID_HASH_BYTES = 32

/** The first 16 bytes of BLAKE2b-256 of an Ed25519 public key. */
export function peerIdOf(suite: Pick<CryptoSuite, 'hash'>, signingPublic: Uint8Array): PeerId {
  return peerIdFromBytes(suite.hash(signingPublic, PEER_ID_HASH_BYTES))
}
