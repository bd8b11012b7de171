import t from 'tap'
import fc from 'fast-check'
import { isDrop, toHex, utf8 } from '../../../lib/base/mod.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/mod.ts'
import {
  decodeLedgerDelta,
  DELTA_RECORDS_MAX,
  deltaBytes,
  encodeLedgerDelta,
  LEDGER_MESSAGE_BYTES_MAX,
  packDeltas,
  RECORD_VALUE_BYTES_MAX,
  type DeltaPart,
  type LedgerDelta,
  type LedgerRecord,
} from '../../../lib/wire/mod.ts'
import { foreignBytes } from '../../support/foreign-bytes.ts'

const id = (byte: number): PeerId => peerIdFromBytes(new Uint8Array(16).fill(byte))
const record = (seq: number, fields: Partial<LedgerRecord> = {}): LedgerRecord => ({
  owner: id(1),
  kind: 1,
  key: Uint8Array.of(seq),
  seq,
  isTombstone: false,
  value: utf8('v'),
  signature: new Uint8Array(64).fill(9),
  ...fields,
})
const SIGNING_PUBLIC = new Uint8Array(32).fill(7)
const part: DeltaPart = { owner: id(1), signingPublic: SIGNING_PUBLIC, records: [record(3), record(5)] }
const keyless: DeltaPart = { owner: id(2), signingPublic: undefined, records: [record(4, { owner: id(2) })] }
const delta: LedgerDelta = { isPushed: true, parts: [part, keyless] }

t.test('a delta has its golden bytes', async t => {
  const one = (seq: number) => `01000${seq}0000000000000001000${seq}${'09'.repeat(64)}010076`
  t.equal(
    toHex(encodeLedgerDelta(delta)),
    `010200${'01'.repeat(16)}01${'07'.repeat(32)}0200${one(3)}${one(5)}${'02'.repeat(16)}000100${one(4)}`,
  )
  t.same(decodeLedgerDelta(encodeLedgerDelta(delta)), delta)
  t.equal(encodeLedgerDelta(delta).length, deltaBytes(delta))
  t.match(decodeLedgerDelta(encodeLedgerDelta({ ...delta, isPushed: false })), { isPushed: false })
})

t.test('bytes after the last field are ignored', async t => {
  t.same(decodeLedgerDelta(Uint8Array.of(...encodeLedgerDelta(delta), 1, 2, 3)), delta)
})

t.test('records of one seq travel in the order of their signatures', async t => {
  const [low, high] = [record(3), record(3, { signature: new Uint8Array(64).fill(10) })]
  const of = (...records: LedgerRecord[]) => encodeLedgerDelta({ isPushed: false, parts: [{ ...part, records }] })
  t.match(decodeLedgerDelta(of(low, high)), { parts: [{ records: [low, high] }] })
  t.match(decodeLedgerDelta(of(high, low)), { reason: 'delta-order' })
  t.match(decodeLedgerDelta(of(low, low)), { reason: 'delta-order' })
})

t.test('refuses deltas out of order, empty, too long or cut off', async t => {
  const of = (...parts: DeltaPart[]) => encodeLedgerDelta({ isPushed: false, parts })
  const many = Array.from({ length: DELTA_RECORDS_MAX + 1 }, (_, i) =>
    record(i + 1, { key: new Uint8Array(0), value: new Uint8Array(0) }),
  )
  const cases: [Uint8Array, string][] = [
    [of({ ...part, records: [record(5), record(3)] }), 'delta-order'],
    [of({ ...part, records: [] }), 'delta-malformed'],
    [of(), 'delta-malformed'],
    [of({ ...part, records: many }), 'delta-malformed'],
    [of({ ...part, records: many.slice(0, 200) }, { ...part, records: many.slice(0, 57) }), 'delta-malformed'],
    [encodeLedgerDelta(delta).subarray(0, -1), 'record-malformed'],
    [encodeLedgerDelta(delta).subarray(0, 20), 'delta-malformed'],
    [new Uint8Array(0), 'delta-malformed'],
    [new Uint8Array(LEDGER_MESSAGE_BYTES_MAX + 1), 'delta-too-long'],
  ]
  for (const [bytes, reason] of cases) t.match(decodeLedgerDelta(bytes), { reason })
  t.notOk(isDrop(decodeLedgerDelta(of({ ...part, records: many.slice(1) }))), 'as many as may be')
})

t.test('packing keeps every record in order, and every message in its bounds', async t => {
  const parts = fc.array(
    fc.record({
      owner: fc.nat({ max: 9 }),
      hasKey: fc.boolean(),
      sizes: fc.array(fc.nat({ max: 9000 }), { maxLength: 40 }),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(parts, fc.integer({ min: 200, max: LEDGER_MESSAGE_BYTES_MAX }), (list, bytesMax) => {
      const given = list.map(({ owner, hasKey, sizes }) => ({
        owner: id(owner),
        signingPublic: hasKey ? SIGNING_PUBLIC : undefined,
        records: sizes.map((size, i) => record(i + 1, { owner: id(owner), value: new Uint8Array(size) })),
      }))
      const flat = (all: readonly DeltaPart[]) =>
        all.flatMap(({ records, signingPublic }) =>
          records.map(({ owner, seq, value }) => [owner, seq, value.length, signingPublic !== undefined].join()),
        )
      const deltas = packDeltas(given, true, bytesMax)
      const isBounded = deltas.every(
        one =>
          one.isPushed && (deltaBytes(one) <= bytesMax || one.parts.flatMap(({ records }) => records).length === 1),
      )
      const isWhole = flat(deltas.flatMap(({ parts }) => parts)).join('|') === flat(given).join('|')
      return isBounded && isWhole && deltas.every(one => one.parts.every(({ records }) => records.length > 0))
    }),
  )
  const small = Array.from({ length: 600 }, (_, i) => record(i + 1, { key: utf8(''), value: utf8('') }))
  const counts = packDeltas([{ ...part, records: small }], false, 1 << 20).map(({ parts }) => parts[0]!.records.length)
  t.same(counts, [256, 256, 88])
  const large = [1, 2, 3].map(seq => record(seq, { value: new Uint8Array(RECORD_VALUE_BYTES_MAX) }))
  t.equal(packDeltas([{ ...part, records: large }], false, LEDGER_MESSAGE_BYTES_MAX).length, 3)
})

t.test('no bytes make the decoder throw', async t => {
  fc.assert(
    fc.property(foreignBytes(encodeLedgerDelta(delta)), bytes => {
      decodeLedgerDelta(bytes)
    }),
    { numRuns: 2000 },
  )
  t.pass('for all that was tried')
})
