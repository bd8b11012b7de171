import fc from 'fast-check'
import t from 'tap'
import { ByteReader, ByteWriter, concatBytes, equalBytes, fromHex, toHex, utf8 } from '../../../lib/base/mod.ts'

const field = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant('u64' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 400 }) }),
  fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'binary' }) }),
)

t.test('reads back every sequence of fields, and nothing is left', async () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 30 }), fc.integer({ min: 1, max: 300 }), (fields, capacity) => {
      const writer = new ByteWriter(capacity)
      for (const { kind, value } of fields) (writer[kind] as (value: unknown) => unknown).call(writer, value)
      const bytes = writer.finish()
      const reader = new ByteReader(bytes)
      const same = fields.every(({ kind, value }) => {
        const read = reader[kind]()
        return read instanceof Uint8Array ? equalBytes(read, value as Uint8Array) : read === value
      })
      return same && reader.done && bytes.length === writer.length
    }),
  )
})

t.test('agrees with DataView about the order of bytes', async () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.maxSafeNat(), (a, b, c) => {
      const view = new DataView(new ArrayBuffer(14))
      view.setUint16(0, a, true)
      view.setUint32(2, b, true)
      view.setBigUint64(6, BigInt(c), true)
      return equalBytes(new ByteWriter().u16(a).u32(b).u64(c).finish(), new Uint8Array(view.buffer))
    }),
  )
})

t.test('never throws on any bytes, and once failed stays failed with neutral values', async () => {
  const read = fc.constantFrom('u8', 'u16', 'u32', 'u64', 'blob', 'text', 'rest')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(read, { maxLength: 20 }), (bytes, reads) => {
      const reader = new ByteReader(bytes)
      let hasFailed = false
      for (const name of reads) {
        const value = reader[name as 'u8' | 'blob' | 'text']() as number | string | Uint8Array
        if (hasFailed && (value instanceof Uint8Array ? value.length > 0 : value !== 0 && value !== '')) return false
        if (hasFailed && reader.ok) return false
        hasFailed = !reader.ok
        if (hasFailed && (reader.remaining !== 0 || reader.done)) return false
      }
      return true
    }),
  )
})

t.test('reads within a view, not beyond it', t => {
  const whole = Uint8Array.of(1, 2, 3, 4, 5)
  const reader = new ByteReader(whole.subarray(1, 3))
  t.equal(reader.u8(), 2)
  t.equal(reader.u16(), 0)
  t.notOk(reader.ok)
  t.end()
})

for (const [what, bytes, read] of [
  ['a number beyond the safe integers', Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0), (r: ByteReader) => r.u64()],
  ['text that is not UTF-8', Uint8Array.of(2, 0, 0xc3, 0x28), (r: ByteReader) => r.text()],
  ['a blob above its limit', Uint8Array.of(3, 0, 1, 2, 3), (r: ByteReader) => r.blob(2)],
  ['a blob that ends early', Uint8Array.of(9, 0, 1), (r: ByteReader) => r.blob()],
  ['what the caller rejects', Uint8Array.of(1), (r: ByteReader) => r.fail()],
] as const) {
  t.test(`fails on ${what}`, t => {
    const reader = new ByteReader(bytes)
    read(reader)
    t.notOk(reader.ok)
    t.end()
  })
}

t.test('refuses to write what does not fit its field', t => {
  for (const value of [-1, 1.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN]) t.throws(() => new ByteWriter().u64(value))
  t.throws(() => new ByteWriter().blob(new Uint8Array(0x10000)))
  t.end()
})

t.test('finish gives a copy', t => {
  const writer = new ByteWriter().u8(1)
  const first = writer.finish()
  writer.u8(2)
  first[0] = 9
  t.strictSame(writer.finish(), Uint8Array.of(1, 2))
  t.end()
})

t.test('equalBytes and concatBytes agree with Buffer', async () => {
  const bytes = fc.uint8Array({ maxLength: 6, max: 2 })
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const whole = concatBytes(a, b)
      return equalBytes(a, b) === Buffer.from(a).equals(b) && Buffer.concat([a, b]).equals(whole)
    }),
    { numRuns: 500 },
  )
})

t.test('hex agrees with Buffer and refuses what is none', async t => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      const text = toHex(bytes)
      return text === Buffer.from(bytes).toString('hex') && equalBytes(fromHex(text.toUpperCase())!, bytes)
    }),
  )
  for (const text of ['a', '0g', '0x00', ' 00', '00\n']) t.equal(fromHex(text), undefined, JSON.stringify(text))
})

t.test('utf8 agrees with Buffer', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => Buffer.from(text).equals(utf8(text))))
})
