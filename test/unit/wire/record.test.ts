import t from 'tap'
import fc from 'fast-check'
import { ByteReader, ByteWriter, isDrop, toHex, utf8 } from '../../../lib/base/mod.ts'
import { peerIdFromBytes } from '../../../lib/address/mod.ts'
import { readRecord, recordBytes, recordSignedBytes, writeRecord, type LedgerRecord } from '../../../lib/wire/record.ts'

const owner = peerIdFromBytes(new Uint8Array(16).fill(0xab))
const record: LedgerRecord = {
  owner,
  kind: 2,
  key: utf8('key'),
  seq: 0x0102_0304_0506,
  isTombstone: false,
  value: utf8('value'),
  signature: new Uint8Array(64).fill(0xcd),
}

function written(of: LedgerRecord): Uint8Array {
  const writer = new ByteWriter()
  writeRecord(writer, of)
  return writer.finish()
}

t.test('a record has its golden bytes', async t => {
  t.equal(
    toHex(written(record)),
    `020006050403020100000300${toHex(utf8('key'))}${'cd'.repeat(64)}0500${toHex(utf8('value'))}`,
  )
})

t.test('the signed bytes are golden: label, mesh, owner, kind, key, seq, tombstone, value', async t => {
  const mesh = new Uint8Array(16).fill(0xee)
  t.equal(
    toHex(recordSignedBytes(mesh, record)),
    [
      toHex(utf8('weave-ts record 1')),
      'ee'.repeat(16),
      'ab'.repeat(16),
      '02',
      '0300',
      toHex(utf8('key')),
      '0605040302010000',
      '00',
      toHex(utf8('value')),
    ].join(''),
  )
})

t.test('what is written reads back, and has the size that was foretold', async t => {
  fc.assert(
    fc.property(
      fc.record({
        kind: fc.nat({ max: 255 }),
        key: fc.uint8Array({ maxLength: 64 }),
        seq: fc.maxSafeNat().map(seq => Math.max(1, seq)),
        isTombstone: fc.boolean(),
        value: fc.uint8Array({ maxLength: 300 }),
        signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      }),
      fields => {
        const value = fields.isTombstone ? new Uint8Array(0) : fields.value
        const before = { owner, ...fields, value }
        const bytes = written(before)
        const reader = new ByteReader(bytes)
        const after = readRecord(reader, owner)
        return (
          !isDrop(after) &&
          reader.done &&
          bytes.length === recordBytes(before) &&
          toHex(written(after)) === toHex(bytes)
        )
      },
    ),
  )
  t.pass('for all that was tried')
})

const refused: [string, Uint8Array, string][] = [
  ['a seq of nothing', written({ ...record, seq: 0 }), 'record-seq'],
  ['a key of 65 bytes', written({ ...record, key: new Uint8Array(65) }), 'record-malformed'],
  ['a value of more than 16 KiB', written({ ...record, value: new Uint8Array(16_385) }), 'record-malformed'],
  ['a tombstone with a value', written({ ...record, isTombstone: true }), 'record-tombstone'],
  ['another tombstone byte', written(record).with(1, 2), 'record-tombstone'],
  ['a seq beyond safe integers', written(record).with(9, 0xff), 'record-malformed'],
  ['its last byte missing', written(record).subarray(0, -1), 'record-malformed'],
]
for (const [name, bytes, reason] of refused) {
  t.test(`refuses ${name}`, async t => {
    t.match(readRecord(new ByteReader(bytes), owner), { reason })
  })
}
