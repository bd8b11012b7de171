import fc from 'fast-check'
import t from 'tap'
import { isDrop, type Entropy } from '../../../lib/base/mod.ts'
import { stablelibSuite as suite } from '../../../lib/crypto/mod.ts'
import { LinkCipher, NoiseHandshake, type NoisePattern } from '../../../lib/noise/mod.ts'
import { counterNonce } from '../../../lib/noise/link-cipher.ts'
import { hex, loadVectors } from '../../vectors/load.ts'
import { encrypt, referenceHandshake } from './noise-reference.ts'

interface Vector {
  name: string
  source: string
  prologue: string
  psk?: string
  initStatic: string
  initEphemeral: string
  respStatic: string
  respEphemeral: string
  handshakeHash?: string
  /** The handshake's, then transport messages, the initiator's first; only those can have associated data. */
  messages: { payload: string; ciphertext: string; associated?: string }[]
}

const vectors = loadVectors<{ complete: Vector[]; reference: Vector[] }>('noise.json')
const NOTHING = new Uint8Array(0)

function fixed(bytes: Uint8Array): Entropy {
  return { bytes: () => bytes.slice() }
}

interface Ends {
  initiator: NoiseHandshake
  responder: NoiseHandshake
}

function ends(pattern: NoisePattern, keys: Omit<Vector, 'messages' | 'source' | 'name'>): Ends {
  const common = {
    pattern,
    suite,
    prologue: hex(keys.prologue),
    ...(keys.psk === undefined ? {} : { psk: hex(keys.psk) }),
  }
  const remote = pattern === 'IK' ? { remoteStatic: suite.exchangePublicOf(hex(keys.respStatic)) } : {}
  return {
    initiator: new NoiseHandshake({
      ...common,
      ...remote,
      role: 'initiator',
      entropy: fixed(hex(keys.initEphemeral)),
      staticKey: suite.exchangeKey(hex(keys.initStatic)),
    }),
    responder: new NoiseHandshake({
      ...common,
      role: 'responder',
      entropy: fixed(hex(keys.respEphemeral)),
      staticKey: suite.exchangeKey(hex(keys.respStatic)),
    }),
  }
}

function referenceOf(vector: Vector): ReturnType<typeof referenceHandshake> {
  return referenceHandshake({
    name: vector.name,
    prologue: hex(vector.prologue),
    ...(vector.psk === undefined ? {} : { psk: hex(vector.psk) }),
    initStatic: hex(vector.initStatic),
    initEphemeral: hex(vector.initEphemeral),
    respStatic: hex(vector.respStatic),
    respEphemeral: hex(vector.respEphemeral),
    payloads: vector.messages.map(message => hex(message.payload)),
  })
}

const LINK = {
  prologue: '6c696e6b',
  psk: '11'.repeat(32),
  initStatic: '22'.repeat(32),
  initEphemeral: '33'.repeat(32),
  respStatic: '44'.repeat(32),
  respEphemeral: '55'.repeat(32),
}

const { psk: _, ...withoutSecret } = LINK

for (const vector of vectors.complete) {
  t.test(`${vector.name} gives the bytes published by ${vector.source}`, async t => {
    const pattern: NoisePattern = vector.psk === undefined ? 'IK' : 'XXpsk0'
    const { initiator, responder } = ends(pattern, vector)
    const both = [initiator, responder] as const
    const handshakeCount = pattern === 'IK' ? 2 : 3
    vector.messages.slice(0, handshakeCount).forEach(({ payload, ciphertext }, i) => {
      t.strictSame(both[i % 2]!.write(hex(payload)), hex(ciphertext))
      t.strictSame(both[1 - (i % 2)]!.read(hex(ciphertext)), hex(payload))
    })
    for (const end of both) t.strictSame(end.result().handshakeHash, hex(vector.handshakeHash!))
    t.strictSame(initiator.result().remoteStatic, suite.exchangePublicOf(hex(vector.respStatic)))
    t.strictSame(responder.result().remoteStatic, suite.exchangePublicOf(hex(vector.initStatic)))
    const ciphers = both.map(end => new LinkCipher({ suite, ...end.result() }))
    vector.messages.slice(handshakeCount).forEach(({ payload, ciphertext, associated }, i) => {
      const [from, to] = [i % 2, 1 - (i % 2)] as const
      if (associated === undefined) {
        t.strictSame(ciphers[from]!.seal(hex(payload)), hex(ciphertext))
        t.strictSame(ciphers[to]!.open(hex(ciphertext)), hex(payload))
      } else {
        // LinkCipher has no associated data, so the keys are tried by themselves.
        const nonce = counterNonce(Math.floor(i / 2))
        const [{ sendKey }, { receiveKey }] = [both[from]!.result(), both[to]!.result()]
        t.strictSame(suite.seal(sendKey, nonce, hex(payload), hex(associated)), hex(ciphertext))
        t.strictSame(suite.open(receiveKey, nonce, hex(ciphertext), hex(associated)), hex(payload))
      }
    })
  })
}

t.test('a published vector of each pattern was tried', async t => {
  const names = new Set(vectors.complete.map(vector => vector.name))
  t.strictSame([...names].sort(), ['Noise_IK_25519_ChaChaPoly_BLAKE2b', 'Noise_XXpsk0_25519_ChaChaPoly_BLAKE2b'])
})

for (const vector of [...vectors.reference, ...vectors.complete]) {
  t.test(`the reference model gives the bytes of ${vector.name} published by ${vector.source}`, async t => {
    const made = referenceOf(vector)
    made.messages.forEach((message, i) => t.strictSame(message, hex(vector.messages[i]!.ciphertext)))
    if (vector.handshakeHash !== undefined) t.strictSame(made.handshakeHash, hex(vector.handshakeHash))
    const cipher = vector.name.split('_')[3]!
    // Transport messages alternate and begin with the initiator's in all these vectors.
    vector.messages.slice(made.messages.length).forEach(({ payload, ciphertext, associated = '' }, i) => {
      const key = i % 2 === 0 ? made.initiatorKey : made.responderKey
      t.strictSame(encrypt(cipher, key, Math.floor(i / 2), hex(associated), hex(payload)), hex(ciphertext))
    })
  })
}

t.test('XXpsk0 and IK with ChaChaPoly and BLAKE2b give the bytes of the reference model', async t => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const bytes = fc.uint8Array({ maxLength: 100 })
  fc.assert(
    fc.property(
      fc.constantFrom<NoisePattern>('XXpsk0', 'IK'),
      fc.tuple(key, key, key, key, key),
      bytes,
      fc.tuple(bytes, bytes, bytes),
      (pattern, [psk, initStatic, initEphemeral, respStatic, respEphemeral], prologue, payloads) => {
        const secret = pattern === 'IK' ? {} : { psk }
        const expected = referenceHandshake({
          name: `Noise_${pattern}_25519_ChaChaPoly_BLAKE2b`,
          ...{ prologue, initStatic, initEphemeral, respStatic, respEphemeral, payloads, ...secret },
        })
        const common = { pattern, suite, prologue, ...secret }
        const remote = pattern === 'IK' ? { remoteStatic: suite.exchangePublicOf(respStatic) } : {}
        const both = [
          new NoiseHandshake({
            ...{ ...common, ...remote, role: 'initiator' as const },
            ...{ entropy: fixed(initEphemeral), staticKey: suite.exchangeKey(initStatic) },
          }),
          new NoiseHandshake({
            ...{ ...common, role: 'responder' as const },
            ...{ entropy: fixed(respEphemeral), staticKey: suite.exchangeKey(respStatic) },
          }),
        ] as const
        expected.messages.forEach((message, i) => {
          t.strictSame(both[i % 2]!.write(payloads[i]!), message)
          t.strictSame(both[1 - (i % 2)]!.read(message), payloads[i])
        })
        for (const end of both) t.strictSame(end.result().handshakeHash, expected.handshakeHash)
        t.strictSame(both[0].result().sendKey, expected.initiatorKey)
        t.strictSame(both[0].result().receiveKey, expected.responderKey)
        t.strictSame(both[1].result().sendKey, expected.responderKey)
        t.strictSame(both[1].result().receiveKey, expected.initiatorKey)
      },
    ),
    { numRuns: 12 },
  )
})

t.test('a stranger without the secret is refused at the first message', async t => {
  const { initiator } = ends('XXpsk0', LINK)
  const { responder } = ends('XXpsk0', { ...LINK, psk: '12'.repeat(32) })
  t.match(responder.read(initiator.write(NOTHING)), { reason: 'handshake-auth' })
})

t.test('another prologue is refused', async t => {
  const { initiator } = ends('XXpsk0', LINK)
  const { responder } = ends('XXpsk0', { ...LINK, prologue: '00' })
  t.match(responder.read(initiator.write(NOTHING)), { reason: 'handshake-auth' })
})

t.test('forged messages do not spoil a handshake, and the callers bytes stay as they are', async t => {
  const { initiator, responder } = ends('XXpsk0', LINK)
  const passed: [Uint8Array, Uint8Array][] = []
  const exchange = (from: NoiseHandshake, to: NoiseHandshake): void => {
    const message = from.write(hex('abcd'))
    for (const at of [0, 31, 32, message.length - 1]) {
      const forged = message.slice()
      forged[at]! ^= 1
      t.match(to.read(forged), { reason: 'handshake-auth' })
    }
    t.match(to.read(message.subarray(0, 40)), { reason: 'handshake-short' })
    const kept = message.slice()
    t.strictSame(to.read(message), hex('abcd'))
    passed.push([message, kept])
  }
  exchange(initiator, responder)
  exchange(responder, initiator)
  exchange(initiator, responder)
  t.strictSame(initiator.result().sendKey, responder.result().receiveKey)
  t.strictSame(initiator.result().receiveKey, responder.result().sendKey)
  t.notSame(initiator.result().sendKey, initiator.result().receiveKey)
  for (const [message, kept] of passed) t.strictSame(message, kept)
})

t.test('keys of small order are refused before anything is answered', async t => {
  const { responder } = ends('XXpsk0', LINK)
  t.match(responder.read(new Uint8Array(48)), { reason: 'handshake-key' })
  const one = new Uint8Array(48)
  one[0] = 1
  t.match(responder.read(one), { reason: 'handshake-key' })
})

t.test('messages out of order are dropped when foreign, and a bug when ours', async t => {
  const { initiator, responder } = ends('XXpsk0', LINK)
  t.match(initiator.read(new Uint8Array(100)), { reason: 'handshake-order' })
  t.throws(() => responder.write(NOTHING), { name: 'AssertionError' })
  t.throws(() => initiator.result(), { name: 'AssertionError' })
  t.match(responder.read(new Uint8Array(70_000).fill(5)), { reason: 'handshake-long' })
})

t.test('missing or needless keys are a bug of ours', async t => {
  const staticKey = suite.exchangeKey(new Uint8Array(32))
  const base = { suite, entropy: fixed(new Uint8Array(32)), staticKey, prologue: NOTHING }
  const throws = (make: () => unknown): void => void t.throws(make, { name: 'AssertionError' })
  throws(() => new NoiseHandshake({ ...base, pattern: 'XXpsk0', role: 'initiator' }))
  throws(() => new NoiseHandshake({ ...base, pattern: 'XXpsk0', role: 'responder', psk: new Uint8Array(31) }))
  throws(() => new NoiseHandshake({ ...base, pattern: 'IK', role: 'initiator' }))
  throws(() => new NoiseHandshake({ ...base, pattern: 'IK', role: 'initiator', remoteStatic: new Uint8Array(32) }))
  throws(() => new NoiseHandshake({ ...base, pattern: 'IK', role: 'responder', psk: new Uint8Array(32) }))
})

t.test('no bytes make a read throw', async t => {
  const first = ends('IK', withoutSecret)
  const second = ends('XXpsk0', LINK)
  const third = ends('XXpsk0', LINK)
  third.initiator.write(NOTHING)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const end of [first.responder, second.responder, third.initiator]) t.ok(isDrop(end.read(bytes)))
    }),
    { numRuns: 60 },
  )
})
