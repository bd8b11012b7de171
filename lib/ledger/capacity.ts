import type { LedgerDrop, LedgerLimits } from './constants.ts'
import type { OwnerRecords } from './owner-records.ts'
import type { PackedRecord } from './packed-record.ts'

/**
 * What there is room for. Every foreign owner has a share that is its own; beyond it all of them use one surplus. So
 * nobody can use up what others need to be part of the mesh.
 */
export class Capacity {
  readonly #limits: LedgerLimits
  #surplus = 0

  constructor(limits: LedgerLimits) {
    this.#limits = limits
  }

  /** Why a record that was judged `new` finds no room; undefined when it finds it. */
  lack(records: OwnerRecords, packed: PackedRecord): LedgerDrop | undefined {
    const growth = records.growth(packed)
    if (growth.records > 0 && growth.cost > 0 && records.count >= this.#limits.ownerRecordsMax)
      return 'too-many-records'
    return this.#lackOf(records, growth.cost)
  }

  /** Whether one more record that adds so much cost would find room. */
  hasRoom(records: OwnerRecords, cost: number): boolean {
    return records.count < this.#limits.ownerRecordsMax && this.#lackOf(records, cost) === undefined
  }

  #lackOf({ cost }: OwnerRecords, growth: number): LedgerDrop | undefined {
    if (growth <= 0) return undefined
    if (cost + growth > this.#limits.ownerCostMax) return 'owner-too-large'
    const surplus = this.#beyondShare(cost + growth) - this.#beyondShare(cost)
    return surplus > 0 && this.#surplus + surplus > this.#limits.surplusBytesMax ? 'ledger-full' : undefined
  }

  /** An owner's cost changed; 0 stands for one that is not held. */
  moved(costBefore: number, cost: number): void {
    this.#surplus += this.#beyondShare(cost) - this.#beyondShare(costBefore)
  }

  #beyondShare(cost: number): number {
    return Math.max(0, cost - this.#limits.ownerShareBytes)
  }
}
