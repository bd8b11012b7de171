import t from 'tap'
import fc from 'fast-check'
import { concatBytes } from '../../../lib/base/mod.ts'
import { BUNDLE_BYTES_MAX, bundleCount, bundleOf, bundled } from '../../../lib/wire/mod.ts'

const datagram = fc.uint8Array({ minLength: 33, maxLength: 300 })

t.test('holds datagrams one behind the other, and gives them back', t => {
  fc.assert(
    fc.property(fc.array(datagram, { minLength: 1, maxLength: 20 }), datagrams => {
      const bundle = concatBytes(...datagrams.map(bundleOf))
      t.equal(bundleCount(bundle), datagrams.length)
      t.same(bundled(bundle), datagrams)
    }),
  )
  t.end()
})

t.test('is none when it is empty, too long, cut off, or holds what no datagram can be', t => {
  const good = concatBytes(bundleOf(new Uint8Array(33)), bundleOf(new Uint8Array(400)))
  t.equal(bundleCount(new Uint8Array(0)), undefined)
  for (let length = 1; length < good.length; length++)
    if (length !== 35) t.equal(bundleCount(good.subarray(0, length)), undefined, `${length} bytes`)
  t.equal(bundleCount(bundleOf(new Uint8Array(32))), undefined)
  t.equal(bundleCount(bundleOf(new Uint8Array(BUNDLE_BYTES_MAX - 2))), 1)
  t.equal(bundleCount(bundleOf(new Uint8Array(BUNDLE_BYTES_MAX - 1))), undefined)
  t.end()
})

t.test('never throws on any bytes', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void bundleCount(bytes)))
  t.end()
})
