import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  NAMES_MAX,
  NAME_ADDRESSES_MAX,
  decodeNameRecord,
  encodeNameRecord,
  isRelativeName,
  type NameRecord,
} from '../../../lib/wire/name-record.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'

const RECORD: NameRecord = { container: 'netns:a', addresses: ['10.32.0.1', 'fd00::1'], names: ['web', 'a.b_c-d'] }
const GOLDEN =
  '0700' +
  '6e65746e733a61' +
  '02' +
  '04' +
  '0a200001' +
  '10' +
  'fd000000000000000000000000000001' +
  '02' +
  '0300' +
  '776562' +
  '0700' +
  '612e625f632d64'

t.test('a golden record is written and read', async t => {
  t.equal(toHex(encodeNameRecord(RECORD)), GOLDEN)
  t.same(decodeNameRecord(encodeNameRecord(RECORD)), RECORD)
})

t.test('every truncation is dropped, and what a later version appended is ignored', async t => {
  const bytes = encodeNameRecord(RECORD)
  for (let length = 0; length < bytes.length; length++) t.ok(isDrop(decodeNameRecord(bytes.subarray(0, length))))
  t.same(decodeNameRecord(new Uint8Array([...bytes, 1, 2])), RECORD)
})

t.test('what makes no sense is dropped with its reason', async t => {
  const bytes = encodeNameRecord(RECORD)
  t.match(decodeNameRecord(bytes.with(9, NAME_ADDRESSES_MAX + 1)), { reason: 'name-malformed' })
  t.match(decodeNameRecord(bytes.with(10, 5)), { reason: 'name-malformed' })
  t.match(decodeNameRecord(bytes.with(2, 0x1b)), { reason: 'name-malformed' }, 'a control character')
  for (const steering of ['\u009b31m', '\u202e', '\u2028', '\ufeff'])
    t.match(decodeNameRecord(encodeNameRecord({ ...RECORD, container: `c${steering}` })), { reason: 'name-malformed' })
  t.match(decodeNameRecord(bytes.with(32, NAMES_MAX + 1)), { reason: 'name-malformed' })
  t.match(decodeNameRecord(bytes.with(35, 0x57)), { reason: 'name-text' }, 'upper case')
  t.match(decodeNameRecord(bytes.with(35, 0x2e)), { reason: 'name-text' }, 'an empty label')
})

t.test('names are labels of lower-case letters, digits, - and _', async t => {
  for (const good of ['a', '0', 'a-b', '_x', 'a.b.c', 'x'.repeat(63), '1.2.3.4.5.6.7.8'])
    t.ok(isRelativeName(good), good)
  for (const bad of ['', '.', 'a.', '.a', 'a..b', 'A', '-a', 'a-', 'a b', 'ä', 'x'.repeat(64), '1.2.3.4.5.6.7.8.9'])
    t.notOk(isRelativeName(bad), bad)
  t.notOk(isRelativeName(Array.from({ length: 4 }, () => 'x'.repeat(61)).join('.')), 'too long')
})

t.test('arbitrary and mutated bytes never throw, and what is read can be written again', async t => {
  fc.assert(
    fc.property(foreignBytes(encodeNameRecord(RECORD)), bytes => {
      const record = decodeNameRecord(bytes)
      if (!isDrop(record)) assert.deepEqual(decodeNameRecord(encodeNameRecord(record)), record)
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})
