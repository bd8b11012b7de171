import { ByteReader, ByteWriter, toHex } from '../base/mod.ts'
import { parsePeerId, PEER_ID_CHARACTERS, type PeerId } from '../address/mod.ts'
import { SIGNING_PUBLIC_KEY_BYTES, recordBytes, writeRecord, type LedgerRecord } from '../wire/mod.ts'
import type { LedgerChanges, OwnerChange } from './changes.ts'
import { packWireRecord, type PackedRecord } from './packed-record.ts'

/**
 * How the ledger lies in a key-value store.
 *
 *     "r" owner id, kind (2 hex), key (hex) → the record as in a delta (wire/record.ts)
 *     "o" owner id                          → | own seq u64 | collected seq u64 | signing public key (32), or nothing |
 */
export interface LedgerStoreEntry {
  readonly key: string
  /** Undefined: delete the key. Made when it is asked for, since what changes again before it is written need not be. */
  readonly value: () => Uint8Array | undefined
}

/** What was stored, or a piece of it: owners, and the records of just these. */
export interface StoredLedger {
  readonly owners: readonly OwnerChange[]
  readonly records: ReadonlyMap<PeerId, readonly PackedRecord[]>
}

const OWNER_ENTRY = 'o'
const RECORD_ENTRY = 'r'
const OWNER_AT = 1
const OWNER_END = OWNER_AT + PEER_ID_CHARACTERS

/** What to write, in one transaction. */
export function storeEntries(changes: LedgerChanges): LedgerStoreEntry[] {
  const records = changes.records.map(({ owner, kind, key, record }) => ({
    key: `${RECORD_ENTRY}${owner}${kind.toString(16).padStart(2, '0')}${toHex(key)}`,
    value: () => record && recordValue(record),
  }))
  const owners = changes.owners.map(change => ({
    key: `${OWNER_ENTRY}${change.owner}`,
    value: () => ownerValue(change),
  }))
  return [...records, ...owners]
}

/**
 * Reads back what can be read, in pieces. Entries come in the order of their keys: so all owners before all records,
 * and the records of one owner together.
 *
 * An entry that is damaged costs that record; a damaged entry of an owner costs those of its records for which it names
 * the key. All of it comes back from the mesh, for nothing is claimed of what is missing.
 */
export class StoreReader {
  /** Those of which not all was given yet. */
  readonly #owners = new Map<PeerId, OwnerChange>()
  #records = new Map<PeerId, PackedRecord[]>()
  #last: PeerId | undefined

  /** False when the entry makes no sense: it should be deleted. */
  take(key: string, value: Uint8Array): boolean {
    return key.startsWith(RECORD_ENTRY) ? this.#takeRecord(key, value) : this.#takeOwner(key, value)
  }

  /** The owners of which all records were taken, with them, each owner once; what follows is kept. */
  whole(): StoredLedger {
    const last = this.#last === undefined ? undefined : this.#records.get(this.#last)
    if (this.#last !== undefined) this.#records.delete(this.#last)
    const ledger = { owners: this.#ownersOf(this.#records.keys()), records: this.#records }
    this.#records = new Map()
    if (this.#last !== undefined && last !== undefined) this.#records.set(this.#last, last)
    return ledger
  }

  /** All that was taken and not yet given, when nothing comes any more. */
  rest(): StoredLedger {
    const ledger = { owners: [...this.#owners.values()], records: this.#records }
    this.#owners.clear()
    this.#records = new Map()
    this.#last = undefined
    return ledger
  }

  #ownersOf(ids: Iterable<PeerId>): OwnerChange[] {
    const owners: OwnerChange[] = []
    for (const id of ids) {
      const owner = this.#owners.get(id)
      if (owner !== undefined) owners.push(owner)
      this.#owners.delete(id)
    }
    return owners
  }

  #takeRecord(key: string, value: Uint8Array): boolean {
    const name = key.slice(OWNER_AT, OWNER_END)
    const held = this.#records.get(name as PeerId)
    const owner = held === undefined ? parsePeerId(name) : (name as PeerId)
    const packed = owner && packWireRecord(value)
    if (owner === undefined || packed === undefined) return false
    if (held === undefined) this.#records.set(owner, [packed])
    else held.push(packed)
    this.#last = owner
    return true
  }

  #takeOwner(key: string, value: Uint8Array): boolean {
    const owner = key.startsWith(OWNER_ENTRY) ? parsePeerId(key.slice(OWNER_AT)) : undefined
    const reader = new ByteReader(value)
    const [ownSeq, collectedSeq] = [reader.u64(), reader.u64()]
    const signingPublic = reader.remaining === 0 ? undefined : reader.raw(SIGNING_PUBLIC_KEY_BYTES).slice()
    if (owner === undefined || !reader.done) return false
    this.#owners.set(owner, { owner, signingPublic, ownSeq, collectedSeq })
    return true
  }
}

function recordValue(record: LedgerRecord): Uint8Array {
  const writer = new ByteWriter(recordBytes(record))
  writeRecord(writer, record)
  return writer.finish()
}

function ownerValue({ signingPublic, ownSeq, collectedSeq }: OwnerChange): Uint8Array | undefined {
  if (signingPublic === undefined && collectedSeq === 0) return undefined
  return new ByteWriter()
    .u64(ownSeq)
    .u64(collectedSeq)
    .raw(signingPublic ?? new Uint8Array(0))
    .finish()
}
