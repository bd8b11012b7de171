import { ByteReader, ByteWriter, toHex } from '../base/mod.ts'
import { parsePeerId, PEER_ID_CHARACTERS, type PeerId } from '../address/mod.ts'
import { SIGNING_PUBLIC_KEY_BYTES, writeRecord, type LedgerRecord } from '../wire/mod.ts'
import type { LedgerChanges, OwnerChange } from './changes.ts'
import { packWireRecord, type PackedRecord } from './packed-record.ts'

/**
 * How the ledger lies in a key-value store.
 *
 *     "r" owner id, kind (2 hex), key (hex) → the record as in a delta (wire/record.ts)
 *     "o" owner id                          → | own counter u64 | collected seq u64 | signing public key (32), or nothing |
 */
export interface StoreEntry {
  readonly key: string
  /** Undefined: delete the key. */
  readonly value: Uint8Array | undefined
}

export interface StoredLedger {
  readonly owners: readonly OwnerChange[]
  readonly records: ReadonlyMap<PeerId, readonly PackedRecord[]>
}

export interface StoreReading {
  readonly ledger: StoredLedger
  /** Entries that make no sense. */
  readonly unreadable: number
  /** Their keys, to be deleted. */
  readonly unreadableKeys: readonly string[]
}

const OWNER_ENTRY = 'o'
const RECORD_ENTRY = 'r'
const OWNER_AT = 1
const OWNER_END = OWNER_AT + PEER_ID_CHARACTERS

/** What to write, in one transaction. */
export function storeEntries(changes: LedgerChanges): StoreEntry[] {
  const records = changes.records.map(({ owner, kind, key, record }) => ({
    key: `${RECORD_ENTRY}${owner}${kind.toString(16).padStart(2, '0')}${toHex(key)}`,
    value: record && recordValue(record),
  }))
  const owners = changes.owners.map(change => ({ key: `${OWNER_ENTRY}${change.owner}`, value: ownerValue(change) }))
  return [...records, ...owners]
}

/**
 * Reads back what can be read. An entry that is damaged costs that record; a damaged entry of an owner costs those of its
 * records for which it names the key. All of it comes back from the mesh, for nothing is claimed of what is missing.
 */
export function readStore(entries: Iterable<{ readonly key: string; readonly value: Uint8Array }>): StoreReading {
  const owners: OwnerChange[] = []
  const records = new Map<PeerId, PackedRecord[]>()
  const unreadableKeys: string[] = []
  for (const { key, value } of entries) {
    const isTaken = key.startsWith(RECORD_ENTRY) ? takeRecord(records, key, value) : takeOwner(owners, key, value)
    if (!isTaken) unreadableKeys.push(key)
  }
  return { ledger: { owners, records }, unreadable: unreadableKeys.length, unreadableKeys }
}

function takeRecord(records: Map<PeerId, PackedRecord[]>, key: string, value: Uint8Array): boolean {
  const name = key.slice(OWNER_AT, OWNER_END)
  let held = records.get(name as PeerId)
  const owner = held === undefined ? parsePeerId(name) : (name as PeerId)
  const packed = owner && packWireRecord(value)
  if (owner === undefined || packed === undefined) return false
  if (held === undefined) records.set(owner, (held = []))
  held.push(packed)
  return true
}

function takeOwner(owners: OwnerChange[], key: string, value: Uint8Array): boolean {
  const owner = key.startsWith(OWNER_ENTRY) ? parsePeerId(key.slice(OWNER_AT)) : undefined
  const reader = new ByteReader(value)
  const [counter, collectedSeq] = [reader.u64(), reader.u64()]
  const signingPublic = reader.remaining === 0 ? undefined : reader.raw(SIGNING_PUBLIC_KEY_BYTES).slice()
  if (owner === undefined || !reader.done) return false
  owners.push({ owner, signingPublic, counter, collectedSeq })
  return true
}

function recordValue(record: LedgerRecord): Uint8Array {
  const writer = new ByteWriter()
  writeRecord(writer, record)
  return writer.finish()
}

function ownerValue({ signingPublic, counter, collectedSeq }: OwnerChange): Uint8Array | undefined {
  if (signingPublic === undefined && collectedSeq === 0) return undefined
  return new ByteWriter()
    .u64(counter)
    .u64(collectedSeq)
    .raw(signingPublic ?? new Uint8Array(0))
    .finish()
}
