import { createHash } from 'node:crypto'
import type { Chance, Entropy } from '../../lib/base/mod.ts'
import type { CryptoSuite } from '../../lib/crypto/mod.ts'
import { nodeSuite } from '../../lib/io/node-suite.ts'
import { seededChance } from './seeded-chance.ts'

/** Bytes for keys, drawn from a label that holds the seed: never the same twice for one label. */
export function seededEntropy(label: string): Entropy {
  let count = 0
  let pool = Buffer.alloc(0)
  return {
    bytes(wanted) {
      while (pool.length < wanted)
        pool = Buffer.concat([pool, createHash('sha512').update(`${label} ${count++}`).digest()])
      const taken = Uint8Array.from(pool.subarray(0, wanted))
      pool = pool.subarray(wanted)
      return taken
    },
  }
}

export function labelledChance(label: string): Chance {
  return seededChance(createHash('sha256').update(label).digest().readUInt32LE(0))
}

const MEMO_ENTRIES_MAX = 200_000

/** The true suite, which remembers results that every peer of a simulated mesh would compute again. */
export function memoisedSuite(): CryptoSuite {
  const suite = nodeSuite()
  const verified = new Map<string, boolean>()
  const converted = new Map<string, Uint8Array | undefined>()
  return {
    ...suite,
    verify(publicKey, message, signature) {
      const key = createHash('sha1').update(publicKey).update(signature).update(message).digest('base64')
      const known = verified.get(key)
      if (known !== undefined) return known
      const result = suite.verify(publicKey, message, signature)
      if (verified.size >= MEMO_ENTRIES_MAX) verified.clear()
      verified.set(key, result)
      return result
    },
    exchangePublicKey(signingPublic) {
      const key = Buffer.from(signingPublic).toString('base64')
      if (!converted.has(key)) converted.set(key, suite.exchangePublicKey(signingPublic))
      return converted.get(key)
    },
  }
}

const TAG_BYTES = 16

/** The same without a cipher for links, as the packet engine's sealing `none`: clear text behind a keyed checksum. */
export function lightSuite(suite: CryptoSuite): CryptoSuite {
  const tagOf = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array) => {
    let sum = 0x811c_9dc5
    for (const part of [key, nonce, plaintext])
      for (let at = 0; at < part.length; at++) sum = Math.imul(sum ^ part[at]!, 0x0100_0193)
    return sum
  }
  return {
    ...suite,
    seal(key, nonce, plaintext) {
      const sealed = new Uint8Array(plaintext.length + TAG_BYTES)
      sealed.set(plaintext)
      new DataView(sealed.buffer).setInt32(plaintext.length, tagOf(key, nonce, plaintext))
      return sealed
    },
    open(key, nonce, sealed) {
      if (sealed.length < TAG_BYTES) return undefined
      const plaintext = sealed.slice(0, -TAG_BYTES)
      const tag = new DataView(sealed.buffer, sealed.byteOffset + plaintext.length).getInt32(0)
      return tag === tagOf(key, nonce, plaintext) ? plaintext : undefined
    },
  }
}
