import { createHash } from 'node:crypto'
import t from 'tap'
import fc from 'fast-check'
import { peerIdBytes, type PeerId } from '../../../lib/address/mod.ts'
import { concatBytes, toHex } from '../../../lib/base/mod.ts'
import { OwnerRecords } from '../../../lib/ledger/owner-records.ts'
import { packRecord, packWireRecord, seqOf, unpackRecord } from '../../../lib/ledger/packed-record.ts'
import { SumTable } from '../../../lib/ledger/sum-table.ts'
import { ByteWriter } from '../../../lib/base/mod.ts'
import { recordTag, writeRecord, type LedgerRecord } from '../../../lib/wire/mod.ts'
import { tagOf } from '../../../lib/ledger/packed-record.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { signedRecord } from '../../support/ledgers.ts'

const records = fc.record({
  kind: fc.nat({ max: 255 }),
  key: fc.uint8Array({ maxLength: 64 }),
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  isTombstone: fc.boolean(),
  value: fc.uint8Array({ maxLength: 300 }),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
})
const OWNER = fakeIdentity('a').peerId
const recordOf = (fields: Omit<LedgerRecord, 'owner'>): LedgerRecord => ({
  ...fields,
  owner: OWNER,
  value: fields.isTombstone ? new Uint8Array(0) : fields.value,
})

t.test('any record is packed and unpacked, from its parts and from the wire', async t => {
  fc.assert(
    fc.property(records, fc.nat({ max: 15 }), (fields, tagAt) => {
      const record = recordOf(fields)
      const packed = packRecord(record)
      const writer = new ByteWriter()
      writeRecord(writer, record)
      t.same(unpackRecord(OWNER, packed), record)
      return (
        packWireRecord(writer.finish()) === packed &&
        packWireRecord(writer.finish().subarray(1)) !== packed &&
        seqOf(packed) === record.seq &&
        tagOf(packed, tagAt) === recordTag(record.signature, tagAt)
      )
    }),
    { numRuns: 300 },
  )
  const large = recordOf({
    kind: 1,
    key: new Uint8Array(0),
    seq: 1,
    isTombstone: false,
    value: new Uint8Array(16_384).fill(200),
    signature: new Uint8Array(64),
  })
  t.same(unpackRecord(OWNER, packRecord(large)), large)
  t.equal(packWireRecord(new Uint8Array(0)), undefined)
})

t.test('packed records compare by seq and then by signature', async t => {
  fc.assert(
    fc.property(records, records, (one, other) => {
      const order =
        one.seq - other.seq ||
        (toHex(one.signature) < toHex(other.signature) ? -1 : toHex(one.signature) > toHex(other.signature) ? 1 : 0)
      const [a, b] = [packRecord(recordOf(one)), packRecord(recordOf(other))]
      return order === 0 || a < b === order < 0
    }),
  )
  t.pass('for all that was tried')
})

/** The sums as docs/protocol.md defines them, without any memory of what was summed before. */
class NaiveSums {
  readonly held = new Map<PeerId, Map<string, LedgerRecord>>()

  sumUnder(prefix: string): string {
    const rows = [...this.held]
      .filter(([owner, list]) => list.size > 0 && toHex(peerIdBytes(owner)).startsWith(prefix))
      .map(([owner, list]) => {
        const signatures = [...list.values()]
          .sort((a, b) => a.seq - b.seq || (toHex(a.signature) < toHex(b.signature) ? -1 : 1))
          .map(({ signature }) => signature)
        return concatBytes(peerIdBytes(owner), hash(concatBytes(...signatures)))
      })
      .sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1))
    return toHex(rows.length === 0 ? new Uint8Array(16) : hash(concatBytes(...rows)))
  }
}

function hash(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha512').update('hash').update(bytes).digest()).slice(0, 16)
}

t.test('sums are those of a naive model, whatever is written and dropped', async t => {
  const steps = fc.array(
    fc.record({
      owner: fc.nat({ max: 30 }),
      key: fc.nat({ max: 3 }),
      seq: fc.integer({ min: 1, max: 9 }),
      isDrop: fc.boolean(),
    }),
    { maxLength: 80 },
  )
  const identities = Array.from({ length: 31 }, (_, i) => fakeIdentity(`owner ${i}`))
  fc.assert(
    fc.property(steps, list => {
      const held = new Map<PeerId, OwnerRecords>()
      const table = new SumTable(fakeSuite, owner => held.get(owner))
      const naive = new NaiveSums()
      for (const { owner: number, key, seq, isDrop } of list) {
        const identity = identities[number]!
        const owner = identity.peerId
        if (isDrop) {
          held.delete(owner)
          naive.held.delete(owner)
        } else {
          const record = signedRecord(identity, seq, { key: Uint8Array.of(key) })
          const packed = packRecord(record)
          let mine = held.get(owner)
          if (mine === undefined) held.set(owner, (mine = new OwnerRecords(owner, identity.signingPublic)))
          if (mine.judge(packed) === 'new') mine.store(packed)
          const theirs = naive.held.get(owner) ?? new Map<string, LedgerRecord>()
          if ((theirs.get(String(key))?.seq ?? 0) < seq) theirs.set(String(key), record)
          naive.held.set(owner, theirs)
        }
        table.changed(owner)
        const digits = toHex(peerIdBytes(owner))
        for (const depth of [0, 1, 2, 5, 8]) {
          const prefix = digits.slice(0, depth)
          if (toHex(table.sumUnder(prefix)) !== naive.sumUnder(prefix)) return false
          const under = [...held.keys()].filter(one => toHex(peerIdBytes(one)).startsWith(prefix))
          if (table.countUnder(prefix) !== under.length) return false
          if (
            table.ownersUnder(prefix).join() !==
            under.sort((a, b) => (toHex(peerIdBytes(a)) < toHex(peerIdBytes(b)) ? -1 : 1)).join()
          )
            return false
        }
      }
      return true
    }),
    { numRuns: 60 },
  )
  t.pass('for all that was tried')
})

t.test('the sum of all is quick when one of 4096 owners changed', async t => {
  const held = new Map<PeerId, OwnerRecords>()
  const table = new SumTable(fakeSuite, owner => held.get(owner))
  let last: PeerId | undefined
  for (let i = 0; i < 4096; i++) {
    const identity = fakeIdentity(`owner ${i}`)
    const one = new OwnerRecords(identity.peerId, identity.signingPublic)
    one.store(packRecord(signedRecord(identity, 1)))
    held.set(identity.peerId, one)
    table.changed((last = identity.peerId))
  }
  table.sumUnder('')
  const before = toHex(table.sumUnder(''))
  let fastest = Infinity
  for (let i = 0; i < 20; i++) {
    held.get(last!)!.store(packRecord(signedRecord(fakeIdentity('owner 4095'), 2 + i)))
    table.changed(last!)
    const start = performance.now()
    table.sumUnder('')
    fastest = Math.min(fastest, performance.now() - start)
  }
  t.not(toHex(table.sumUnder('')), before)
  t.ok(fastest < 10, `${fastest} ms`)
})
