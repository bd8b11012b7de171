import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { chooseRanges, shareOf } from '../../../lib/ipam/donation.ts'

t.test('a founder gives the upper half in one run', async t => {
  t.same(
    chooseRanges({ first: 0, last: 16383 }, () => true),
    [{ first: 8192, count: 8192 }],
  )
})

t.test('a single spare block is given, and nothing when none is spare', async t => {
  t.same(
    chooseRanges({ first: 0, last: 9 }, block => block === 7),
    [{ first: 7, count: 1 }],
  )
  t.same(
    chooseRanges({ first: 0, last: 9 }, () => false),
    [],
  )
})

t.test('the last spare block is not given where nobody needs it', async t => {
  const span = { first: 0, last: 9 }
  t.same(
    chooseRanges(span, block => block === 7, 0),
    [],
  )
  t.same(
    chooseRanges(span, block => block >= 7, 0),
    [{ first: 9, count: 1 }],
  )
})

t.test('of an uneven half the largest aligned runs go first', async t => {
  t.same(
    chooseRanges({ first: 0, last: 11 }, () => true),
    [
      { first: 8, count: 4 },
      { first: 6, count: 2 },
    ],
  )
})

t.test('no more is given than may be, though half is more', async t => {
  const span = { first: 0, last: 16383 }
  t.same(
    chooseRanges(span, () => true, 1, shareOf(span, 100)),
    [{ first: 16256, count: 128 }],
  )
})

t.test('a share is a power of two, a block at least, and all shares find room', async t => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 2000 }), (blocks, members) => {
      const share = shareOf({ first: 7, last: 6 + blocks }, members)
      assert.ok(Number.isInteger(Math.log2(share)))
      assert.ok(share === 1 || share * members <= blocks)
      assert.ok(share === 1 || share * 2 * members > blocks)
    }),
  )
  t.pass('the law holds')
})

t.test('what is given was spare, is aligned, does not overlap, and is at most half, or one', async t => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 80 }), fc.nat(40), (spare, offset) => {
      const ranges = chooseRanges({ first: offset, last: offset + spare.length - 1 }, at => spare[at - offset] === true)
      const count = spare.filter(Boolean).length
      const given = ranges.flatMap(range => Array.from({ length: range.count }, (_, i) => range.first + i))
      assert.ok(ranges.every(range => range.first % range.count === 0 && Number.isInteger(Math.log2(range.count))))
      assert.ok(given.every(block => spare[block - offset] === true))
      assert.equal(new Set(given).size, given.length)
      if (count > 0) assert.ok(given.length >= 1 && given.length <= Math.max(1, Math.floor(count / 2)))
      else assert.equal(given.length, 0)
      // Sixteen ranges are the most that an answer holds; below that, just half is given.
      if (count > 0 && ranges.length < 16) assert.equal(given.length, Math.max(1, Math.floor(count / 2)))
    }),
  )
  t.pass('the law holds')
})
