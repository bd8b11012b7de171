import type { Ipv4 } from '../address/mod.ts'
import { equalBytes } from '../base/mod.ts'
import { encodeAssignedRecord, stripOf, type Assigned } from './assigned-record.ts'
import type { BlockMap } from './block-map.ts'
import { ASSIGNED_STRIP } from './constants.ts'
import type { LeaseTable } from './lease-table.ts'
import type { Loans } from './loans.ts'

/** A change of this peer's own record of kind `assigned`; undefined removes it. */
export interface StripStatement {
  readonly strip: Ipv4
  readonly value: Uint8Array | undefined
}

/** What this peer itself says of single addresses: its loans, and its leases that are in no block of its own. */
export class OwnAssigned {
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  readonly #loans: Loans
  readonly #isEphemeral: boolean
  readonly #dirty = new Set<Ipv4>()
  readonly #published = new Map<Ipv4, Uint8Array>()

  /** `isEphemeral`: what its containers have counts for others only while this peer is there. */
  constructor(map: BlockMap, leases: LeaseTable, loans: Loans, isEphemeral: boolean) {
    this.#map = map
    this.#leases = leases
    this.#loans = loans
    this.#isEphemeral = isEphemeral
  }

  /** The ledger holds this as the own record, from an earlier run. */
  restore(strip: Ipv4, value: Uint8Array): void {
    this.#published.set(strip, value.slice())
    this.#dirty.add(strip)
  }

  /** Blocks changed hands: what is lent of one that is another's is not ours to lend. */
  blocksChanged(blocks: readonly number[]): void {
    const { space, self } = this.#map
    for (const block of blocks) {
      const owner = this.#map.ownerOf(block)
      if (owner !== undefined && owner !== self)
        for (const address of [...this.#loans.inBlock(block)]) this.#loans.end(address)
      if (this.#leases.usedIn(block) === 0) continue
      const { address: first } = space.blockCidr(block)
      for (let strip = stripOf(first); strip < first + space.blockSize; strip += ASSIGNED_STRIP) this.#dirty.add(strip)
    }
  }

  /** All is to be said anew, to another mesh. */
  forget(): void {
    for (const { address } of [...this.#loans.all()]) this.#loans.end(address)
    for (const strip of this.#published.keys()) this.#dirty.add(strip)
    for (const { address } of this.#leases.all()) this.#dirty.add(stripOf(address))
  }

  /** Own records that differ from what was published last. Must be taken, and published, before anything is sent. */
  takePublishes(): StripStatement[] {
    for (const address of this.#leases.takeTouched()) this.#dirty.add(stripOf(address))
    for (const address of this.#loans.takeTouched()) this.#dirty.add(stripOf(address))
    const publishes: StripStatement[] = []
    for (const strip of this.#dirty) {
      const assigned = this.#assignedIn(strip)
      const before = this.#published.get(strip)
      if (assigned.length === 0) {
        if (before !== undefined) publishes.push({ strip, value: undefined })
        this.#published.delete(strip)
        continue
      }
      const value = encodeAssignedRecord(strip, assigned)
      if (before !== undefined && equalBytes(before, value)) continue
      this.#published.set(strip, value)
      publishes.push({ strip, value })
    }
    this.#dirty.clear()
    return publishes
  }

  #assignedIn(strip: Ipv4): Assigned[] {
    const { self } = this.#map
    const assigned: Assigned[] = []
    for (let address = strip; address < strip + ASSIGNED_STRIP; address++) {
      const loan = this.#loans.at(address)
      if (loan !== undefined) assigned.push(loan)
      else if (this.#leases.at(address) !== undefined && !this.#isOwn(address))
        assigned.push({ address, peer: self, loan: 0, isEphemeral: this.#isEphemeral })
    }
    return assigned
  }

  #isOwn(address: Ipv4): boolean {
    const { space, self } = this.#map
    return space.holds(address) && this.#map.ownerOf(space.blockOf(address)) === self
  }
}
