import t from 'tap'
import fc from 'fast-check'
import { endpointOf } from '../../../lib/address/mod.ts'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import {
  decodeCheckBody,
  decodeCheckedBody,
  encodeCheckBody,
  encodeCheckedBody,
  type CheckResult,
} from '../../../lib/wire/mod.ts'

const ENDPOINT = endpointOf(Uint8Array.of(192, 0, 2, 1), 6783)
const RESULTS: readonly [CheckResult, string][] = [
  [{ subject: 'clock', timeMs: 0x0102_0304_0506 }, '04030201010605040302010000'],
  [{ subject: 'dialBack', endpoint: ENDPOINT, why: undefined }, '040302010204c00002017f1a0000'],
  [{ subject: 'dialBack', endpoint: ENDPOINT, why: 'no' }, '040302010204c00002017f1a02006e6f'],
]

t.test('writes the golden bytes, and reads them back', t => {
  t.equal(toHex(encodeCheckBody({ token: 0x0102_0304, subject: 'clock' })), '0403020101')
  t.equal(toHex(encodeCheckBody({ token: 0x0102_0304, subject: 'dialBack' })), '0403020102')
  for (const subject of ['clock', 'dialBack'] as const)
    t.same(decodeCheckBody(encodeCheckBody({ token: 7, subject })), { token: 7, subject })
  for (const [result, golden] of RESULTS) {
    const bytes = encodeCheckedBody(0x0102_0304, result)
    t.equal(toHex(bytes), golden)
    t.same(decodeCheckedBody(bytes), { token: 0x0102_0304, result })
  }
  t.end()
})

t.test('drops what is cut off, an unknown subject, and an endpoint that is none', t => {
  const reason = 'check-malformed'
  for (const [result] of RESULTS) {
    const bytes = encodeCheckedBody(1, result)
    for (let length = 0; length < bytes.length; length++)
      t.match(decodeCheckedBody(bytes.subarray(0, length)), { reason })
  }
  const check = encodeCheckBody({ token: 1, subject: 'clock' })
  for (let length = 0; length < check.length; length++) t.match(decodeCheckBody(check.subarray(0, length)), { reason })
  t.match(decodeCheckBody(Uint8Array.of(1, 0, 0, 0, 3)), { reason })
  t.match(decodeCheckedBody(Uint8Array.of(1, 0, 0, 0, 3, 0, 0, 0)), { reason })
  t.match(decodeCheckedBody(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0)), { reason }, 'no endpoint')
  t.end()
})

t.test('cuts a reason to what the other side reads, and never throws on any bytes', t => {
  const long = decodeCheckedBody(
    encodeCheckedBody(1, { subject: 'dialBack', endpoint: ENDPOINT, why: 'x'.repeat(900) }),
  )
  t.match(long, { result: { why: 'x'.repeat(100) } })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      decodeCheckBody(bytes)
      const checked = decodeCheckedBody(bytes)
      if (!isDrop(checked) && checked.result.subject === 'clock') t.ok(Number.isSafeInteger(checked.result.timeMs))
    }),
  )
  t.end()
})
