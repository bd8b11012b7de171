import type { PeerId } from '../address/peer-id.ts'
import { deltaBytes, inRange, type DigestEntry, type LedgerDelta, type LedgerDigest } from '../wire/ledger-message.ts'
import { digestsOf, missing } from './deltas.ts'
import type { OwnerRecords } from './owner-records.ts'

type Range = Pick<LedgerDigest, 'after' | 'until'>

/** Anti-entropy over the owners of a ledger: tells what is held, and finds what somebody else lacks. Changes nothing. */
export class Reconciler {
  readonly #owners: ReadonlyMap<PeerId, { readonly records: OwnerRecords }>
  readonly #collected: ReadonlyMap<PeerId, number>
  readonly #messageBytesMax: number
  #turn = 0

  constructor(
    owners: ReadonlyMap<PeerId, { readonly records: OwnerRecords }>,
    collected: ReadonlyMap<PeerId, number>,
    messageBytesMax: number,
  ) {
    this.#owners = owners
    this.#collected = collected
    this.#messageBytesMax = messageBytesMax
  }

  digests(range: Range, wantsReply: boolean): LedgerDigest[] {
    return digestsOf(this.#entries(), range, wantsReply)
  }

  /** True when the digest claims something that is not held here. */
  lacks(digest: LedgerDigest): boolean {
    return digest.entries.some(({ owner, seq }) => seq > this.#seqOf(owner))
  }

  deltasFor(digest: LedgerDigest, budgetBytes: number): LedgerDelta[] {
    const claims = new Map(digest.entries.map(({ owner, seq }) => [owner, seq]))
    const claimed = (owner: PeerId) => claims.get(owner) ?? 0
    const lacking = [...this.#owners.values()].filter(
      ({ records }) => inRange(digest, records.owner) && records.lastSeq > claimed(records.owner),
    )
    const deltas: LedgerDelta[] = []
    let left = budgetBytes
    // Each call begins with another owner, so that one whose deltas are always refused starves nobody.
    const first = this.#turn++
    for (let i = 0; i < lacking.length; i++) {
      const { records } = lacking[(first + i) % lacking.length]!
      for (const delta of missing(records, claimed(records.owner), this.#messageBytesMax)) {
        const bytes = deltaBytes(delta)
        if (deltas.length > 0 && bytes > left) return deltas
        deltas.push(delta)
        left -= bytes
      }
    }
    return deltas
  }

  /** For a collected owner its last seq: nothing up to there is wanted. */
  #seqOf(owner: PeerId): number {
    return Math.max(this.#owners.get(owner)?.records.mark ?? 0, this.#collected.get(owner) ?? 0)
  }

  #entries(): DigestEntry[] {
    return [...new Set([...this.#owners.keys(), ...this.#collected.keys()])]
      .sort()
      .map(owner => ({ owner, seq: this.#seqOf(owner) }))
      .filter(({ seq }) => seq > 0)
  }
}
