import { equalBytes, toHex } from '../base/bytes.ts'
import type { PeerId } from '../address/peer-id.ts'
import { RECORD_KIND, recordBytes, type LedgerRecord } from '../wire/record.ts'

/** What a record would do to the records held: `new` wins, `held` is known already, `stale` has lost for good. */
export type Verdict = 'new' | 'held' | 'stale'

/**
 * The records held of one owner: a total, order-independent merge. Of two with the same kind and key the higher seq wins
 * (of two with the same seq, which only a broken owner makes, the greater signature). A floor record voids all below it.
 */
export class OwnerRecords {
  readonly owner: PeerId
  readonly signingPublic: Uint8Array
  readonly #kinds = new Map<number, Map<string, LedgerRecord>>()
  #ordered: LedgerRecord[] | undefined
  #mark = 0
  #floor = 0
  #count = 0
  #bytes = 0
  #tombstones = 0

  constructor(owner: PeerId, signingPublic: Uint8Array) {
    this.owner = owner
    this.signingPublic = signingPublic
  }

  /** Every live record up to this seq is held. */
  get mark(): number {
    return this.#mark
  }

  /** Records with a lower seq are void. */
  get floor(): number {
    return this.#floor
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get tombstones(): number {
    return this.#tombstones
  }

  /** The highest seq held, contiguously or not. */
  get lastSeq(): number {
    return Math.max(this.#mark, this.ordered().at(-1)?.seq ?? 0)
  }

  raiseMark(seq: number): boolean {
    if (seq <= this.#mark) return false
    this.#mark = seq
    return true
  }

  get(kind: number, key: Uint8Array): LedgerRecord | undefined {
    return this.#kinds.get(kind)?.get(toHex(key))
  }

  /** Records of one kind, tombstones included. */
  ofKind(kind: number): Iterable<LedgerRecord> {
    return this.#kinds.get(kind)?.values() ?? []
  }

  /** All records in the order of their seq, tombstones included. */
  ordered(): readonly LedgerRecord[] {
    this.#ordered ??= [...this.#kinds.values()].flatMap(keys => [...keys.values()]).sort((a, b) => a.seq - b.seq)
    return this.#ordered
  }

  judge(record: LedgerRecord): Verdict {
    if (record.seq < this.#floor) return 'stale'
    const held = this.get(record.kind, record.key)
    if (held === undefined || held.seq < record.seq) return 'new'
    if (held.seq > record.seq) return 'stale'
    if (equalBytes(held.signature, record.signature)) return 'held'
    return toHex(held.signature) < toHex(record.signature) ? 'new' : 'stale'
  }

  /** How many records and bytes more there would be with `record`. */
  growth(record: LedgerRecord): { records: number; bytes: number } {
    const held = this.get(record.kind, record.key)
    return { records: held ? 0 : 1, bytes: recordBytes(record) - (held ? recordBytes(held) : 0) }
  }

  /** Stores a record that was judged `new`; returns the records that it made void. */
  store(record: LedgerRecord): LedgerRecord[] {
    const key = toHex(record.key)
    let keys = this.#kinds.get(record.kind)
    if (keys === undefined) this.#kinds.set(record.kind, (keys = new Map()))
    const held = keys.get(key)
    if (held) this.#account(held, -1)
    keys.set(key, record)
    this.#account(record, 1)
    this.#append(record, held)
    return isFloor(record) ? this.#raiseFloor(record.seq) : []
  }

  #append(record: LedgerRecord, held: LedgerRecord | undefined): void {
    const last = this.#ordered?.at(-1)
    if (held || (last && last.seq > record.seq)) this.#ordered = undefined
    else this.#ordered?.push(record)
  }

  #account(record: LedgerRecord, sign: 1 | -1): void {
    this.#count += sign
    this.#bytes += sign * recordBytes(record)
    if (record.isTombstone) this.#tombstones += sign
  }

  #raiseFloor(seq: number): LedgerRecord[] {
    this.#floor = seq
    const gone: LedgerRecord[] = []
    for (const [kind, keys] of this.#kinds) {
      for (const [key, record] of keys) {
        if (record.seq >= seq) continue
        keys.delete(key)
        this.#account(record, -1)
        gone.push(record)
      }
      if (keys.size === 0) this.#kinds.delete(kind)
    }
    this.#ordered = undefined
    // Nothing below the floor is live, so all up to it is held.
    this.raiseMark(seq)
    return gone
  }
}

function isFloor(record: LedgerRecord): boolean {
  return record.kind === RECORD_KIND.floor && record.key.length === 0
}
