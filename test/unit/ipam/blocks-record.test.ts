import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import {
  decodeBlocksRecord,
  decodeSegmentKey,
  encodeBlocksRecord,
  encodeSegmentKey,
  type BlocksRecord,
} from '../../../lib/ipam/blocks-record.ts'
import { cidr, peer } from './support.ts'

const RECORD: BlocksRecord = {
  range: cidr('10.32.0.0/12'),
  blockPrefix: 26,
  runs: [
    { first: 0, count: 128, term: 0, seq: 0, owner: peer(1) },
    { first: 255, count: 1, term: 2, seq: 0x01020304, owner: peer(0xab) },
  ],
}
const GOLDEN =
  '0000200a' +
  '0c' +
  '1a' +
  '0200' +
  '00' +
  '7f' +
  '00000000' +
  '00000000' +
  '01'.repeat(16) +
  'ff' +
  '00' +
  '02000000' +
  '04030201' +
  'ab'.repeat(16)

const runs = fc
  .uniqueArray(fc.nat(256), { minLength: 2, maxLength: 40 })
  .chain(cuts => fc.tuple(fc.constant(cuts.sort((a, b) => a - b)), fc.nat(0xffff_ffff), fc.nat(255)))
  .map(([cuts, seq, owner]) =>
    cuts.slice(1).map((end, i) => ({ first: cuts[i]!, count: end - cuts[i]!, term: i, seq, owner: peer(owner) })),
  )

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
  const run = { term: 0, seq: 0, owner: peer(1) }
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

t.test('a key holds a segment number and nothing else', async t => {
  t.equal(toHex(encodeSegmentKey(0x0102)), '0201')
  t.equal(decodeSegmentKey(encodeSegmentKey(63)), 63)
  t.match(decodeSegmentKey(new Uint8Array(3)), { reason: 'blocks-key' })
  t.match(decodeSegmentKey(new Uint8Array(1)), { reason: 'blocks-key' })
})
