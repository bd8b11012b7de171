import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import {
  CONTROL_HANDSHAKE_BYTES_MAX,
  PORT_MAPPING,
  RENDEZVOUS_ENDPOINTS_MAX,
  decodeControl,
  encodeControlHandshake,
  encodePathEnd,
  encodeProbe,
  encodeProbeReply,
  encodeRendezvous,
} from '../../../lib/wire/mod.ts'

t.test('writes the golden bytes of a probe and of a reply, and reads them back', t => {
  t.equal(toHex(encodeProbe(0xdead_beef)), '01efbeadde')
  t.equal(toHex(encodeProbeReply(7, '192.0.2.7:6783')), '02070000000e003139322e302e322e373a36373833')
  t.same(decodeControl(encodeProbe(0xdead_beef)), { type: 'probe', token: 0xdead_beef })
  t.same(decodeControl(encodeProbeReply(7, '192.0.2.7:6783')), {
    type: 'probe-reply',
    token: 7,
    seenEndpoint: '192.0.2.7:6783',
  })
  t.end()
})

t.test('writes the golden byte of the end of a path, and reads it, whatever follows', t => {
  t.equal(toHex(encodePathEnd()), '03')
  t.same(decodeControl(encodePathEnd()), { type: 'path-end' })
  t.same(decodeControl(Uint8Array.of(3, 9, 9)), { type: 'path-end' })
  t.end()
})

t.test('writes the golden bytes of a session handshake, and reads any that is not empty and not too long', t => {
  t.equal(toHex(encodeControlHandshake(Uint8Array.of(1, 2, 3))), '06010203')
  const of = (length: number) => decodeControl(encodeControlHandshake(new Uint8Array(length).fill(9)))
  t.same(of(1), { type: 'handshake', body: Uint8Array.of(9) })
  t.match(of(CONTROL_HANDSHAKE_BYTES_MAX), { type: 'handshake' })
  t.match(of(0), { reason: 'control-malformed' })
  t.match(of(CONTROL_HANDSHAKE_BYTES_MAX + 1), { reason: 'control-malformed' })
  t.end()
})

t.test('writes the golden bytes of a rendezvous, and reads them back', t => {
  const endpoints = ['192.0.2.7:6783', '[2001:db8::7]:40000'].map(text => parseEndpoint(text)!)
  const message = { isGo: true, mapping: PORT_MAPPING.varying, endpoints }
  const bytes = encodeRendezvous(message)
  t.equal(toHex(bytes), '0701030204c00002077f1a1020010db8000000000000000000000007409c')
  t.same(decodeControl(bytes), { type: 'rendezvous', ...message })
  const none = { isGo: false, mapping: PORT_MAPPING.unknown, endpoints: [] }
  t.equal(toHex(encodeRendezvous(none)), '07000000')
  t.same(decodeControl(encodeRendezvous(none)), { type: 'rendezvous', ...none })
  t.end()
})

t.test('drops a rendezvous that is cut off, has too many endpoints, or what is none', t => {
  const endpoint = parseEndpoint('192.0.2.7:6783')!
  const many = Array.from({ length: RENDEZVOUS_ENDPOINTS_MAX }, () => endpoint)
  const bytes = encodeRendezvous({ isGo: true, mapping: PORT_MAPPING.kept, endpoints: many })
  t.match(decodeControl(bytes), { endpoints: many })
  for (let length = 1; length < bytes.length; length++)
    t.match(decodeControl(bytes.subarray(0, length)), { reason: 'control-malformed' }, `${length} bytes`)
  t.match(decodeControl(Uint8Array.of(...bytes, 1, 2)), { endpoints: many }, 'what follows is ignored')
  const with9 = bytes.slice()
  with9[3] = RENDEZVOUS_ENDPOINTS_MAX + 1
  t.match(decodeControl(with9), { reason: 'control-malformed' })
  t.match(decodeControl(Uint8Array.of(7, 1, 1, 1, 4, 192, 0, 2, 7, 0, 0)), { reason: 'control-malformed' }, 'port 0')
  t.match(decodeControl(Uint8Array.of(7, 1, 1, 1, 5, 192, 0, 2, 7, 1, 1)), { reason: 'control-malformed' }, '5 bytes')
  t.match(decodeControl(Uint8Array.of(7, 1, 77, 0)), { mapping: PORT_MAPPING.unknown }, 'a mapping of later')
  t.end()
})

t.test('reads a probe with padding behind it', t => {
  t.same(decodeControl(Uint8Array.of(...encodeProbe(3), 0, 0, 0)), { type: 'probe', token: 3 })
  t.end()
})

t.test('drops what is empty, cut off, or holds too long an address, and names a kind that it does not know', t => {
  const reasonOf = (bytes: Uint8Array) => {
    const result = decodeControl(bytes)
    return isDrop(result) ? result.reason : result.type
  }
  t.equal(reasonOf(new Uint8Array(0)), 'control-empty')
  for (let length = 1; length < 5; length++) t.equal(reasonOf(encodeProbe(1).subarray(0, length)), 'control-malformed')
  const reply = encodeProbeReply(1, '192.0.2.7:6783')
  for (let length = 1; length < reply.length; length++)
    t.equal(reasonOf(reply.subarray(0, length)), 'control-malformed')
  t.equal(reasonOf(encodeProbeReply(1, 'x'.repeat(65))), 'control-malformed')
  t.equal(reasonOf(Uint8Array.of(77, 1, 2)), 'unknown')
  t.end()
})

t.test('never throws on any bytes', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), bytes => void decodeControl(bytes)))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), bytes => void decodeControl(Uint8Array.of(7, ...bytes))))
  t.end()
})
