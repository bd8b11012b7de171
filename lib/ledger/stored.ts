import { ByteReader, ByteWriter, toHex } from '../base/bytes.ts'
import { Drop, isDrop, type Decoded } from '../base/drop.ts'
import { PEER_ID_CHARACTERS, parsePeerId, type PeerId } from '../address/peer-id.ts'
import { SIGNING_PUBLIC_KEY_BYTES } from '../wire/ledger-message.ts'
import { readRecord, writeRecord, type LedgerRecord } from '../wire/record.ts'
import type { LedgerChanges, OwnerChange } from './changes.ts'

/**
 * How the ledger lies in a key-value store.
 *
 *     "r" owner id, kind (2 hex), key (hex) → the record as in a delta (wire/record.ts)
 *     "o" owner id                          → | mark u64 | collected seq u64 | signing public key (32), or nothing |
 */
export interface StoreEntry {
  readonly key: string
  /** Undefined: delete the key. */
  readonly value: Uint8Array | undefined
}

export interface StoredLedger {
  readonly owners: readonly OwnerChange[]
  readonly records: ReadonlyMap<PeerId, readonly LedgerRecord[]>
}

/** What to write, in one transaction. */
export function storeEntries(changes: LedgerChanges): StoreEntry[] {
  const records = changes.records.map(({ owner, kind, key, record }) => ({
    key: `r${owner}${kind.toString(16).padStart(2, '0')}${toHex(key)}`,
    value: record && recordValue(record),
  }))
  const owners = changes.owners.map(change => ({ key: `o${change.owner}`, value: ownerValue(change) }))
  return [...records, ...owners]
}

/** Reads back all entries; a Drop when one of them is damaged, for then none can be relied on. */
export function readStore(entries: Iterable<{ key: string; value: Uint8Array }>): Decoded<StoredLedger> {
  const owners: OwnerChange[] = []
  const records = new Map<PeerId, LedgerRecord[]>()
  for (const { key, value } of entries) {
    const owner = parsePeerId(key.slice(1, 1 + PEER_ID_CHARACTERS))
    const reader = new ByteReader(value)
    if (owner === undefined) return new Drop('store-key')
    if (key.startsWith('o') && key.length === 1 + PEER_ID_CHARACTERS) {
      const [mark, collectedSeq] = [reader.u64(), reader.u64()]
      const signingPublic = reader.remaining === 0 ? undefined : reader.raw(SIGNING_PUBLIC_KEY_BYTES).slice()
      if (!reader.done) return new Drop('store-owner')
      owners.push({ owner, signingPublic, mark, collectedSeq })
    } else if (key.startsWith('r')) {
      const record = readRecord(reader, owner)
      if (isDrop(record)) return record
      if (!reader.done) return new Drop('store-record')
      const held = records.get(owner)
      if (held) held.push(record)
      else records.set(owner, [record])
    } else {
      return new Drop('store-key')
    }
  }
  if ([...records.keys()].some(owner => !owners.some(other => other.owner === owner && other.signingPublic))) {
    return new Drop('store-owner-missing')
  }
  return { owners, records }
}

function recordValue(record: LedgerRecord): Uint8Array {
  const writer = new ByteWriter()
  writeRecord(writer, record)
  return writer.finish()
}

function ownerValue({ signingPublic, mark, collectedSeq }: OwnerChange): Uint8Array | undefined {
  if (signingPublic === undefined && collectedSeq === 0) return undefined
  return new ByteWriter()
    .u64(mark)
    .u64(collectedSeq)
    .raw(signingPublic ?? new Uint8Array(0))
    .finish()
}
