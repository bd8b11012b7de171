import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseIp } from '../../../lib/address/mod.ts'
import { compareBytes, isDrop, toHex } from '../../../lib/base/mod.ts'
import {
  TOLD_GROUPS_MAX,
  decodeGroupsRecord,
  encodeGroupsRecord,
  type GroupsRecord,
} from '../../../lib/wire/groups-record.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'

const ips = (...texts: string[]) => texts.map(text => parseIp(text)!)
const RECORD: GroupsRecord = { isEverything: false, groups: ips('239.1.2.3', '239.255.0.1', 'ff02::fb') }
const GOLDEN = '00' + '0300' + '04' + 'ef010203' + '04' + 'efff0001' + '10' + 'ff0200000000000000000000000000fb'

t.test('a golden record is written and read, whatever the order was', async t => {
  t.equal(toHex(encodeGroupsRecord(RECORD)), GOLDEN)
  t.equal(toHex(encodeGroupsRecord({ ...RECORD, groups: [...RECORD.groups].reverse() })), GOLDEN)
  t.same(decodeGroupsRecord(encodeGroupsRecord(RECORD)), RECORD)
  t.same(decodeGroupsRecord(Uint8Array.of(1, 0, 0)), { isEverything: true, groups: [] })
  t.same(decodeGroupsRecord(Uint8Array.of(0, 0, 0)), { isEverything: false, groups: [] })
})

t.test('every truncation is dropped, and what a later version appended is ignored', async t => {
  const bytes = encodeGroupsRecord(RECORD)
  for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeGroupsRecord(bytes.subarray(0, length))))
  t.same(decodeGroupsRecord(Uint8Array.of(...bytes, 1, 2)), RECORD)
})

t.test('what makes no sense is dropped', async t => {
  const bytes = encodeGroupsRecord(RECORD)
  const drop = { reason: 'groups-malformed' }
  t.match(decodeGroupsRecord(bytes.with(0, 1)), drop, 'everything, and groups')
  t.match(decodeGroupsRecord(bytes.with(3, 5)), drop, 'an address of 5 bytes')
  t.match(decodeGroupsRecord(bytes.with(4, 10)), drop, 'no group')
  t.match(decodeGroupsRecord(bytes.with(14, 0xfe)), drop, 'no group of IPv6')
  t.match(decodeGroupsRecord(bytes.with(5, 0xff).with(7, 9)), drop, 'not in order')
  t.match(decodeGroupsRecord(bytes.with(10, 1).with(11, 2).with(12, 3)), drop, 'one twice')
  const many = Array.from({ length: TOLD_GROUPS_MAX + 1 }, (_, i) => [4, 239, 0, i >> 8, i & 255]).flat()
  t.match(decodeGroupsRecord(Uint8Array.of(0, 1, 2, ...many)), drop, 'too many')
  t.notOk(isDrop(decodeGroupsRecord(Uint8Array.of(0, 0, 2, ...many.slice(0, -5)))), 'as many as may be')
})

t.test('arbitrary and mutated bytes never throw, and what is read is written as it was', async t => {
  const group = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ip => ip.with(0, 224 + (ip[0]! & 15))),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map(ip => ip.with(0, 255)),
  )
  fc.assert(
    fc.property(fc.uniqueArray(group, { selector: toHex, maxLength: 20 }), groups => {
      const read = decodeGroupsRecord(encodeGroupsRecord({ isEverything: false, groups }))
      assert(!isDrop(read))
      const inOrder = [...groups].sort((a, b) => a.length - b.length || compareBytes(a, b))
      assert.deepEqual(read.groups.map(toHex), inOrder.map(toHex))
    }),
  )
  fc.assert(
    fc.property(foreignBytes(encodeGroupsRecord(RECORD)), bytes => {
      const record = decodeGroupsRecord(bytes)
      if (!isDrop(record)) assert.deepEqual(decodeGroupsRecord(encodeGroupsRecord(record)), record)
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})
