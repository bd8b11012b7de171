import type { PeerId } from '../address/mod.ts'
import { peerIdOf, type CryptoSuite } from '../crypto/mod.ts'
import { recordSignedBytes, type LedgerRecord } from '../wire/mod.ts'

/** What makes records believed: keys that hash to their owner, and signatures for this mesh. */
export class Signatures {
  readonly #suite: Pick<CryptoSuite, 'hash' | 'verify'>
  readonly #meshId: () => Uint8Array

  constructor(suite: Pick<CryptoSuite, 'hash' | 'verify'>, meshId: () => Uint8Array) {
    this.#suite = suite
    this.#meshId = meshId
  }

  isKeyOf(owner: PeerId, signingPublic: Uint8Array): boolean {
    return peerIdOf(this.#suite, signingPublic) === owner
  }

  isGenuine(record: LedgerRecord, signingPublic: Uint8Array): boolean {
    return this.#suite.verify(signingPublic, recordSignedBytes(this.#meshId(), record), record.signature)
  }
}
