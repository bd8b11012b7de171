import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import { REFUSAL_REASON, decodeRefusal, encodeRefusal, type Refusal } from '../../../lib/wire/mod.ts'

t.test('writes the golden bytes and reads them back', t => {
  const golden: Record<Refusal, string> = { secret: 'ff01', version: 'ff02', busy: 'ff03' }
  for (const reason of Object.keys(REFUSAL_REASON) as Refusal[]) {
    t.equal(toHex(encodeRefusal(reason)), golden[reason])
    t.equal(decodeRefusal(encodeRefusal(reason)), reason)
  }
  t.end()
})

t.test('drops a reason that it does not know', t => {
  const result = decodeRefusal(Uint8Array.of(0xff, 200))
  t.ok(isDrop(result) && result.reason === 'refusal-unknown')
  t.end()
})

t.test('takes nothing but two bytes with the mark, and never throws', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), bytes => {
      const result = decodeRefusal(bytes)
      if (!isDrop(result)) t.ok(bytes.length === 2 && bytes[0] === 0xff)
    }),
  )
  t.end()
})
