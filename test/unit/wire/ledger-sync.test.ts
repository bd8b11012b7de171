import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex } from '../../../lib/base/mod.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import {
  decodeLedgerSync,
  encodeLedgerSync,
  LEDGER_MESSAGE_BYTES_MAX,
  listBytes,
  ownerDigits,
  recordTag,
  sumBytes,
  SYNC_FIXED_BYTES,
  SYNC_LISTS_MAX,
  SYNC_OWNERS_MAX,
  SYNC_SUMS_MAX,
  SYNC_WANTS_MAX,
  WANT_IDS_MAX,
  WANT_OPEN,
  wantBytes,
  type LedgerSync,
  type LedgerWant,
  type OwnerList,
  type PrefixSum,
} from '../../../lib/wire/mod.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'

const id = (byte: number, last = byte): PeerId => peerIdFromBytes(new Uint8Array(16).fill(byte).fill(last, 15))
const sum = (byte: number) => new Uint8Array(16).fill(byte)
const NOTHING: LedgerSync = { sums: [], lists: [], wants: [] }
const one: LedgerSync = {
  sums: [
    { prefix: '0a1', sum: sum(1) },
    { prefix: 'f', sum: sum(2) },
  ],
  lists: [{ prefix: '', isPartial: true, isAnswer: true, owners: [{ owner: id(0x11), lastSeq: 258, sum: sum(3) }] }],
  wants: [{ owner: id(0x22), above: 1, upTo: 9, tagAt: 15, held: [{ seq: 5, tag: 0xa1b2c3d4 }] }],
}

t.test('a sync has its golden bytes', async t => {
  t.equal(
    toHex(encodeLedgerSync(one)),
    [
      '00',
      `0200${'030a10'}${'01'.repeat(16)}${'01f0'}${'02'.repeat(16)}`,
      `0100${'00'}${'03'}${'0100'}${'11'.repeat(16)}0201000000000000${'03'.repeat(16)}`,
      `0100${'22'.repeat(16)}01000000000000000900000000000000${'0f'}${'0100'}0500000000000000d4c3b2a1`,
    ].join(''),
  )
  t.same(decodeLedgerSync(encodeLedgerSync(one)), one)
  t.same(decodeLedgerSync(Uint8Array.of(...encodeLedgerSync(one), 1, 2)), one, 'what follows is ignored')
  t.same(decodeLedgerSync(encodeLedgerSync(NOTHING)), NOTHING)
})

t.test('the sizes are those of the bytes', async t => {
  const add = (items: readonly number[]) => items.reduce((total, bytes) => total + bytes, 0)
  t.equal(
    encodeLedgerSync(one).length,
    SYNC_FIXED_BYTES + add(one.sums.map(sumBytes)) + add(one.lists.map(listBytes)) + add(one.wants.map(wantBytes)),
  )
})

t.test('a tag is four bytes of the signature', async t => {
  const signature = Uint8Array.from({ length: 64 }, (_, i) => i + 128)
  t.equal(recordTag(signature, 0), 0x83828180)
  t.equal(recordTag(signature, 15), 0xbfbebdbc)
  t.equal(ownerDigits(id(0xab)), 'ab'.repeat(16))
})

const prefixes = fc.uniqueArray(fc.stringMatching(/^[0-9a-f]{4}$/), { maxLength: 12 }).map(list => list.sort())
const sums16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const wants = fc.array(
  fc.record({
    above: fc.nat(),
    length: fc.integer({ min: 1, max: 1000 }),
    tagAt: fc.nat({ max: 15 }),
    held: fc.array(fc.record({ seq: fc.maxSafeNat(), tag: fc.nat() }), { maxLength: 5 }),
  }),
  { maxLength: 9 },
)

t.test('any sync reads back', async t => {
  fc.assert(
    fc.property(
      prefixes,
      prefixes,
      fc.array(sums16, { minLength: 12, maxLength: 12 }),
      wants,
      (some, others, list, asked) => {
        const sync: LedgerSync = {
          sums: some.map((prefix, i): PrefixSum => ({ prefix, sum: list[i]! })),
          lists: others.map((prefix, i): OwnerList => {
            const bytes = Uint8Array.from({ length: 16 }, (_, at) =>
              Number.parseInt(prefix.slice(2 * at, 2 * at + 2) || '7', 16),
            )
            const owners = [{ owner: peerIdFromBytes(bytes), lastSeq: i, sum: list[i]! }]
            return { prefix, isPartial: i % 2 === 0, isAnswer: i % 3 === 0, owners }
          }),
          wants: asked.map(({ above, length, tagAt, held }, i): LedgerWant => ({
            owner: id(i),
            above,
            upTo: above + length,
            tagAt,
            held,
          })),
        }
        const decoded = decodeLedgerSync(encodeLedgerSync(sync))
        return !isDrop(decoded) && toHex(encodeLedgerSync(decoded)) === toHex(encodeLedgerSync(sync))
      },
    ),
  )
  t.pass('for all that was tried')
})

t.test('refuses what is out of order, out of bounds, or not under its prefix', async t => {
  const sumsOf = (...list: string[]) => ({ ...NOTHING, sums: list.map(prefix => ({ prefix, sum: sum(0) })) })
  const listOf = (prefix: string, ...owners: PeerId[]): OwnerList => ({
    prefix,
    isPartial: false,
    isAnswer: false,
    owners: owners.map(owner => ({ owner, lastSeq: 1, sum: sum(0) })),
  })
  const want = (owner: PeerId, above: number, upTo: number): LedgerWant => ({ owner, above, upTo, tagAt: 0, held: [] })
  const wantsOf = (...list: LedgerWant[]) => ({ ...NOTHING, wants: list })
  const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))
  const refused: [string, LedgerSync, string][] = [
    ['sums descend', sumsOf('b', 'a'), 'sync-order'],
    ['a sum twice', sumsOf('a', 'a'), 'sync-order'],
    ['a sum within another', sumsOf('a', 'a0'), 'sync-order'],
    ['lists descend', { ...NOTHING, lists: [listOf('b'), listOf('a')] }, 'sync-order'],
    ['owners descend', { ...NOTHING, lists: [listOf('', id(2), id(1))] }, 'sync-order'],
    ['an owner twice', { ...NOTHING, lists: [listOf('', id(2), id(2))] }, 'sync-order'],
    ['an owner elsewhere', { ...NOTHING, lists: [listOf('01', id(2))] }, 'sync-order'],
    ['wants descend', wantsOf(want(id(2), 0, 1), want(id(1), 0, 1)), 'sync-order'],
    ['wants overlap', wantsOf(want(id(1), 0, 5), want(id(1), 4, 9)), 'sync-order'],
    ['an empty want twice', wantsOf(want(id(1), 5, 5), want(id(1), 5, 5)), 'sync-order'],
    ['a want backwards', wantsOf(want(id(1), 5, 4)), 'sync-malformed'],
    ['no such tag', wantsOf({ ...want(id(1), 0, 4), tagAt: 16 }), 'sync-malformed'],
    ['too many sums', sumsOf(...many(SYNC_SUMS_MAX + 1, i => i.toString(16).padStart(3, '0'))), 'sync-malformed'],
    [
      'too many lists',
      { ...NOTHING, lists: many(SYNC_LISTS_MAX + 1, i => listOf(i.toString(16).padStart(3, '0'))) },
      'sync-malformed',
    ],
    [
      'too many owners',
      { ...NOTHING, lists: [listOf('', ...many(SYNC_OWNERS_MAX + 1, i => id(i >> 8, i & 255)))] },
      'sync-malformed',
    ],
    ['too many wants', wantsOf(...many(SYNC_WANTS_MAX + 1, i => want(id(i >> 8, i & 255), 0, 1))), 'sync-malformed'],
    [
      'a want that names too many',
      wantsOf({ ...want(id(1), 0, WANT_OPEN), held: many(WANT_IDS_MAX + 1, seq => ({ seq, tag: 0 })) }),
      'sync-malformed',
    ],
  ]
  for (const [name, sync, reason] of refused) t.match(decodeLedgerSync(encodeLedgerSync(sync)), { reason }, name)
  const taken = wantsOf(want(id(1), 0, 5), want(id(1), 5, WANT_OPEN), want(id(2), 0, 0))
  t.same(decodeLedgerSync(encodeLedgerSync(taken)), taken)
  const bytes = encodeLedgerSync(one)
  for (let length = 0; length < bytes.length; length++)
    t.match(decodeLedgerSync(bytes.subarray(0, length)), { reason: /^sync-(malformed|order)$/ }, `${length} bytes`)
  t.match(decodeLedgerSync(Uint8Array.of(0, 1, 0, 9, ...new Uint8Array(40))), { reason: 'sync-malformed' }, 'too deep')
  t.match(
    decodeLedgerSync(Uint8Array.of(0, 1, 0, 1, 0xa7, ...new Uint8Array(40))),
    { reason: 'sync-malformed' },
    'half a byte',
  )
  t.match(decodeLedgerSync(new Uint8Array(LEDGER_MESSAGE_BYTES_MAX + 1)), { reason: 'sync-too-long' })
})

t.test('no bytes make the decoder throw', async t => {
  fc.assert(
    fc.property(foreignBytes(encodeLedgerSync(one)), bytes => {
      decodeLedgerSync(bytes)
    }),
    { numRuns: 3000 },
  )
  t.pass('for all that was tried')
})
