import t from 'tap'
import { createHash } from 'node:crypto'
import { cpuUsage } from 'node:process'
import { ByteWriter, toHex } from '../../../lib/base/mod.ts'
import { LEDGER_LIMITS, OWNER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES } from '../../../lib/ledger/mod.ts'
import { RECORD_FIXED_BYTES, writeRecord } from '../../../lib/wire/mod.ts'
import { fakeIdentity } from '../../support/fake-suite.ts'
import { ledgerOf, readStore } from '../../support/ledgers.ts'

/** The store of a ledger that is as full as it can be of minimal records. */
function* fullStore(): Generator<{ key: string; value: Uint8Array }> {
  const { ownersMax, ownerRecordsMax, ownerShareBytes, surplusBytesMax } = LEDGER_LIMITS
  const cost = RECORD_FIXED_BYTES + 2 + RECORD_OVERHEAD_BYTES
  const share = Math.floor((ownerShareBytes - OWNER_OVERHEAD_BYTES) / cost)
  let surplus = Math.floor(surplusBytesMax / cost)
  for (let i = 0; i < ownersMax - 1; i++) {
    const { peerId: owner, signingPublic } = fakeIdentity(`owner ${i}`)
    yield { key: `o${owner}`, value: new ByteWriter().u64(0).u64(0).raw(signingPublic).finish() }
    const more = Math.min(ownerRecordsMax - share - 1, surplus)
    surplus -= more
    const signature = new Uint8Array(createHash('sha512').update(owner).digest())
    for (let at = 0; at < share + more; at++) {
      const key = Uint8Array.of(at & 0xff, at >> 8)
      const seq = 2 ** 33 + ((at * 1001) % 4096)
      const writer = new ByteWriter(RECORD_FIXED_BYTES + 2)
      writeRecord(writer, { owner, kind: 9, key, seq, isTombstone: false, value: new Uint8Array(0), signature })
      yield { key: `r${owner}09${toHex(key)}`, value: writer.finish() }
    }
  }
}

/** Of this process: another one's load is not the ledger's. */
function processorMs(): number {
  const { user, system } = cpuUsage()
  return (user + system) / 1000
}

t.test('a full ledger is read and restored in seconds', async t => {
  const entries = [...fullStore()]
  const start = processorMs()
  const { ledger: stored, unreadableKeys } = readStore(entries)
  const read = processorMs()
  const ledger = ledgerOf('self')
  const skipped = ledger.restore(stored, true, 0)
  const restored = processorMs()
  ledger.rootSync()
  const summed = processorMs()
  t.same([unreadableKeys, skipped], [[], 0])
  t.equal(ledger.report().owners, LEDGER_LIMITS.ownersMax)
  t.equal(ledger.report().records, entries.length - (LEDGER_LIMITS.ownersMax - 1) + 1, 'with the own floor')
  t.comment(
    `${ledger.report().records} records: read ${(read - start).toFixed(0)} ms, restored ${(restored - read).toFixed(0)} ms, summed ${(summed - restored).toFixed(0)} ms`,
  )
  t.ok(summed - start < 5000, `${summed - start} ms`)
})

t.test('of a store that is larger than the limits what fits is taken', async t => {
  const limits = { ownersMax: 3, ownerRecordsMax: 10 }
  const ledger = ledgerOf('self', limits)
  const entries: { key: string; value: Uint8Array }[] = []
  for (const entry of fullStore()) if (entries.push(entry) === 9000) break
  const { ledger: stored } = readStore(entries)
  const records = entries.filter(({ key }) => key.startsWith('r')).length
  const skipped = ledger.restore(stored, true, 0)
  t.equal(skipped, records - 20)
  t.equal(ledger.report().owners, 3)
  t.equal(ledger.takeChanges().records.filter(({ record }) => record === undefined).length, skipped, 'the rest goes')
})
