import { toHex } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import type { LedgerRecord } from '../wire/mod.ts'

/** A record that is new or gone. A tombstone is a record. */
export interface RecordChange {
  readonly owner: PeerId
  readonly kind: number
  readonly key: Uint8Array
  /** Undefined: nothing is held under this owner, kind and key any more. */
  readonly record: LedgerRecord | undefined
}

/** What is remembered of an owner beside its records. */
export interface OwnerChange {
  readonly owner: PeerId
  /** Undefined: none of its records are held. */
  readonly signingPublic: Uint8Array | undefined
  /** Of this peer the last seq that it gave, or met; of others 0. */
  readonly ownSeq: number
  /** The owner was collected at this seq; 0: it was not. */
  readonly collectedSeq: number
}

/** The newest state of whatever changed. To be stored in one transaction. */
export interface LedgerChanges {
  readonly records: readonly RecordChange[]
  readonly owners: readonly OwnerChange[]
}

/** Gathers changes, one for each record and owner. */
export class ChangeSet {
  #records = new Map<string, RecordChange>()
  #owners = new Set<PeerId>()

  record(record: LedgerRecord): void {
    this.#put(record, record)
  }

  gone(record: LedgerRecord): void {
    this.#put(record, undefined)
  }

  /** What is remembered of the owner itself is other than it was. */
  owner(owner: PeerId): void {
    this.#owners.add(owner)
  }

  #put({ owner, kind, key }: LedgerRecord, record: LedgerRecord | undefined): void {
    this.#records.set(`${owner}/${kind}/${toHex(key)}`, { owner, kind, key, record })
  }

  take(describe: (owner: PeerId) => OwnerChange): LedgerChanges {
    const changes = { records: [...this.#records.values()], owners: [...this.#owners].map(describe) }
    this.#records = new Map()
    this.#owners = new Set()
    return changes
  }
}
