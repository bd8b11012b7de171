import { createCipheriv, createHash, createHmac } from 'node:crypto'
import { concatBytes } from '../../../lib/base/mod.ts'
import { stablelibSuite } from '../../../lib/crypto/mod.ts'

/**
 * A Noise handshake written from the specification (revision 34, §5 and §9) and independent of the product's: it plays
 * both ends and gives the messages. It takes either cipher of the specification, because most published vectors of
 * XXpsk0 with BLAKE2b are for AES-GCM.
 */
export interface ReferenceInput {
  readonly name: string
  readonly prologue: Uint8Array
  readonly psk?: Uint8Array
  readonly initStatic: Uint8Array
  readonly initEphemeral: Uint8Array
  readonly respStatic: Uint8Array
  readonly respEphemeral: Uint8Array
  readonly payloads: readonly Uint8Array[]
}

export interface ReferenceOutput {
  readonly messages: readonly Uint8Array[]
  readonly handshakeHash: Uint8Array
  readonly initiatorKey: Uint8Array
  readonly responderKey: Uint8Array
}

const PATTERNS: Record<string, readonly (readonly string[])[]> = {
  XX: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']],
  XXpsk0: [
    ['psk', 'e'],
    ['e', 'ee', 's', 'es'],
    ['s', 'se'],
  ],
  IK: [
    ['e', 'es', 's', 'ss'],
    ['e', 'ee', 'se'],
  ],
}

function hash(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('blake2b512')
      .update(concatBytes(...parts))
      .digest(),
  )
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('blake2b512', key).update(data).digest())
}

function hkdf(chainingKey: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const temp = hmac(chainingKey, input)
  const first = hmac(temp, Uint8Array.of(1))
  const second = hmac(temp, concatBytes(first, Uint8Array.of(2)))
  return [first, second, hmac(temp, concatBytes(second, Uint8Array.of(3)))]
}

/** ENCRYPT of Noise §12.3 and §12.4 for counters below 256. */
export function encrypt(cipher: string, key: Uint8Array, n: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12)
  nonce[cipher === 'AESGCM' ? 11 : 4] = n
  const state =
    cipher === 'AESGCM'
      ? createCipheriv('aes-256-gcm', key, nonce)
      : createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
  state.setAAD(ad, { plaintextLength: plaintext.length })
  return concatBytes(state.update(plaintext), state.final(), state.getAuthTag())
}

export function referenceHandshake(input: ReferenceInput): ReferenceOutput {
  const [, patternName, , cipher] = input.name.split('_')
  const pattern = PATTERNS[patternName!]!
  const secrets = {
    initiator: { s: input.initStatic, e: input.initEphemeral },
    responder: { s: input.respStatic, e: input.respEphemeral },
  }
  const publicOf = (secret: Uint8Array): Uint8Array => stablelibSuite.exchangePublicOf(secret)

  let h = new Uint8Array(64)
  h.set(new TextEncoder().encode(input.name))
  let ck = h
  let key: Uint8Array | undefined
  let n = 0
  const mixHash = (data: Uint8Array): void => void (h = hash(h, data) as Uint8Array<ArrayBuffer>)
  const mixKey = (data: Uint8Array): void => {
    const [first, second] = hkdf(ck, data)
    ck = first as Uint8Array<ArrayBuffer>
    key = second.subarray(0, 32)
    n = 0
  }
  const encryptAndHash = (plaintext: Uint8Array): Uint8Array => {
    const ciphertext = key === undefined ? plaintext : encrypt(cipher!, key, n++, h, plaintext)
    mixHash(ciphertext)
    return ciphertext
  }

  mixHash(input.prologue)
  if (patternName === 'IK') mixHash(publicOf(input.respStatic))
  const messages = pattern.map((tokens, i) => {
    const own = i % 2 === 0 ? secrets.initiator : secrets.responder
    let message = new Uint8Array(0)
    const add = (part: Uint8Array): void => void (message = concatBytes(message, part) as Uint8Array<ArrayBuffer>)
    for (const token of tokens) {
      if (token === 'psk') {
        const [first, second, third] = hkdf(ck, input.psk!)
        ck = first as Uint8Array<ArrayBuffer>
        mixHash(second)
        key = third.subarray(0, 32)
        n = 0
      } else if (token === 'e') {
        add(publicOf(own.e))
        mixHash(publicOf(own.e))
        if (input.psk !== undefined) mixKey(publicOf(own.e))
      } else if (token === 's') {
        add(encryptAndHash(publicOf(own.s)))
      } else {
        // Two letters: the initiator's key, then the responder's.
        const initiator = token[0] === 's' ? input.initStatic : input.initEphemeral
        const responder = token[1] === 's' ? input.respStatic : input.respEphemeral
        mixKey(stablelibSuite.exchange(initiator, publicOf(responder))!)
      }
    }
    add(encryptAndHash(input.payloads[i]!))
    return message
  })
  const [initiatorKey, responderKey] = hkdf(ck, new Uint8Array(0))
  return {
    messages,
    handshakeHash: h,
    initiatorKey: initiatorKey.subarray(0, 32),
    responderKey: responderKey.subarray(0, 32),
  }
}
