import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { assert, concatBytes } from '../base/mod.ts'
import {
  AEAD_TAG_BYTES,
  DERIVED_BYTES_MAX,
  EXCHANGE_KEY_BYTES,
  HASH_BYTES_MAX,
  SEED_BYTES,
  convertSigningKey,
  isPlausibleSignature,
  isWeakExchangeKey,
  stablelibSuite,
  type CryptoSuite,
  type ExchangeKey,
  type Signer,
} from '../crypto/mod.ts'

/** Curves as JWK names them (RFC 8037). Read in this form a key costs a tenth of what it does as DER. */
type Curve = 'Ed25519' | 'X25519'
/** In place of the public half where only the secret is known: the runtime wants the field, and computes its own. */
const UNKNOWN_PUBLIC = Buffer.alloc(EXCHANGE_KEY_BYTES).toString('base64url')

/** How many signers' parsed public keys are kept: about 1 KiB each. */
const VERIFY_KEYS_MAX = 512

const CIPHER = 'chacha20-poly1305'
const CIPHER_OPTIONS = { authTagLength: AEAD_TAG_BYTES }

/**
 * All primitives by the OpenSSL of the runtime, but for BLAKE2b of other lengths than 64 and the map between curves.
 */
export function nodeSuite(): CryptoSuite {
  const verifyKeys = new Map<string, KeyObject>()

  function verifyKey(publicKey: Uint8Array): KeyObject {
    const name = Buffer.from(publicKey).toString('base64')
    const key = verifyKeys.get(name) ?? publicKeyObject('Ed25519', publicKey)
    // The youngest is last, so the first is the one longest unused.
    verifyKeys.delete(name)
    verifyKeys.set(name, key)
    if (verifyKeys.size > VERIFY_KEYS_MAX) {
      for (const oldest of verifyKeys.keys()) {
        verifyKeys.delete(oldest)
        break
      }
    }
    return key
  }

  return {
    hash(data, length = HASH_BYTES_MAX) {
      // OpenSSL 3.0 has BLAKE2b-512 only, and a shorter digest is no prefix of it: the length is hashed in.
      if (length !== HASH_BYTES_MAX) return stablelibSuite.hash(data, length)
      return new Uint8Array(createHash('blake2b512').update(data).digest())
    },

    signingPublicKey(seed) {
      assert(seed.length === SEED_BYTES, `a seed of ${seed.length} bytes`)
      return rawPublicKey(secretKeyObject('Ed25519', seed))
    },

    signer,

    sign(seed, message) {
      return signer(seed).sign(message)
    },

    verify(publicKey, message, signature) {
      if (!isPlausibleSignature(publicKey, signature)) return false
      try {
        return verify(null, message, verifyKey(publicKey), signature)
      } catch {
        return false
      }
    },

    exchangeSecret(seed) {
      assert(seed.length === SEED_BYTES, `a seed of ${seed.length} bytes`)
      const secret = new Uint8Array(createHash('sha512').update(seed).digest()).slice(0, EXCHANGE_KEY_BYTES)
      secret[0]! &= 248
      secret[31] = (secret[31]! & 127) | 64
      return secret
    },

    exchangePublicKey: convertSigningKey,

    exchangeKey,

    exchangePublicOf(secret) {
      return exchangeKey(secret).publicKey
    },

    exchange(secret, publicKey) {
      return exchangeWith(exchangeSecretObject(secret), publicKey)
    },

    seal(key, nonce, plaintext, associated) {
      const cipher = createCipheriv(CIPHER, key, nonce, CIPHER_OPTIONS)
      cipher.setAAD(associated, { plaintextLength: plaintext.length })
      return concatBytes(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
    },

    open(key, nonce, ciphertext, associated) {
      const length = ciphertext.length - AEAD_TAG_BYTES
      if (length < 0) return undefined
      const decipher = createDecipheriv(CIPHER, key, nonce, CIPHER_OPTIONS)
      decipher.setAAD(associated, { plaintextLength: length })
      decipher.setAuthTag(ciphertext.subarray(length))
      const plaintext = decipher.update(ciphertext.subarray(0, length))
      try {
        return concatBytes(plaintext, decipher.final())
      } catch {
        return undefined
      }
    },

    derive(secret, salt, info, length) {
      assert(length >= 1 && length <= DERIVED_BYTES_MAX, `deriving ${length} bytes`)
      return new Uint8Array(hkdfSync('sha256', secret, salt, info, length))
    },
  }
}

function signer(seed: Uint8Array): Signer {
  assert(seed.length === SEED_BYTES, `a seed of ${seed.length} bytes`)
  const secret = secretKeyObject('Ed25519', seed)
  return { publicKey: rawPublicKey(secret), sign: message => new Uint8Array(sign(null, message, secret)) }
}

function exchangeKey(raw: Uint8Array): ExchangeKey {
  const secret = exchangeSecretObject(raw)
  return { publicKey: rawPublicKey(secret), exchange: publicKey => exchangeWith(secret, publicKey) }
}

function exchangeSecretObject(raw: Uint8Array): KeyObject {
  assert(raw.length === EXCHANGE_KEY_BYTES, `a secret of ${raw.length} bytes`)
  return secretKeyObject('X25519', raw)
}

function exchangeWith(secret: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  if (isWeakExchangeKey(publicKey)) return undefined
  return new Uint8Array(diffieHellman({ privateKey: secret, publicKey: publicKeyObject('X25519', publicKey) }))
}

function secretKeyObject(crv: Curve, raw: Uint8Array): KeyObject {
  const key = { kty: 'OKP', crv, x: UNKNOWN_PUBLIC, d: Buffer.from(raw).toString('base64url') }
  return createPrivateKey({ key, format: 'jwk' })
}

function publicKeyObject(crv: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv, x: Buffer.from(raw).toString('base64url') }, format: 'jwk' })
}

function rawPublicKey(secret: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(secret.export({ format: 'jwk' }).x!, 'base64url'))
}
