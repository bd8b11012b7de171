import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeAssignedRecord,
  decodePartKey,
  encodeAssignedRecord,
  encodePartKey,
  type Assigned,
} from '../../../lib/ipam/assigned-record.ts'
import { ip, peer } from './support.ts'

const PART = ip('10.32.1.0')
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
  t.equal(toHex(encodeAssignedRecord(PART, ASSIGNED)), GOLDEN)
  t.same(decodeAssignedRecord(PART, encodeAssignedRecord(PART, ASSIGNED)), ASSIGNED)
  t.equal(toHex(encodePartKey(PART)), '0001200a')
  t.equal(decodePartKey(encodePartKey(PART)), PART)
})

t.test('keys inside a part, truncations, and addresses that come twice are dropped', async t => {
  t.match(decodePartKey(encodePartKey(PART + 1)), { reason: 'assigned-key' })
  t.match(decodePartKey(new Uint8Array(5)), { reason: 'assigned-key' })
  const bytes = encodeAssignedRecord(PART, ASSIGNED)
  for (let length = 0; length < bytes.length; length++)
    t.match(decodeAssignedRecord(PART, bytes.subarray(0, length)), { reason: 'assigned-short' })
  t.match(decodeAssignedRecord(PART, bytes.with(26, 7)), { reason: 'assigned-twice' })
})

t.test('a full part survives the round trip, and arbitrary bytes never throw', async t => {
  const full = Array.from({ length: 256 }, (_, at) => ({
    address: PART + at,
    peer: peer(at),
    loan: at,
    isEphemeral: false,
  }))
  const value = encodeAssignedRecord(PART, full)
  t.ok(value.length < 16_384)
  t.same(decodeAssignedRecord(PART, value), full)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
      const read = decodeAssignedRecord(PART, bytes)
      if (isDrop(read)) return
      const again = decodeAssignedRecord(PART, encodeAssignedRecord(PART, read))
      assert.ok(!isDrop(again))
      assert.deepEqual(new Set(again.map(one => JSON.stringify(one))), new Set(read.map(one => JSON.stringify(one))))
    }),
  )
})
