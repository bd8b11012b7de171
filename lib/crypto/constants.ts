/** Sizes of keys and outputs, in bytes. */
export const SEED_BYTES = 32
export const EXCHANGE_KEY_BYTES = 32
export const AEAD_KEY_BYTES = 32
export const AEAD_NONCE_BYTES = 12
export const AEAD_TAG_BYTES = 16
export const HASH_BYTES_MAX = 64

/** The most that `derive` gives; HKDF-SHA256 could give 8160. */
export const DERIVED_BYTES_MAX = 1024
