import { concatBytes, equalBytes } from '../../lib/base/mod.ts'
import type { CryptoSuite } from '../../lib/crypto/mod.ts'
import { nodeSuite } from '../../lib/io/node-suite.ts'
import { fakeSuite } from './fake-suite.ts'
import { SimMemo } from './sim-memo.ts'
import { SimSecrets } from './sim-secrets.ts'

/** Enough for every live record of a thousand peers, and what is on its way to be one. */
const VERIFIED_MAX = 100_000
const SECRETS_MAX = 10_000
/** A signature's first half is a point that was drawn for it: its beginning names it, and all of it is compared then. */
const SIGNATURE_NAME_BYTES = 16

interface Verified {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
  readonly isTrue: boolean
}

/** The true suite, which remembers results that every peer of a simulated mesh would compute again. */
export function memoisedSuite(secrets = new SimSecrets()): CryptoSuite {
  const suite = nodeSuite()
  const verified = new SimMemo<Verified>(VERIFIED_MAX)
  const converted = new SimMemo<{ readonly key: Uint8Array | undefined }>(SECRETS_MAX)
  return {
    ...suite,
    verify(publicKey, message, signature) {
      const name = nameOf(signature.subarray(0, SIGNATURE_NAME_BYTES))
      const known = verified.find(name)
      if (
        known !== undefined &&
        equalBytes(known.signature, signature) &&
        equalBytes(known.message, message) &&
        equalBytes(known.publicKey, publicKey)
      )
        return known.isTrue
      const isTrue = suite.verify(publicKey, message, signature)
      // Copies: whoever asked may write into its buffers again.
      const entry = { publicKey: publicKey.slice(), message: message.slice(), signature: signature.slice(), isTrue }
      verified.set(name, entry)
      return isTrue
    },
    exchangeKey: secret => secrets.remembering(suite.exchangeKey(secret)),
    exchangePublicKey: signingPublic =>
      converted.get(nameOf(signingPublic), () => ({ key: suite.exchangePublicKey(signingPublic) })).key,
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

/** Bytes as a map's key: the cheapest text that holds them all. */
function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The same without curves, for as many meshes as can be: whoever knows a public key can do what its secret is for. */
export function toySuite(suite: CryptoSuite): CryptoSuite {
  const { signingPublicKey, sign, verify } = fakeSuite
  const exchangePublicOf = (secret: Uint8Array) => fakeSuite.hash(secret).slice()
  const exchange = (own: Uint8Array, other: Uint8Array) => {
    const [one, two] = Buffer.compare(own, other) < 0 ? [own, other] : [other, own]
    return fakeSuite.hash(concatBytes(one, two)).slice()
  }
  return {
    ...lightSuite(suite),
    hash: (data, length = 32) => fakeSuite.hash(data, length).slice(),
    signingPublicKey: seed => signingPublicKey(seed).slice(),
    signer(seed) {
      const own = seed.slice()
      return { publicKey: signingPublicKey(own).slice(), sign: message => sign(own, message) }
    },
    sign,
    verify,
    // The secret of an identity follows from its public key: so both sides agree on what they exchange.
    exchangeSecret: seed => signingPublicKey(seed).slice(),
    exchangePublicKey: exchangePublicOf,
    exchangeKey(secret) {
      const publicKey = exchangePublicOf(secret)
      return { publicKey, exchange: other => exchange(publicKey, other) }
    },
    exchangePublicOf,
    exchange: (secret, other) => exchange(exchangePublicOf(secret), other),
  }
}
