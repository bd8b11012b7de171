import fc from 'fast-check'
import t from 'tap'
import { fromBase32, toBase32, utf8 } from '../../../lib/base/mod.ts'

/** RFC 4648 §10, in lower case and without padding. */
const VECTORS = [
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
] as const

for (const [text, base32] of VECTORS) {
  t.test(`writes and reads the vector "${text}" of RFC 4648`, t => {
    t.equal(toBase32(utf8(text)), base32)
    t.strictSame(fromBase32(base32), utf8(text))
    t.end()
  })
}

t.test('reads back what it wrote', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => Buffer.from(fromBase32(toBase32(bytes))!).equals(bytes)),
  )
})

t.test('each value has one text only', async () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'abcxyz234567A1 '), maxLength: 30 }), text => {
      const bytes = fromBase32(text)
      return bytes === undefined || toBase32(bytes) === text
    }),
  )
})

for (const text of ['a', 'mzx', 'mzxw6y', 'MY', 'my======', 'm1', 'mz', 'my\n']) {
  t.test(`refuses ${JSON.stringify(text)}`, t => {
    t.equal(fromBase32(text), undefined)
    t.end()
  })
}
