import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeBlocksRecord,
  decodePageKey,
  encodeBlocksRecord,
  encodePageKey,
  pageOf,
  ROOT_REF,
  type BlocksRecord,
} from '../../../lib/ipam/blocks-record.ts'
import { cidr, peer } from './support.ts'

const RECORD: BlocksRecord = {
  range: cidr('10.32.0.0/12'),
  blockPrefix: 26,
  roots: [
    { type: 'founding', founding: { founder: peer(1), salt: new Uint8Array(16).fill(2) } },
    { type: 'takeover', takeover: '03'.repeat(16) },
  ],
  grants: [
    {
      parent: ROOT_REF,
      first: 0,
      count: 0x01020304,
      to: peer(0xab),
      giverKey: new Uint8Array(32).fill(4),
      signature: new Uint8Array(64).fill(5),
    },
  ],
  runs: [
    { first: 0, count: 128, title: 0 },
    { first: 255, count: 1, title: ROOT_REF + 1 },
  ],
}
const GOLDEN =
  '0000200a' +
  '0c' +
  '1a' +
  '02' +
  '00' +
  '01'.repeat(16) +
  '02'.repeat(16) +
  '01' +
  '03'.repeat(16) +
  '01' +
  '80' +
  '00000000' +
  '04030201' +
  'ab'.repeat(16) +
  '04'.repeat(32) +
  '05'.repeat(64) +
  '0200' +
  '00' +
  '7f' +
  '00' +
  'ff' +
  '00' +
  '81'

const runs = fc
  .uniqueArray(fc.nat(256), { minLength: 2, maxLength: 40 })
  .chain(cuts => fc.tuple(fc.constant(cuts.sort((a, b) => a - b)), fc.constantFrom(0, ROOT_REF, ROOT_REF + 1)))
  .map(([cuts, title]) => cuts.slice(1).map((end, i) => ({ first: cuts[i]!, count: end - cuts[i]!, title })))

t.test('the golden vector is written and read', async t => {
  t.equal(toHex(encodeBlocksRecord(RECORD)), GOLDEN)
  t.same(decodeBlocksRecord(encodeBlocksRecord(RECORD)), RECORD)
})

t.test('any runs survive the round trip, with bytes that a later version appended', async t => {
  fc.assert(
    fc.property(runs, fc.uint8Array({ maxLength: 8 }), (some, more) => {
      const record = { ...RECORD, runs: some }
      assert.deepEqual(decodeBlocksRecord(new Uint8Array([...encodeBlocksRecord(record), ...more])), record)
    }),
  )
  t.pass('the law holds')
})

t.test('overlapping, unsorted and overlong runs are dropped', async t => {
  const run = { title: 0 }
  const cases = [
    [
      { first: 0, count: 10, ...run },
      { first: 9, count: 2, ...run },
    ],
    [
      { first: 20, count: 1, ...run },
      { first: 3, count: 1, ...run },
    ],
    [{ first: 200, count: 57, ...run }],
  ]
  for (const some of cases) {
    t.match(decodeBlocksRecord(encodeBlocksRecord({ ...RECORD, runs: some })), { reason: 'blocks-runs' })
  }
})

t.test('a range with host bits or larger than its blocks is dropped', async t => {
  for (const wrong of [{ range: cidr('10.32.0.1/12') }, { range: cidr('10.0.0.0/28') }, { blockPrefix: 33 }]) {
    t.match(decodeBlocksRecord(encodeBlocksRecord({ ...RECORD, ...wrong })), { reason: 'blocks-range' })
  }
})

t.test('every truncation is dropped', async t => {
  const whole = encodeBlocksRecord(RECORD)
  for (let length = 0; length < whole.length; length++) t.ok(isDrop(decodeBlocksRecord(whole.subarray(0, length))))
})

t.test('arbitrary and mutated bytes never throw, and what is read has runs in order', async t => {
  const mutated = fc.tuple(runs, fc.nat(1000), fc.nat(255)).map(([some, at, byte]) => {
    const bytes = encodeBlocksRecord({ ...RECORD, runs: some })
    bytes[at % bytes.length] = byte
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), bytes => {
      const record = decodeBlocksRecord(bytes)
      if (isDrop(record)) return
      let free = 0
      for (const run of record.runs) {
        assert.ok(run.first >= free && run.first + run.count <= 256)
        free = run.first + run.count
      }
    }),
    { numRuns: 1000 },
  )
  t.pass('the law holds')
})

t.test('a title that is not in the tables, or a parent that does not come before, is dropped', async t => {
  const [grant] = RECORD.grants
  for (const parent of [0, 1, ROOT_REF + 2, 255]) {
    t.match(decodeBlocksRecord(encodeBlocksRecord({ ...RECORD, grants: [{ ...grant!, parent }] })), {
      reason: 'blocks-titles',
    })
  }
  for (const title of [1, ROOT_REF + 2]) {
    const wrong = { ...RECORD, runs: [{ first: 0, count: 1, title }] }
    t.match(decodeBlocksRecord(encodeBlocksRecord(wrong)), { reason: 'blocks-titles' })
  }
})

t.test('a key holds a segment and a part, and nothing else', async t => {
  t.equal(toHex(encodePageKey(pageOf(0x0102, 3))), '020103')
  t.equal(decodePageKey(encodePageKey(pageOf(63, 255))), pageOf(63, 255))
  t.match(decodePageKey(new Uint8Array(4)), { reason: 'blocks-key' })
  t.match(decodePageKey(new Uint8Array(2)), { reason: 'blocks-key' })
})
