/**
 * Measures what LEDGER_LIMITS promise: `node --expose-gc build/scripts/ledger-memory.js` prints what a held record and an
 * owner take in memory beyond what the limits count of them on the wire, the memory of a process with a full ledger, and
 * how long that ledger takes to read from a store and to restore. Signatures are made up: nothing here verifies.
 */
import { createHash } from 'node:crypto'
import { argv, memoryUsage, stdout } from 'node:process'
import { peerIdFromBytes, type PeerId } from '../lib/address/mod.ts'
import { LEDGER_LIMITS, Ledger, OWNER_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES } from '../lib/ledger/mod.ts'
import { readStore } from '../test/support/ledgers.ts'
import { RECORD_FIXED_BYTES, writeRecord } from '../lib/wire/record.ts'
import { ByteWriter, toHex } from '../lib/base/bytes.ts'

const MESH = new Uint8Array(16).fill(1)
const KEY_BYTES = 2
const SEQ_FIRST = 2 ** 33
const MIB = 1024 * 1024

function digest(text: string): Uint8Array {
  return new Uint8Array(createHash('blake2b512').update(text).digest())
}

const suite = {
  hash: (data: Uint8Array, length = 64) =>
    new Uint8Array(createHash('blake2b512').update(data).digest()).slice(0, length),
  verify: () => true,
}

function identity(name: string) {
  const signingPublic = digest(name).slice(0, 32)
  return { peerId: peerIdFromBytes(suite.hash(signingPublic, 32)), signingPublic, sign: () => digest(name) }
}

function emptyLedger(): Ledger {
  return new Ledger({ suite, identity: identity('self'), meshId: MESH, chance: () => 0.5 })
}

/** The entries of a store with so many minimal records of one owner. */
function* ownerEntries(name: string, records: number): Generator<{ key: string; value: Uint8Array }> {
  const { peerId, signingPublic } = identity(name)
  const owner: PeerId = peerId
  yield { key: `o${owner}`, value: new ByteWriter().u64(0).u64(0).raw(signingPublic).finish() }
  for (let i = 0; i < records; i++) {
    const key = Uint8Array.of(i & 0xff, i >> 8)
    const seq = SEQ_FIRST + i
    const signature = digest(`${name}/${i}`)
    const writer = new ByteWriter(RECORD_FIXED_BYTES + KEY_BYTES)
    writeRecord(writer, { owner, kind: 9, key, seq, isTombstone: false, value: new Uint8Array(0), signature })
    yield { key: `r${owner}09${toHex(key)}`, value: writer.finish() }
  }
}

function* entriesOf(counts: readonly number[]): Generator<{ key: string; value: Uint8Array }> {
  for (const [i, records] of counts.entries()) yield* ownerEntries(`owner ${i}`, records)
}

function settledBytes(): number {
  if (globalThis.gc === undefined) throw new Error('run node with --expose-gc')
  for (let i = 0; i < 4; i++) globalThis.gc()
  const { heapUsed, external } = memoryUsage()
  return heapUsed + external
}

function fill(
  counts: readonly number[],
  isWhole = false,
): { ledger: Ledger; bytes: number; readMs: number; restoreMs: number; sumMs: number } {
  const before = settledBytes()
  const ledger = emptyLedger()
  const entries = isWhole ? [...entriesOf(counts)] : entriesOf(counts)
  const start = performance.now()
  const { ledger: stored } = readStore(entries)
  const read = performance.now()
  const skipped = ledger.restore(stored, true, 0)
  ledger.takeChanges()
  const end = performance.now()
  ledger.rootSync()
  const summed = performance.now()
  if (skipped > 0) throw new Error(`${skipped} records found no room`)
  return { ledger, bytes: settledBytes() - before, readMs: read - start, restoreMs: end - read, sumMs: summed - end }
}

/** How many minimal records each of so many owners may have when the ledger is as full as it can be. */
export function fullCounts(): number[] {
  const { ownersMax, ownerRecordsMax, ownerShareBytes, surplusBytesMax } = LEDGER_LIMITS
  const cost = RECORD_FIXED_BYTES + KEY_BYTES + RECORD_OVERHEAD_BYTES
  const share = Math.floor((ownerShareBytes - OWNER_OVERHEAD_BYTES) / cost)
  let surplus = Math.floor(surplusBytesMax / cost)
  return Array.from({ length: ownersMax - 1 }, () => {
    const more = Math.max(0, Math.min(ownerRecordsMax - share - 1, surplus))
    surplus -= more
    return share + more
  })
}

function report(text: string): void {
  stdout.write(`${text}\n`)
}

const mode = argv[2]
if (mode === 'full' || mode === 'time') {
  const counts = fullCounts()
  const records = counts.reduce((total, count) => total + count, 0)
  const { ledger, bytes, readMs, restoreMs, sumMs } = fill(counts, mode === 'time')
  const { costBytes, owners } = ledger.report()
  report(
    `${owners} owners, ${records} records: cost ${(costBytes / MIB).toFixed(1)} MiB, heap ${(bytes / MIB).toFixed(1)} MiB`,
  )
  report(
    `rss ${(memoryUsage().rss / MIB).toFixed(1)} MiB; read ${readMs.toFixed(0)} ms, restored ${restoreMs.toFixed(0)} ms, summed ${sumMs.toFixed(0)} ms`,
  )
} else {
  fill([10])
  const wire = RECORD_FIXED_BYTES + KEY_BYTES
  // A map doubles when it is full: its entries cost most just after that, and least just before.
  const dense = fill(Array.from({ length: 13 }, () => 3846))
  const sparse = fill(Array.from({ length: 24 }, () => 2084))
  const [least, most] = [dense.bytes / (13 * 3846) - wire, sparse.bytes / (24 * 2084) - wire]
  report(
    `a record: ${least.toFixed(1)} to ${most.toFixed(1)} bytes beyond the wire (counted as ${RECORD_OVERHEAD_BYTES})`,
  )
  const owners = fill(Array.from({ length: 2000 }, () => 1))
  const perOwner = owners.bytes / 2000 - least - wire
  report(`an owner: ${perOwner.toFixed(1)} bytes (counted as ${OWNER_OVERHEAD_BYTES})`)
  // So that none of them is collected before it was measured.
  const held = [dense, sparse, owners].reduce((total, { ledger }) => total + ledger.report().owners, 0)
  report(`${held} owners were held`)
}
