import fc from 'fast-check'
import t from 'tap'
import { isDrop } from '../../../lib/base/mod.ts'
import {
  CIPHER_BIT,
  SESSION_MESSAGE_BYTES_MAX,
  decodeInitiationPayload,
  decodeResponsePayload,
  decodeSessionMessage,
  encodeInitiationPayload,
  encodeResponsePayload,
  encodeSessionMessage,
  type SessionCipher,
} from '../../../lib/noise/mod.ts'
import { hex } from '../../vectors/load.ts'

const INCARNATION = hex('a1a2a3a4a5a6a7a8')

t.test('messages have the golden bytes', async t => {
  const noise = hex('cafe')
  t.strictSame(
    encodeSessionMessage({ type: 'initiation', initiatorIndex: 0x01020304, noise }),
    hex('0100000004030201cafe'),
  )
  t.strictSame(encodeSessionMessage({ type: 'response', initiatorIndex: 9, noise }), hex('0200000009000000cafe'))
})

t.test('payloads have the golden bytes', async t => {
  const initiation = { receiverIndex: 5, ciphers: 3, sequence: 0x10, adopted: 0x0f, incarnation: INCARNATION }
  t.strictSame(encodeInitiationPayload(initiation), hex('0500000003000000100000000f000000a1a2a3a4a5a6a7a8'))
  const response = { receiverIndex: 6, cipher: 'aes-256-gcm' as const, incarnation: INCARNATION }
  t.strictSame(encodeResponsePayload(response), hex('0600000002000000a1a2a3a4a5a6a7a8'))
})

const u32 = fc.integer({ min: 1, max: 0xffff_ffff })
const bytes8 = fc.uint8Array({ minLength: 8, maxLength: 8 })

t.test('what was encoded decodes to the same, and trailing fields of later versions are ignored', async t => {
  const more = fc.uint8Array({ maxLength: 20 })
  fc.assert(
    fc.property(
      u32,
      u32,
      u32,
      fc.nat(255),
      bytes8,
      more,
      (receiverIndex, sequence, adopted, ciphers, incarnation, rest) => {
        const payload = { receiverIndex, ciphers, sequence, adopted, incarnation }
        t.strictSame(decodeInitiationPayload(new Uint8Array([...encodeInitiationPayload(payload), ...rest])), payload)
      },
    ),
  )
  fc.assert(
    fc.property(u32, fc.constantFrom(...(Object.keys(CIPHER_BIT) as SessionCipher[])), bytes8, more, (...drawn) => {
      const [receiverIndex, cipher, incarnation, rest] = drawn
      const payload = { receiverIndex, cipher, incarnation }
      t.strictSame(decodeResponsePayload(new Uint8Array([...encodeResponsePayload(payload), ...rest])), payload)
    }),
  )
  fc.assert(
    fc.property(
      fc.constantFrom('initiation' as const, 'response' as const),
      u32,
      more,
      (type, initiatorIndex, noise) => {
        const message = { type, initiatorIndex, noise }
        t.strictSame(decodeSessionMessage(encodeSessionMessage(message)), message)
      },
    ),
  )
})

t.test('malformed messages are dropped by name', async t => {
  t.match(decodeSessionMessage(hex('01000000010000')), { reason: 'session-short' })
  t.match(decodeSessionMessage(hex('0100000000000000')), { reason: 'session-malformed' })
  t.match(decodeSessionMessage(hex('0300000001000000')), { reason: 'session-type' })
  t.match(decodeSessionMessage(new Uint8Array(SESSION_MESSAGE_BYTES_MAX + 1)), { reason: 'session-long' })
  t.match(decodeInitiationPayload(hex('0000000003000000100000000f000000a1a2a3a4a5a6a7a8')), {
    reason: 'session-malformed',
  })
  t.match(decodeInitiationPayload(hex('0500000003000000000000000f000000a1a2a3a4a5a6a7a8')), {
    reason: 'session-malformed',
  })
  t.match(decodeResponsePayload(hex('0600000003000000a1a2a3a4a5a6a7a8')), { reason: 'session-cipher' })
})

t.test('no bytes make a decoder throw', async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), bytes => {
      for (const decode of [decodeSessionMessage, decodeInitiationPayload, decodeResponsePayload]) {
        const decoded = decode(bytes)
        t.ok(isDrop(decoded) || typeof decoded === 'object')
      }
    }),
    { numRuns: 300 },
  )
})
