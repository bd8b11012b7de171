import { HASHES_REMEMBERED } from './constants.ts'

/** SipHash of six bytes: the length is in the last word of the message. */
const LENGTH = 6 << 24
const FINAL_ROUNDS = 3

/**
 * HalfSipHash-1-3 of MAC addresses: who does not know the key (two words of 32 bits) cannot choose addresses whose hashes
 * are alike. Remembers a few hashes, for most frames are between few addresses. Does not allocate after construction.
 */
export class KeyedHash {
  readonly #first: number
  readonly #second: number
  /** Lower half, upper half, hash. */
  readonly #remembered = new Int32Array(3 * HASHES_REMEMBERED)

  constructor(firstKey: number, secondKey: number) {
    this.#first = firstKey | 0
    this.#second = secondKey | 0
    this.#remembered.fill(-1)
  }

  /** Of the address's upper 16 and lower 32 bits: 32 bits, signed. */
  of(high: number, low: number): number {
    const remembered = this.#remembered
    const at = 3 * ((low ^ high) & (HASHES_REMEMBERED - 1))
    if (remembered[at] === (low | 0) && remembered[at + 1] === high) return remembered[at + 2]!
    remembered[at] = low
    remembered[at + 1] = high
    return (remembered[at + 2] = this.#hash(low | 0, high | LENGTH))
  }

  #hash(firstWord: number, secondWord: number): number {
    let v0 = this.#first
    let v1 = this.#second
    let v2 = this.#first ^ 0x6c79_6765
    let v3 = this.#second ^ 0x7465_6462
    for (let round = 0; round < 2 + FINAL_ROUNDS; round++) {
      const word = round === 0 ? firstWord : round === 1 ? secondWord : 0
      v3 ^= word
      if (round === 2) v2 ^= 0xff
      v0 = (v0 + v1) | 0
      v1 = rotated(v1, 5) ^ v0
      v0 = rotated(v0, 16)
      v2 = (v2 + v3) | 0
      v3 = rotated(v3, 8) ^ v2
      v0 = (v0 + v3) | 0
      v3 = rotated(v3, 7) ^ v0
      v2 = (v2 + v1) | 0
      v1 = rotated(v1, 13) ^ v2
      v2 = rotated(v2, 16)
      v0 ^= word
    }
    return v1 ^ v3
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
