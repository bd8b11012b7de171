import { EXCHANGE_KEY_BYTES, type ExchangeKey } from '../../lib/crypto/mod.ts'

/** Enough for each pair of five hundred; a pair that falls on another's place takes it. */
const PLACES = 2 ** 17
const SECRET_AT = 2 * EXCHANGE_KEY_BYTES
const PLACE_BYTES = SECRET_AT + EXCHANGE_KEY_BYTES
const PLACE_WORDS = PLACE_BYTES / 4

/**
 * What pairs of X25519 keys have in common, which both ends compute; each finds what the other has left, in whatever thread.
 * In every place: the two public keys, the lesser first, and the secret. A place is being written while its version is odd,
 * and has not been read in one piece if the version changed meanwhile.
 */
export class SimSecrets {
  readonly #versions: Int32Array
  readonly #words: Int32Array

  constructor(memory = secretsMemory()) {
    this.#versions = new Int32Array(memory, 0, PLACES)
    this.#words = new Int32Array(memory, 4 * PLACES)
  }

  /** The same key, which remembers what it has in common with others. */
  remembering(key: ExchangeKey): ExchangeKey {
    const { publicKey } = key
    return {
      publicKey,
      exchange: other => {
        if (other.length !== EXCHANGE_KEY_BYTES) return key.exchange(other)
        const [one, two] = Buffer.compare(publicKey, other) < 0 ? [publicKey, other] : [other, publicKey]
        const pair = new Int32Array(SECRET_AT / 4)
        const bytes = new Uint8Array(pair.buffer)
        bytes.set(one)
        bytes.set(two, EXCHANGE_KEY_BYTES)
        const known = this.#find(pair)
        if (known !== undefined) return known
        const secret = key.exchange(other)
        if (secret !== undefined) this.#keep(pair, secret)
        return secret
      },
    }
  }

  #find(pair: Int32Array): Uint8Array | undefined {
    const place = placeOf(pair)
    const version = Atomics.load(this.#versions, place)
    if (version === 0 || version % 2 !== 0) return undefined
    const from = place * PLACE_WORDS
    for (let at = 0; at < pair.length; at++) if (Atomics.load(this.#words, from + at) !== pair[at]) return undefined
    const secret = new Int32Array(EXCHANGE_KEY_BYTES / 4)
    for (let at = 0; at < secret.length; at++) secret[at] = Atomics.load(this.#words, from + pair.length + at)
    return Atomics.load(this.#versions, place) === version ? new Uint8Array(secret.buffer) : undefined
  }

  /** Not where another thread is at it. */
  #keep(pair: Int32Array, secret: Uint8Array): void {
    const place = placeOf(pair)
    const version = Atomics.load(this.#versions, place)
    if (version % 2 !== 0 || Atomics.compareExchange(this.#versions, place, version, version + 1) !== version) return
    const words = new Int32Array(secret.slice().buffer)
    for (const [at, word] of [...pair, ...words].entries()) Atomics.store(this.#words, place * PLACE_WORDS + at, word)
    Atomics.store(this.#versions, place, version + 2)
  }
}

/** Shared by threads, all zero at first. */
export function secretsMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(PLACES * (4 + PLACE_BYTES))
}

/** Keys are as good as drawn. */
function placeOf(pair: Int32Array): number {
  return ((pair[0]! ^ pair[SECRET_AT / 8]!) >>> 0) % PLACES
}
