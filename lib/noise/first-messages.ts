import { toHex } from '../base/mod.ts'
import { FIRST_MESSAGES_MAX, NOISE_KEY_BYTES } from './constants.ts'

/**
 * The ephemeral keys of the newest first handshake messages that proved the secret. An honest peer draws a new one for
 * each link, so a message whose key is here was recorded and sent again: it is known before anything is computed.
 */
export class FirstMessages {
  /** Oldest first. */
  readonly #seen = new Set<string>()

  get size(): number {
    return this.#seen.size
  }

  /** True when a message with this ephemeral key, its first 32 bytes, was noted. */
  has(message: Uint8Array): boolean {
    return this.#seen.has(keyOf(message))
  }

  note(message: Uint8Array): void {
    this.#seen.add(keyOf(message))
    if (this.#seen.size <= FIRST_MESSAGES_MAX) return
    for (const oldest of this.#seen) {
      this.#seen.delete(oldest)
      break
    }
  }
}

function keyOf(message: Uint8Array): string {
  return toHex(message.subarray(0, NOISE_KEY_BYTES))
}
