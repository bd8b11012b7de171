import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import { decodeHello, encodeHello, type Hello } from '../../../lib/wire/mod.ts'

const VALUE: Hello = {
  signingPublic: new Uint8Array(32).fill(0x11),
  incarnation: new Uint8Array(8).fill(0x22),
  meshId: new Uint8Array(16).fill(0x33),
  isPristine: true,
  isUnused: true,
  version: 1,
  port: 6783,
  capabilities: 5,
  peersKnown: 3,
  nickname: 'ada',
  software: '0.1.0',
}
const GOLDEN =
  '11'.repeat(32) + '22'.repeat(8) + '33'.repeat(16) + '03017f1a050000000300' + '0300616461' + '0500302e312e30'

t.test('writes the golden bytes and reads them back', t => {
  t.equal(toHex(encodeHello(VALUE)), GOLDEN)
  t.same(decodeHello(encodeHello(VALUE)), VALUE)
  t.end()
})

t.test('reads what it wrote, whatever the fields', t => {
  const label = (max: number) => fc.string({ maxLength: max }).filter(text => /^[\u0020-\u007e]*$/.test(text))
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 65_535 }),
      fc.nat(0xffff_ffff),
      fc.nat(0xffff),
      label(63),
      label(32),
      (signingPublic, isPristine, isUnused, port, capabilities, peersKnown, nickname, software) => {
        const flags = { isPristine, isUnused }
        const value = { ...VALUE, ...flags, signingPublic, port, capabilities, peersKnown, nickname, software }
        t.same(decodeHello(encodeHello(value)), value)
      },
    ),
  )
  t.end()
})

t.test('ignores what a later version appends', t => {
  t.same(decodeHello(Uint8Array.of(...encodeHello(VALUE), 9, 9, 9)), VALUE)
  t.end()
})

t.test('drops every truncation, port 0, and labels that are too long or no UTF-8', t => {
  const good = encodeHello(VALUE)
  for (let length = 0; length < good.length; length++)
    t.ok(isDrop(decodeHello(good.subarray(0, length))), `${length} bytes`)
  t.ok(isDrop(decodeHello(encodeHello({ ...VALUE, port: 0 }))))
  t.ok(isDrop(decodeHello(encodeHello({ ...VALUE, nickname: 'x'.repeat(64) }))))
  t.ok(isDrop(decodeHello(encodeHello({ ...VALUE, software: 'x'.repeat(64) }))))
  const broken = good.slice()
  broken[good.length - 1] = 0xff
  t.ok(isDrop(decodeHello(broken)))
  t.end()
})

t.test('shows no control characters of a foreign nickname', t => {
  const hello = decodeHello(encodeHello({ ...VALUE, nickname: 'a\u001b[31m\u0007\u009bb' }))
  t.ok(!isDrop(hello) && hello.nickname === 'a?[31m??b')
  t.end()
})

t.test('never throws on any bytes, nor on a good hello with a byte changed', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void decodeHello(bytes)))
  const good = encodeHello(VALUE)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
      const result = decodeHello(good.map((byte, i) => (i === at ? value : byte)))
      if (!isDrop(result)) t.ok(result.nickname.length <= 63 && result.port > 0)
    }),
  )
  t.end()
})
