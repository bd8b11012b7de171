import { createHash } from 'node:crypto'
import { peerIdFromBytes } from '../../lib/address/mod.ts'
import { equalBytes, utf8 } from '../../lib/base/mod.ts'
import type { LedgerIdentity } from '../../lib/ledger/mod.ts'

/**
 * A fast double of the suite's hash and signatures. Signatures can be forged by whoever knows the public key, but one over
 * another message or by another key does not verify.
 */
export const fakeSuite = {
  hash: (data: Uint8Array, length = 32) => digest('hash', data).subarray(0, length),
  signingPublicKey: (seed: Uint8Array) => digest('public', seed).subarray(0, 32),
  sign: (seed: Uint8Array, message: Uint8Array) => digest('signature', digest('public', seed).subarray(0, 32), message),
  /** As whoever has this key. */
  signAs: (publicKey: Uint8Array, message: Uint8Array) => digest('signature', publicKey, message),
  verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    equalBytes(signature, digest('signature', publicKey, message)),
}

export function fakeIdentity(name: string): LedgerIdentity {
  const seed = utf8(name)
  const signingPublic = fakeSuite.signingPublicKey(seed)
  return {
    peerId: peerIdFromBytes(fakeSuite.hash(signingPublic)),
    signingPublic,
    sign: message => fakeSuite.sign(seed, message),
  }
}

function digest(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512').update(label)
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
