import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex, utf8 } from '../../../lib/base/mod.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import {
  decodeLedgerDelta,
  decodeLedgerDigest,
  deltaBytes,
  deltaTo,
  DIGEST_ENTRIES_MAX,
  encodeLedgerDelta,
  encodeLedgerDigest,
  LEDGER_MESSAGE_BYTES_MAX,
  type LedgerDelta,
} from '../../../lib/wire/ledger-message.ts'
import type { LedgerRecord } from '../../../lib/wire/record.ts'

const id = (byte: number): PeerId => peerIdFromBytes(new Uint8Array(16).fill(byte))
const record = (seq: number): LedgerRecord => ({
  owner: id(1),
  kind: 1,
  key: Uint8Array.of(seq),
  seq,
  isTombstone: false,
  value: utf8('v'),
  signature: new Uint8Array(64).fill(9),
})
const delta: LedgerDelta = {
  owner: id(1),
  signingPublic: new Uint8Array(32).fill(7),
  from: 2,
  records: [record(3), record(5)],
}
const peerIds = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(peerIdFromBytes)

t.test('a digest has its golden bytes', async t => {
  const digest = { wantsReply: true, after: undefined, until: id(0x22), entries: [{ owner: id(0x11), seq: 258 }] }
  t.equal(
    toHex(encodeLedgerDigest(digest)),
    `05${'00'.repeat(16)}${'22'.repeat(16)}0100${'11'.repeat(16)}0201000000000000`,
  )
  t.same(decodeLedgerDigest(encodeLedgerDigest(digest)), digest)
})

t.test('a delta has its golden bytes', async t => {
  const one = (seq: number) => `01000${seq}0000000000000001000${seq}${'09'.repeat(64)}010076`
  t.equal(toHex(encodeLedgerDelta(delta)), `${'01'.repeat(16)}${'07'.repeat(32)}02000000000000000200${one(3)}${one(5)}`)
  t.same(decodeLedgerDelta(encodeLedgerDelta(delta)), delta)
  t.equal(encodeLedgerDelta(delta).length, deltaBytes(delta))
  t.equal(deltaTo(delta), 5)
})

t.test('any digest reads back', async t => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.uniqueArray(peerIds, { maxLength: 40 }),
      fc.boolean(),
      fc.boolean(),
      fc.maxSafeNat(),
      (wantsReply, ids, hasAfter, hasUntil, seq) => {
        const sorted = ids.sort()
        const after = hasAfter ? sorted.shift() : undefined
        const until = hasUntil ? sorted.at(-1) : undefined
        const bytes = encodeLedgerDigest({ wantsReply, after, until, entries: sorted.map(owner => ({ owner, seq })) })
        const decoded = decodeLedgerDigest(bytes)
        return !isDrop(decoded) && toHex(encodeLedgerDigest(decoded)) === toHex(bytes)
      },
    ),
  )
  t.pass('for all that was tried')
})

t.test('a full digest fits into a message', async t => {
  const entries = Array.from({ length: DIGEST_ENTRIES_MAX }, (_, i) => {
    const bytes = new Uint8Array(16)
    new DataView(bytes.buffer).setUint32(0, i)
    return { owner: peerIdFromBytes(bytes), seq: i }
  }).sort((a, b) => (a.owner < b.owner ? -1 : 1))
  const bytes = encodeLedgerDigest({ wantsReply: false, after: undefined, until: undefined, entries })
  t.ok(bytes.length <= LEDGER_MESSAGE_BYTES_MAX)
  t.notOk(isDrop(decodeLedgerDigest(bytes)))
})

t.test('bytes after the last field are ignored', async t => {
  const longer = (bytes: Uint8Array) => Uint8Array.of(...bytes, 1, 2, 3)
  t.same(decodeLedgerDelta(longer(encodeLedgerDelta(delta))), delta)
  const digest = { wantsReply: false, after: undefined, until: undefined, entries: [{ owner: id(1), seq: 1 }] }
  t.same(decodeLedgerDigest(longer(encodeLedgerDigest(digest))), digest)
})

t.test('refuses deltas out of order, empty, too long or cut off', async t => {
  const cases: [Uint8Array, string][] = [
    [encodeLedgerDelta({ ...delta, records: [record(5), record(3)] }), 'delta-order'],
    [encodeLedgerDelta({ ...delta, records: [record(3), record(3)] }), 'delta-order'],
    [encodeLedgerDelta({ ...delta, from: 3 }), 'delta-order'],
    [encodeLedgerDelta({ ...delta, records: [] }), 'delta-malformed'],
    [encodeLedgerDelta(delta).subarray(0, -1), 'record-malformed'],
    [encodeLedgerDelta(delta).subarray(0, 20), 'delta-malformed'],
    [new Uint8Array(LEDGER_MESSAGE_BYTES_MAX + 1), 'delta-too-long'],
  ]
  for (const [bytes, reason] of cases) t.match(decodeLedgerDelta(bytes), { reason })
})

t.test('refuses digests out of order, out of their range, too long or cut off', async t => {
  const [low, high] = [id(0x11), id(0x22)].sort() as [PeerId, PeerId]
  const digest = { wantsReply: false, after: undefined, until: undefined }
  const entries = [
    { owner: low, seq: 1 },
    { owner: high, seq: 1 },
  ]
  const cases: [Uint8Array, string][] = [
    [encodeLedgerDigest({ ...digest, entries: [...entries].reverse() }), 'digest-order'],
    [encodeLedgerDigest({ ...digest, entries: [entries[0]!, entries[0]!] }), 'digest-order'],
    [encodeLedgerDigest({ ...digest, after: low, entries }), 'digest-order'],
    [encodeLedgerDigest({ ...digest, until: low, entries }), 'digest-order'],
    [encodeLedgerDigest({ ...digest, entries }).subarray(0, -1), 'digest-malformed'],
    [encodeLedgerDigest({ ...digest, entries }).subarray(0, 3), 'digest-malformed'],
    [new Uint8Array(LEDGER_MESSAGE_BYTES_MAX + 1), 'digest-too-long'],
  ]
  for (const [bytes, reason] of cases) t.match(decodeLedgerDigest(bytes), { reason })
})

t.test('no bytes make the decoders throw', async t => {
  const good = [encodeLedgerDelta(delta)]
  good.push(
    encodeLedgerDigest({ wantsReply: true, after: undefined, until: undefined, entries: [{ owner: id(1), seq: 4 }] }),
  )
  const mutated = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 5 }))
    .map(([bytes, edits]) => {
      const copy = bytes.slice()
      for (const [at, value] of edits) copy[at % copy.length] = value
      return copy
    })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 500 }), mutated), bytes => {
      decodeLedgerDelta(bytes)
      decodeLedgerDigest(bytes)
    }),
    { numRuns: 2000 },
  )
  t.pass('for all that was tried')
})
