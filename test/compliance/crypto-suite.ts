import fc from 'fast-check'
import type { Test } from 'tap'
import type { CryptoSuite } from '../../lib/crypto/suite.ts'
import { hex, loadVectors } from '../vectors/load.ts'

interface Primitives {
  ed25519: { cases: { seed: string; publicKey: string; message: string; signature: string }[] }
  x25519: {
    cases: { secret: string; publicKey: string; shared: string }[]
    publicKeys: { secret: string; publicKey: string }[]
  }
  chacha20poly1305: {
    cases: { key: string; nonce: string; associated: string; plaintextText: string; sealed: string }[]
  }
  blake2b: { cases: { message: string; digest: string }[] }
  hkdf: { cases: { secret: string; salt: string; info: string; derived: string }[] }
}

/** Canonical encodings of Ed25519 points of small order, and encodings that are not canonical. */
const BAD_SIGNING_KEYS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]

const BAD_EXCHANGE_KEYS = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

function addGroupOrder(scalar: Uint8Array): Uint8Array {
  let value = GROUP_ORDER
  scalar.forEach((byte, i) => (value += BigInt(byte) << BigInt(8 * i)))
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[(bit >> 3) % copy.length]! ^= 1 << (bit & 7)
  return copy
}

/** What every implementation of the seam must do. */
export function cryptoSuiteCompliance(t: Test, suite: CryptoSuite): void {
  const vectors = loadVectors<Primitives>('primitives.json')
  const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

  t.test('Ed25519 gives the keys and signatures of RFC 8032', async t => {
    for (const { seed, publicKey, message, signature } of vectors.ed25519.cases) {
      t.strictSame(suite.signingPublicKey(hex(seed)), hex(publicKey))
      t.strictSame(suite.sign(hex(seed), hex(message)), hex(signature))
      t.equal(suite.verify(hex(publicKey), hex(message), hex(signature)), true)
    }
  })

  t.test('a signature with any bit of it or of the message flipped is refused', async t => {
    const { seed, publicKey } = vectors.ed25519.cases[0]!
    const message = new Uint8Array(40).fill(7)
    const signature = suite.sign(hex(seed), message)
    for (let bit = 0; bit < 512; bit += 5) {
      t.equal(suite.verify(hex(publicKey), message, flipped(signature, bit)), false)
    }
    t.equal(suite.verify(hex(publicKey), flipped(message, 3), signature), false)
  })

  t.test('a signature with S above the group order is refused', async t => {
    const { publicKey, message, signature } = vectors.ed25519.cases[0]!
    const s = hex(signature)
    s.set(addGroupOrder(s.subarray(32)), 32)
    t.equal(suite.verify(hex(publicKey), hex(message), s), false)
  })

  t.test('keys and R of small order or of no canonical encoding verify nothing', async t => {
    for (const bad of BAD_SIGNING_KEYS) {
      // With A of order dividing 8, [S]B = R + [h]A is solved by S = 0 and R in the small subgroup.
      for (const r of BAD_SIGNING_KEYS) {
        const signature = new Uint8Array(64)
        signature.set(hex(r))
        t.equal(suite.verify(hex(bad), hex('00'), signature), false)
      }
      t.equal(suite.exchangePublicKey(hex(bad)), undefined)
    }
  })

  t.test('verify never throws', async t => {
    const any = fc.uint8Array({ maxLength: 70 })
    fc.assert(
      fc.property(any, any, any, (publicKey, message, signature) => !suite.verify(publicKey, message, signature)),
    )
    fc.assert(
      fc.property(key32, any, fc.uint8Array({ minLength: 64, maxLength: 64 }), (publicKey, message, signature) => {
        return !suite.verify(publicKey, message, signature)
      }),
    )
    t.pass()
  })

  t.test('a public key that is no point on the curve has no exchange key', async t => {
    t.equal(suite.exchangePublicKey(hex('02'.padEnd(64, '0'))), undefined)
    t.equal(suite.exchangePublicKey(new Uint8Array(31)), undefined)
    t.equal(suite.exchangePublicKey(new Uint8Array(33)), undefined)
  })

  t.test('X25519 gives the results of RFC 7748', async t => {
    for (const { secret, publicKey, shared } of vectors.x25519.cases) {
      t.strictSame(suite.exchange(hex(secret), hex(publicKey)), hex(shared))
    }
    for (const { secret, publicKey } of vectors.x25519.publicKeys) {
      t.strictSame(suite.exchangePublicOf(hex(secret)), hex(publicKey))
    }
  })

  t.test('a key made ready gives what the secret gives, also after the secret was wiped', async t => {
    const { seed, publicKey, message, signature } = vectors.ed25519.cases[0]!
    const held = hex(seed)
    const signer = suite.signer(held)
    held.fill(0)
    t.strictSame(signer.publicKey, hex(publicKey))
    for (let i = 0; i < 2; i++) t.strictSame(signer.sign(hex(message)), hex(signature))
    for (const { secret, publicKey: remote, shared } of vectors.x25519.cases) {
      const raw = hex(secret)
      const key = suite.exchangeKey(raw)
      t.strictSame(key.publicKey, suite.exchangePublicOf(raw))
      raw.fill(0)
      for (let i = 0; i < 2; i++) t.strictSame(key.exchange(hex(remote)), hex(shared))
      for (const bad of BAD_EXCHANGE_KEYS) t.equal(key.exchange(hex(bad)), undefined)
    }
  })

  t.test('an exchange that would give zero, or with a key of a wrong length, is refused', async t => {
    const secret = new Uint8Array(32).fill(9)
    for (const bad of BAD_EXCHANGE_KEYS) t.equal(suite.exchange(secret, hex(bad)), undefined)
    t.equal(suite.exchange(secret, new Uint8Array(31).fill(9)), undefined)
    t.equal(suite.exchange(secret, new Uint8Array(0)), undefined)
  })

  t.test('the exchange keys converted from both halves of a signing key belong together', async t => {
    fc.assert(
      fc.property(key32, seed => {
        const secret = suite.exchangeSecret(seed)
        t.strictSame(suite.exchangePublicKey(suite.signingPublicKey(seed)), suite.exchangePublicOf(secret))
      }),
      { numRuns: 10 },
    )
  })

  t.test('ChaCha20-Poly1305 gives the result of RFC 8439', async t => {
    for (const { key, nonce, associated, plaintextText, sealed } of vectors.chacha20poly1305.cases) {
      const plaintext = new TextEncoder().encode(plaintextText)
      t.strictSame(suite.seal(hex(key), hex(nonce), plaintext, hex(associated)), hex(sealed))
      t.strictSame(suite.open(hex(key), hex(nonce), hex(sealed), hex(associated)), plaintext)
    }
  })

  t.test('what was sealed opens, and with any bit flipped does not', async t => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const nonceOf = fc.uint8Array({ minLength: 12, maxLength: 12 })
    fc.assert(
      fc.property(key32, nonceOf, bytes, bytes, fc.nat(), (key, nonce, plaintext, associated, bit) => {
        const sealed = suite.seal(key, nonce, plaintext, associated)
        t.equal(sealed.length, plaintext.length + 16)
        t.strictSame(suite.open(key, nonce, sealed, associated), plaintext)
        t.equal(suite.open(key, nonce, flipped(sealed, bit % (8 * sealed.length)), associated), undefined)
        t.equal(suite.open(key, nonce, sealed.subarray(0, sealed.length - 1), associated), undefined)
        if (associated.length > 0) t.equal(suite.open(key, nonce, sealed, flipped(associated, bit)), undefined)
      }),
      { numRuns: 40 },
    )
    t.equal(suite.open(new Uint8Array(32), new Uint8Array(12), new Uint8Array(15), new Uint8Array(0)), undefined)
  })

  t.test('BLAKE2b gives the digests of RFC 7693, and of 32 bytes no prefix of the one of 64', async t => {
    for (const { message, digest } of vectors.blake2b.cases) {
      t.strictSame(suite.hash(hex(message), digest.length / 2), hex(digest))
    }
    t.equal(suite.hash(new Uint8Array(0)).length, 64)
    t.notSame(suite.hash(hex('616263')).slice(0, 32), suite.hash(hex('616263'), 32))
  })

  t.test('HKDF-SHA256 gives the results of RFC 5869', async t => {
    for (const { secret, salt, info, derived } of vectors.hkdf.cases) {
      t.strictSame(suite.derive(hex(secret), hex(salt), hex(info), derived.length / 2), hex(derived))
    }
  })
}

/** What two implementations must agree on. */
export function cryptoSuitesAgree(t: Test, a: CryptoSuite, b: CryptoSuite): void {
  const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const bytes = fc.uint8Array({ maxLength: 300 })

  t.test('both suites compute the same keys, signatures and secrets', async t => {
    fc.assert(
      fc.property(key32, key32, bytes, (seed, other, message) => {
        t.strictSame(a.signingPublicKey(seed), b.signingPublicKey(seed))
        t.strictSame(a.sign(seed, message), b.sign(seed, message))
        t.strictSame(a.exchangeSecret(seed), b.exchangeSecret(seed))
        t.strictSame(a.exchange(seed, other), b.exchange(seed, other))
        t.strictSame(a.exchangePublicOf(seed), b.exchangePublicOf(seed))
        t.equal(b.verify(a.signingPublicKey(seed), message, a.sign(seed, message)), true)
      }),
      { numRuns: 15 },
    )
  })

  t.test('both suites compute the same hashes, derived keys and ciphertexts', async t => {
    fc.assert(
      fc.property(key32, bytes, bytes, fc.integer({ min: 1, max: 64 }), (key, data, more, length) => {
        t.strictSame(a.hash(data, length), b.hash(data, length))
        t.strictSame(a.derive(key, data, more, length), b.derive(key, data, more, length))
        t.strictSame(a.seal(key, key.slice(0, 12), data, more), b.seal(key, key.slice(0, 12), data, more))
      }),
      { numRuns: 40 },
    )
  })
}
