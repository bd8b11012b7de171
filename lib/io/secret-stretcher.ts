import { parentPort, workerData } from 'node:worker_threads'
import { argon2id } from 'hash-wasm'
import { utf8 } from '../base/mod.ts'

/** The work that guessing one secret costs (RFC 9106 §4, second recommended option). */
const ARGON2_MEMORY_KIB = 64 * 1024
const ARGON2_PASSES = 3
const ARGON2_LANES = 1
const PSK_BYTES = 32
/** One salt for all: every peer of a mesh must reach the same key from the secret alone. */
const ARGON2_SALT = 'weave-ts mesh secret v1'

// The thread of `stretchSecret`: one secret in, whose memory was handed over, and one key out.
const secret = workerData as Uint8Array
try {
  const psk = await argon2id({
    password: secret,
    salt: utf8(ARGON2_SALT),
    memorySize: ARGON2_MEMORY_KIB,
    iterations: ARGON2_PASSES,
    parallelism: ARGON2_LANES,
    hashLength: PSK_BYTES,
    outputType: 'binary',
  })
  parentPort?.postMessage(psk)
} finally {
  secret.fill(0)
}
