import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeAssignedRecord,
  decodeStripKey,
  encodeAssignedRecord,
  encodeStripKey,
  type Assigned,
} from '../../../lib/ipam/assigned-record.ts'
import { ip, peer } from './support.ts'

const STRIP = ip('10.32.1.0')
const ASSIGNED: Assigned[] = [
  { address: ip('10.32.1.7'), peer: peer(1), loan: 0, isEphemeral: false },
  { address: ip('10.32.1.9'), peer: peer(1), loan: 0x01020304, isEphemeral: false },
  { address: ip('10.32.1.255'), peer: peer(2), loan: 5, isEphemeral: true },
]
const GOLDEN =
  '0200' +
  `${'01'.repeat(16)}00` +
  '0200' +
  '0700000000' +
  '0904030201' +
  `${'02'.repeat(16)}01` +
  '0100' +
  'ff05000000'

t.test('the golden vector is written and read', async t => {
  t.equal(toHex(encodeAssignedRecord(STRIP, ASSIGNED)), GOLDEN)
  t.same(decodeAssignedRecord(STRIP, encodeAssignedRecord(STRIP, ASSIGNED)), ASSIGNED)
  t.equal(toHex(encodeStripKey(STRIP)), '0001200a')
  t.equal(decodeStripKey(encodeStripKey(STRIP)), STRIP)
})

t.test('keys inside a strip, truncations, and addresses that come twice are dropped', async t => {
  t.match(decodeStripKey(encodeStripKey(STRIP + 1)), { reason: 'assigned-key' })
  t.match(decodeStripKey(new Uint8Array(5)), { reason: 'assigned-key' })
  const bytes = encodeAssignedRecord(STRIP, ASSIGNED)
  for (let length = 0; length < bytes.length; length++)
    t.match(decodeAssignedRecord(STRIP, bytes.subarray(0, length)), { reason: 'assigned-short' })
  t.match(decodeAssignedRecord(STRIP, bytes.with(26, 7)), { reason: 'assigned-twice' })
})

t.test('a full strip survives the round trip, and arbitrary bytes never throw', async t => {
  const full = Array.from({ length: 256 }, (_, at) => ({
    address: STRIP + at,
    peer: peer(at),
    loan: at,
    isEphemeral: false,
  }))
  const value = encodeAssignedRecord(STRIP, full)
  t.ok(value.length < 16_384)
  t.same(decodeAssignedRecord(STRIP, value), full)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      const read = decodeAssignedRecord(STRIP, bytes)
      if (isDrop(read)) return
      const again = decodeAssignedRecord(STRIP, encodeAssignedRecord(STRIP, read))
      assert.ok(!isDrop(again))
      assert.deepEqual(new Set(again.map(one => JSON.stringify(one))), new Set(read.map(one => JSON.stringify(one))))
    }),
  )
})
