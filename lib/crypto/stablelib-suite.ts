import { hash as blake2b } from '@stablelib/blake2b'
import { ChaCha20Poly1305 } from '@stablelib/chacha20poly1305'
import {
  convertPublicKeyToX25519,
  convertSecretKeyToX25519,
  generateKeyPairFromSeed,
  sign,
  verify,
} from '@stablelib/ed25519'
import { HKDF } from '@stablelib/hkdf'
import { SHA256 } from '@stablelib/sha256'
import { scalarMult, scalarMultBase } from '@stablelib/x25519'
import { assert } from '../base/mod.ts'
import * as size from './constants.ts'
import { isPlausibleSignature, isStrongSigningPoint, isWeakExchangeKey } from './points.ts'
import type { CryptoSuite } from './suite.ts'

/** All primitives in TypeScript: the same on every platform, and some fifty times slower than the runtime's own. */
export const stablelibSuite: CryptoSuite = {
  hash(data, length = size.HASH_BYTES_MAX) {
    assert(length >= 1 && length <= size.HASH_BYTES_MAX, `a hash of ${length} bytes`)
    return blake2b(data, length)
  },

  signingPublicKey(seed) {
    assert(seed.length === size.SEED_BYTES, `a seed of ${seed.length} bytes`)
    return generateKeyPairFromSeed(seed).publicKey
  },

  signer(seed) {
    assert(seed.length === size.SEED_BYTES, `a seed of ${seed.length} bytes`)
    const { publicKey, secretKey } = generateKeyPairFromSeed(seed)
    return { publicKey, sign: message => sign(secretKey, message) }
  },

  sign(seed, message) {
    return this.signer(seed).sign(message)
  },

  verify(publicKey, message, signature) {
    return isPlausibleSignature(publicKey, signature) && verify(publicKey, message, signature)
  },

  exchangeSecret(seed) {
    assert(seed.length === size.SEED_BYTES, `a seed of ${seed.length} bytes`)
    // Only the first half of the 64-byte secret, the seed, is read.
    return convertSecretKeyToX25519(seed)
  },

  exchangePublicKey(signingPublicKey) {
    return convertSigningKey(signingPublicKey)
  },

  exchangeKey(secret) {
    const held = secret.slice()
    return { publicKey: this.exchangePublicOf(held), exchange: publicKey => this.exchange(held, publicKey) }
  },

  exchangePublicOf(secret) {
    assert(secret.length === size.EXCHANGE_KEY_BYTES, `a secret of ${secret.length} bytes`)
    return scalarMultBase(secret)
  },

  exchange(secret, publicKey) {
    assert(secret.length === size.EXCHANGE_KEY_BYTES, `a secret of ${secret.length} bytes`)
    if (isWeakExchangeKey(publicKey)) return undefined
    const shared = scalarMult(secret, publicKey)
    return shared.some(byte => byte !== 0) ? shared : undefined
  },

  seal(key, nonce, plaintext, associated) {
    assert(key.length === size.AEAD_KEY_BYTES && nonce.length === size.AEAD_NONCE_BYTES, 'key or nonce of a wrong size')
    const aead = new ChaCha20Poly1305(key)
    const sealed = aead.seal(nonce, plaintext, associated)
    aead.clean()
    return sealed
  },

  open(key, nonce, ciphertext, associated) {
    assert(key.length === size.AEAD_KEY_BYTES && nonce.length === size.AEAD_NONCE_BYTES, 'key or nonce of a wrong size')
    if (ciphertext.length < size.AEAD_TAG_BYTES) return undefined
    const aead = new ChaCha20Poly1305(key)
    const opened = aead.open(nonce, ciphertext, associated)
    aead.clean()
    return opened ?? undefined
  },

  derive(secret, salt, info, length) {
    assert(length >= 1 && length <= size.DERIVED_BYTES_MAX, `deriving ${length} bytes`)
    const kdf = new HKDF(SHA256, secret, salt, info)
    const derived = kdf.expand(length)
    kdf.clean()
    return derived
  },
}

/** The birational map of RFC 7748 §4.1 from a strong Ed25519 point to its u coordinate; undefined when it is none. */
export function convertSigningKey(signingPublicKey: Uint8Array): Uint8Array | undefined {
  if (!isStrongSigningPoint(signingPublicKey)) return undefined
  try {
    return convertPublicKeyToX25519(signingPublicKey)
  } catch {
    return undefined
  }
}
