/** An X25519 key pair made ready for use: what it costs to read the secret is paid once. */
export interface ExchangeKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The shared 32 bytes; undefined when they would be all zero (RFC 7748 §6.1), or the key is no key. */
  exchange(publicKey: Uint8Array): Uint8Array | undefined
}

/** An Ed25519 key pair made ready for use. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/**
 * The seam to all primitives. Pure code takes a suite; `io` gives one on the runtime's OpenSSL, `stablelib-suite` is
 * pure TypeScript. One compliance suite runs on both. No method keeps or logs a secret; what `exchangeKey` and `signer`
 * return holds the one that they were given, and nothing else does.
 */
export interface CryptoSuite {
  /** BLAKE2b (RFC 7693) without a key; `length` 1 to 64 bytes. */
  hash(data: Uint8Array, length?: number): Uint8Array
  /** Ed25519 (RFC 8032): the 32-byte public key of a 32-byte seed. */
  signingPublicKey(seed: Uint8Array): Uint8Array
  /** Ed25519: a signer that parses its 32-byte seed once. Takes a copy: the caller may wipe the seed. */
  signer(seed: Uint8Array): Signer
  /** Ed25519: a 64-byte signature. */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  /** Ed25519, strict: false for anything malformed. Never throws. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** The X25519 secret of an Ed25519 seed. */
  exchangeSecret(seed: Uint8Array): Uint8Array
  /** The X25519 public key of an Ed25519 public key (birational map); undefined when it is no valid point. */
  exchangePublicKey(signingPublicKey: Uint8Array): Uint8Array | undefined
  /** X25519: a key pair that parses its 32-byte secret once. Takes a copy: the caller may wipe the secret. */
  exchangeKey(secret: Uint8Array): ExchangeKey
  /** X25519 (RFC 7748): public key of a secret. */
  exchangePublicOf(secret: Uint8Array): Uint8Array
  /** X25519: undefined when the result is all zero (RFC 7748 §6.1). */
  exchange(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined
  /** ChaCha20-Poly1305 (RFC 8439): ciphertext and 16-byte tag. `nonce` 12 bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array
  /** The inverse; undefined when the tag does not match. */
  open(key: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array, associated: Uint8Array): Uint8Array | undefined
  /** HKDF-SHA256 (RFC 5869). */
  derive(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
}
