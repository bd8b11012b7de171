import { assert, Drop } from '../base/mod.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type CryptoSuite } from '../crypto/mod.ts'
import { LINK_MESSAGES_MAX } from './constants.ts'

export interface LinkCipherOptions {
  readonly suite: CryptoSuite
  /** 32 bytes each, of a complete handshake; never used before. */
  readonly sendKey: Uint8Array
  readonly receiveKey: Uint8Array
  /** Other than 0 only in tests of exhaustion. */
  readonly firstSendCounter?: number
  readonly firstReceiveCounter?: number
}

const NO_BYTES = new Uint8Array(0)

/**
 * Seals and opens the messages of one link, in order: ChaCha20-Poly1305 without associated data, the nonce four zero
 * bytes and the 64-bit message counter, little-endian (Noise §12.3). No nonce is ever used twice: after
 * LINK_MESSAGES_MAX messages in a direction it neither seals nor opens.
 */
export class LinkCipher {
  readonly #suite: CryptoSuite
  readonly #sendKey: Uint8Array
  readonly #receiveKey: Uint8Array
  #sendCounter: number
  #receiveCounter: number

  constructor(options: LinkCipherOptions) {
    this.#suite = options.suite
    this.#sendKey = options.sendKey
    this.#receiveKey = options.receiveKey
    this.#sendCounter = options.firstSendCounter ?? 0
    this.#receiveCounter = options.firstReceiveCounter ?? 0
    assert(isCounter(this.#sendCounter) && isCounter(this.#receiveCounter), 'counters begin within the limit')
  }

  /** True when a direction has no counter left: the link must be replaced. */
  get isExhausted(): boolean {
    return this.#sendCounter >= LINK_MESSAGES_MAX || this.#receiveCounter >= LINK_MESSAGES_MAX
  }

  /**
   * Ciphertext and tag, 16 bytes longer than the plaintext. When exhausted: no bytes at all, which no message ever has,
   * and which the far end refuses as broken framing.
   */
  seal(plaintext: Uint8Array): Uint8Array {
    if (this.#sendCounter >= LINK_MESSAGES_MAX) return NO_BYTES
    return this.#suite.seal(this.#sendKey, counterNonce(this.#sendCounter++), plaintext, NO_BYTES)
  }

  /** The plaintext; drops: `link-short`, `link-auth`, `link-exhausted`. After a drop the counter has not advanced. */
  open(ciphertext: Uint8Array): Uint8Array | Drop {
    if (ciphertext.length < AEAD_TAG_BYTES) return new Drop('link-short')
    if (this.#receiveCounter >= LINK_MESSAGES_MAX) return new Drop('link-exhausted')
    const plaintext = this.#suite.open(this.#receiveKey, counterNonce(this.#receiveCounter), ciphertext, NO_BYTES)
    if (plaintext === undefined) return new Drop('link-auth')
    this.#receiveCounter++
    return plaintext
  }
}

function isCounter(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= LINK_MESSAGES_MAX
}

/** Four zero bytes and the counter in eight, little-endian: the nonce of ChaCha20-Poly1305 in Noise. */
export function counterNonce(counter: number): Uint8Array {
  const nonce = new Uint8Array(AEAD_NONCE_BYTES)
  const view = new DataView(nonce.buffer)
  view.setUint32(4, counter >>> 0, true)
  view.setUint32(8, Math.floor(counter / 0x1_0000_0000), true)
  return nonce
}
