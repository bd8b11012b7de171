import t from 'tap'
import {
  BROADCAST_HEADER_BYTES,
  FRAME_HEADER_BYTES,
  WAY_ENTRY_BYTES,
  DATAGRAM_HEADER_BYTES,
  DATAGRAM_KIND,
  DATAGRAM_TAG_BYTES,
  FRAME_FLAG,
  OVERHEAD_IPV4_BYTES,
  OVERHEAD_IPV6_BYTES,
  OVERHEAD_RELAY_BYTES,
} from '../../../lib/wire/mod.ts'

t.test('gives every kind and every flag a value of its own', t => {
  const kinds = Object.values(DATAGRAM_KIND)
  t.equal(new Set(kinds).size, kinds.length)
  const flags = Object.values(FRAME_FLAG)
  t.equal(
    flags.reduce((sum, flag) => sum | flag, 0),
    flags.reduce((sum, flag) => sum + flag, 0),
    'flags share no bit',
  )
  t.end()
})

t.test('counts the overhead of a frame, and a broadcast with two entries has room where it needs no relay', t => {
  const tunnel = DATAGRAM_HEADER_BYTES + 20 + DATAGRAM_TAG_BYTES
  t.equal(OVERHEAD_IPV4_BYTES, 20 + 8 + tunnel + 14)
  t.equal(OVERHEAD_IPV6_BYTES, 40 + 8 + tunnel + 14)
  t.equal(OVERHEAD_RELAY_BYTES, 16 + 24 + 16)
  t.ok(FRAME_HEADER_BYTES <= 20)
  t.ok(BROADCAST_HEADER_BYTES + 2 * WAY_ENTRY_BYTES <= 20 + OVERHEAD_RELAY_BYTES)
  t.end()
})
