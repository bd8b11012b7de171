import { TokenBucket, type Millis } from '../base/mod.ts'
import type { LedgerLimits } from './constants.ts'
import type { OwnerRecords } from './owner-records.ts'

/** One owner as a ledger sees it. */
export class Owner {
  readonly records: OwnerRecords
  /** Since when nobody reaches it; undefined while somebody does. */
  suspendedSince: Millis | undefined
  /** What was genuine and found no room: the highest seq of it, and the least cost that it would have added. */
  refused: { readonly seq: number; readonly cost: number } | undefined
  readonly #rate: TokenBucket

  constructor(records: OwnerRecords, limits: LedgerLimits, suspendedSince: Millis | undefined) {
    this.records = records
    this.suspendedSince = suspendedSince
    this.#rate = new TokenBucket(limits.ownerBurstBytes, limits.ownerBytesPerSecond)
  }

  /** Whether so much may be taken from this owner now. */
  mayTake(cost: number, now: Millis): boolean {
    return this.#rate.available(now) >= cost
  }

  /** Counts what the owner did sign; what others made up in its name is not its burden. */
  charge(cost: number, now: Millis): void {
    this.#rate.take(cost, now)
  }

  refuse(seq: number, cost: number): void {
    const { refused } = this
    this.refused = { seq: Math.max(seq, refused?.seq ?? 0), cost: Math.min(cost, refused?.cost ?? cost) }
  }
}
