import { PEER_ID_BYTES, peerIdBytes, type PeerId } from '../address/mod.ts'
import { firstNotBelow, fromHex } from '../base/mod.ts'
import { SUM_BYTES } from '../wire/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import type { OwnerRecords } from './owner-records.ts'

const ROW_BYTES = PEER_ID_BYTES + SUM_BYTES
const ROWS_MIN = 16
const HASH_BYTES = 64
const NO_SUM = new Uint8Array(SUM_BYTES)

/**
 * What is held, in sums that are equal for two ledgers exactly when their records are.
 *
 * An owner's sum is over the signatures of its records by seq and signature; the sum of a prefix over the rows
 * | owner (16) | sum (16) | of the owners under it, ascending. Each is the first 16 bytes of BLAKE2b-512. The rows lie in one
 * array, so even the sum of all owners is one hash over what lies there; only what changed is summed anew.
 */
export class SumTable {
  readonly #suite: Pick<CryptoSuite, 'hash'>
  readonly #recordsOf: (owner: PeerId) => OwnerRecords | undefined
  readonly #changed = new Set<PeerId>()
  readonly #owners: PeerId[] = []
  #rows = new Uint8Array(ROWS_MIN * ROW_BYTES)
  #root: Uint8Array | undefined

  constructor(suite: Pick<CryptoSuite, 'hash'>, recordsOf: (owner: PeerId) => OwnerRecords | undefined) {
    this.#suite = suite
    this.#recordsOf = recordsOf
  }

  /** The owner's records are others now. */
  changed(owner: PeerId): void {
    this.#changed.add(owner)
  }

  /** 16 bytes; undefined when nothing of the owner is held. */
  sumOf(owner: PeerId): Uint8Array | undefined {
    this.#refresh()
    const id = peerIdBytes(owner)
    const row = this.#firstNotBelow(id)
    return this.#isAt(row, id) ? this.#row(row).slice(PEER_ID_BYTES) : undefined
  }

  /** Of all owners whose id begins with these hex digits: 16 bytes, zeros when there is none. */
  sumUnder(prefix: string): Uint8Array {
    this.#refresh()
    if (prefix === '' && this.#root !== undefined) return this.#root
    const [first, end] = this.#range(prefix)
    const sum = first === end ? NO_SUM : this.#hash(this.#rows.subarray(first * ROW_BYTES, end * ROW_BYTES))
    if (prefix === '') this.#root = sum
    return sum
  }

  countUnder(prefix: string): number {
    this.#refresh()
    const [first, end] = this.#range(prefix)
    return end - first
  }

  /** Ascending by the bytes of their ids. */
  ownersUnder(prefix: string): PeerId[] {
    this.#refresh()
    return this.#owners.slice(...this.#range(prefix))
  }

  #refresh(): void {
    if (this.#changed.size === 0) return
    for (const owner of this.#changed) {
      const records = this.#recordsOf(owner)
      if (records === undefined || records.count === 0) this.#remove(owner)
      else this.#set(owner, this.#hash(records.signatures()))
    }
    this.#changed.clear()
    this.#root = undefined
  }

  #set(owner: PeerId, sum: Uint8Array): void {
    const id = peerIdBytes(owner)
    const row = this.#firstNotBelow(id)
    if (!this.#isAt(row, id)) {
      this.#reserve()
      this.#rows.copyWithin((row + 1) * ROW_BYTES, row * ROW_BYTES, this.#owners.length * ROW_BYTES)
      this.#owners.splice(row, 0, owner)
      this.#row(row).set(id)
    }
    this.#row(row).set(sum, PEER_ID_BYTES)
  }

  #remove(owner: PeerId): void {
    const id = peerIdBytes(owner)
    const row = this.#firstNotBelow(id)
    if (!this.#isAt(row, id)) return
    this.#rows.copyWithin(row * ROW_BYTES, (row + 1) * ROW_BYTES, this.#owners.length * ROW_BYTES)
    this.#owners.splice(row, 1)
  }

  #reserve(): void {
    if ((this.#owners.length + 1) * ROW_BYTES <= this.#rows.length) return
    const grown = new Uint8Array(this.#rows.length * 2)
    grown.set(this.#rows)
    this.#rows = grown
  }

  #row(row: number): Uint8Array {
    return this.#rows.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES)
  }

  #isAt(row: number, id: Uint8Array): boolean {
    return row < this.#owners.length && this.#compare(row, id) === 0
  }

  /** Of the id in a row with another: below 0 where it comes before. In place, for this is the innermost loop of all. */
  #compare(row: number, id: Uint8Array): number {
    const rows = this.#rows
    const at = row * ROW_BYTES
    for (let i = 0; i < PEER_ID_BYTES; i++) if (rows[at + i] !== id[i]) return rows[at + i]! - id[i]!
    return 0
  }

  /** The rows under a prefix: from the first id that can begin so to the last. */
  #range(prefix: string): [first: number, end: number] {
    if (prefix === '') return [0, this.#owners.length]
    const first = this.#firstNotBelow(fromHex(prefix.padEnd(2 * PEER_ID_BYTES, '0'))!)
    const last = fromHex(prefix.padEnd(2 * PEER_ID_BYTES, 'f'))!
    const end = this.#firstNotBelow(last)
    return [first, this.#isAt(end, last) ? end + 1 : end]
  }

  #firstNotBelow(id: Uint8Array): number {
    return firstNotBelow(this.#owners.length, row => this.#compare(row, id) < 0)
  }

  #hash(bytes: Uint8Array): Uint8Array {
    return this.#suite.hash(bytes, HASH_BYTES).slice(0, SUM_BYTES)
  }
}
