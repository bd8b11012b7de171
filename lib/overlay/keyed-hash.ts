/**
 * HalfSipHash-1-3 of two 32-bit words: who does not know the key (two words of 32 bits) cannot choose words whose hashes
 * are alike. 32 bits, signed. Does not allocate.
 */
export function keyedHash(first: number, second: number, firstKey: number, secondKey: number): number {
  let v0 = firstKey
  let v1 = secondKey
  let v2 = firstKey ^ 0x6c79_6765
  let v3 = secondKey ^ 0x7465_6462
  // Two words of the message, the word of its length (8), and three rounds at the end.
  for (let round = 0; round < 6; round++) {
    const word = round === 0 ? first : round === 1 ? second : round === 2 ? 8 << 24 : 0
    v3 ^= word
    if (round === 3) v2 ^= 0xff
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

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
