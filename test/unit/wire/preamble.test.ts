import t from 'tap'
import fc from 'fast-check'
import { fromHex, isDrop, toHex } from '../../../lib/base/mod.ts'
import { PREAMBLE_BYTES, couldBePreamble, decodePreamble, encodePreamble } from '../../../lib/wire/mod.ts'

const GOLDEN = '77656176652d747301020000a1b2c3d4'
const VALUE = { versionMin: 1, versionMax: 2, secretHint: Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4) }

t.test('writes the golden bytes and reads them back', t => {
  t.equal(toHex(encodePreamble(VALUE)), GOLDEN)
  t.same(decodePreamble(fromHex(GOLDEN)!), VALUE)
  t.end()
})

t.test('reads what it wrote', t => {
  fc.assert(
    fc.property(fc.nat(255), fc.nat(255), fc.uint8Array({ minLength: 4, maxLength: 4 }), (a, b, secretHint) => {
      const value = { versionMin: Math.min(a, b), versionMax: Math.max(a, b), secretHint }
      t.same(decodePreamble(encodePreamble(value)), value)
    }),
  )
  t.end()
})

t.test('drops another length, another magic and an empty version range, each by its reason', t => {
  const good = fromHex(GOLDEN)!
  const reasonOf = (bytes: Uint8Array) => {
    const result = decodePreamble(bytes)
    return isDrop(result) ? result.reason : 'accepted'
  }
  t.equal(reasonOf(good.subarray(0, 15)), 'preamble-length')
  t.equal(reasonOf(Uint8Array.of(...good, 0)), 'preamble-length')
  t.equal(reasonOf(good.map((byte, at) => (at === 3 ? byte ^ 1 : byte))), 'preamble-magic')
  t.equal(reasonOf(good.map((byte, at) => (at === 8 ? 3 : byte))), 'preamble-version')
  t.end()
})

t.test('turns foreign protocols away with their first wrong byte, and no prefix of its own', t => {
  const good = fromHex(GOLDEN)!
  for (let length = 0; length <= PREAMBLE_BYTES; length++) t.ok(couldBePreamble(good.subarray(0, length)))
  t.notOk(couldBePreamble(new TextEncoder().encode('GET / HTTP/1.1')))
  t.notOk(couldBePreamble(Uint8Array.of(0x77, 0x65, 0x16)))
  t.end()
})

t.test('never throws on any bytes', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      decodePreamble(bytes)
      couldBePreamble(bytes)
    }),
  )
  t.end()
})
