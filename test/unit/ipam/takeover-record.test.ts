import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { fromHex, toHex } from '../../../lib/base/bytes.ts'
import { isDrop } from '../../../lib/base/drop.ts'
import { decodeAcks, encodeAcks } from '../../../lib/ipam/acks-record.ts'
import { coversStretch, makeTakeover, readTakeover } from '../../../lib/ipam/takeover-record.ts'
import { MESH_ID, cidr, giver, peer, suite } from './support.ts'

const SCOPE = { meshId: MESH_ID, range: cidr('10.32.0.0/20'), blockPrefix: 26 }
const BLOCKS = 64
const PLAN = {
  victim: peer(2),
  term: 3,
  isForced: true,
  runs: [
    { first: 1, count: 2 },
    { first: 8, count: 56 },
  ],
}
const MADE = makeTakeover(suite, giver(peer(1)), SCOPE, PLAN)

function read(key: Uint8Array, value: Uint8Array, scope = SCOPE) {
  return readTakeover(suite, scope, BLOCKS, key, value)
}

t.test('what an author made is read by others', async t => {
  t.same(read(fromHex(MADE.id)!, MADE.value), MADE)
  t.match(MADE, { author: peer(1), ...PLAN })
  t.equal(
    toHex(MADE.value.subarray(96)),
    '0000200a141a' + '02'.repeat(16) + '03000000' + '01' + '0200' + '0100000002000000' + '0800000038000000',
  )
})

t.test('it is of its mesh, its range and its key only', async t => {
  const key = fromHex(MADE.id)!
  t.match(read(key, MADE.value, { ...SCOPE, meshId: new Uint8Array(16) }), { reason: 'takeover-key' })
  t.match(read(key, MADE.value, { ...SCOPE, range: cidr('10.48.0.0/20') }), { reason: 'takeover-range' })
  t.match(read(key, MADE.value, { ...SCOPE, blockPrefix: 27 }), { reason: 'takeover-range' })
  t.match(read(new Uint8Array(16), MADE.value), { reason: 'takeover-key' })
})

t.test('runs ascend, are not empty, and lie in the range; a term is above that of the founding', async t => {
  const cases = [
    [{ first: 3, count: 0 }],
    [{ first: 63, count: 2 }],
    [
      { first: 4, count: 2 },
      { first: 5, count: 1 },
    ],
  ]
  for (const runs of cases) {
    const wrong = makeTakeover(suite, giver(peer(1)), SCOPE, { ...PLAN, runs })
    t.match(read(fromHex(wrong.id)!, wrong.value), { reason: 'takeover-runs' })
  }
  const wrong = makeTakeover(suite, giver(peer(1)), SCOPE, { ...PLAN, term: 0 })
  t.match(read(fromHex(wrong.id)!, wrong.value), { reason: 'takeover-runs' })
})

t.test('any other bytes are dropped, and none throw', async t => {
  const key = fromHex(MADE.id)!
  const changed = fc.tuple(fc.nat(MADE.value.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
    const bytes = MADE.value.slice()
    bytes[at]! ^= by
    return bytes
  })
  const cut = fc.nat(MADE.value.length - 1).map(length => MADE.value.slice(0, length))
  fc.assert(
    fc.property(fc.oneof(changed, cut, fc.uint8Array({ maxLength: 300 })), bytes => {
      assert.ok(isDrop(read(key, bytes)))
    }),
    { numRuns: 2000 },
  )
  t.pass('the law holds')
})

t.test('runs that touch are one, whoever wrote them as two', async t => {
  const runs = [0, 1, 3].map(first => ({ first, count: first === 1 ? 2 : 1 }))
  const made = makeTakeover(suite, giver(peer(1)), SCOPE, { ...PLAN, runs })
  const found = read(fromHex(made.id)!, made.value)
  if (isDrop(found)) throw new Error(found.reason)
  t.same(found.runs, [{ first: 0, count: 4 }])
  t.ok(coversStretch(found, { first: 0, count: 4 }))
})

t.test('it covers what lies in one of its runs as a whole', async t => {
  for (const [first, count, isCovered] of [
    [1, 2, true],
    [2, 1, true],
    [2, 2, false],
    [0, 1, false],
    [8, 56, true],
    [7, 2, false],
  ] as const)
    t.equal(coversStretch(MADE, { first, count }), isCovered, `${first} ${count}`)
})

t.test('acks survive the round trip, and other bytes never throw', async t => {
  const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex)
  const ack = fc.tuple(id, fc.boolean()).map(([takeover, isSettled]) => ({ takeover, isSettled }))
  fc.assert(fc.property(fc.array(ack), acks => assert.deepEqual(decodeAcks(encodeAcks(acks)), acks)))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), bytes => void decodeAcks(bytes)))
  t.match(decodeAcks(new Uint8Array([1, 0, 5])), { reason: 'acks-malformed' })
  t.match(decodeAcks(new Uint8Array([0xff, 0xff])), { reason: 'acks-malformed' })
})
