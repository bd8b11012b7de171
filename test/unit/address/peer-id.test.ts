import fc from 'fast-check'
import t from 'tap'
import { parsePeerId, peerIdBytes, peerIdFromBytes, shortPeerId, type PeerId } from '../../../lib/address/mod.ts'

t.test('reads back what it wrote, from the first sixteen bytes', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 32 }), bytes => {
      const id = peerIdFromBytes(bytes)
      return id.length === 26 && parsePeerId(id) === id && Buffer.from(peerIdBytes(id)).equals(bytes.subarray(0, 16))
    }),
  )
})

t.test('each id has one text only', t => {
  const id = peerIdFromBytes(new Uint8Array(16))
  t.equal(id, 'a'.repeat(26))
  for (const text of ['', 'a'.repeat(25), 'a'.repeat(27), 'A'.repeat(26), `${'a'.repeat(25)}b`, `${'a'.repeat(25)}1`]) {
    t.equal(parsePeerId(text), undefined, text)
  }
  t.end()
})

t.test('the short form is the first eight characters', t => {
  t.equal(
    shortPeerId(peerIdFromBytes(Uint8Array.of(0x08, 0x42, 0x10, 0x84, 0x21, ...new Array<number>(11)))),
    'bbbbbbbb',
  )
  t.throws(() => peerIdBytes('!' as PeerId), TypeError)
  t.end()
})
