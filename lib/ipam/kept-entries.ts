import { formatIpv4, parsePeerId, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { Donor } from './donor.ts'
import type { IpamOutput } from './ipam-output.ts'
import type { LeaseTable } from './lease-table.ts'
import type { Reclaims } from './reclaims.ts'
import type { RequestIds } from './request-ids.ts'
import { decodeFreed, encodeFreed } from './stored-lease.ts'

/** What is stored of a takeover that was acted upon: only that it was. */
const RECLAIMED = Uint8Array.of(1)

const ENTRY_KEY = { ids: 'ids', answers: 'answers/', freed: 'freed/', reclaimed: 'reclaimed/' } as const

export interface KeptParts {
  readonly ids: RequestIds
  readonly donor: Donor
  readonly leases: LeaseTable
  readonly reclaims: Reclaims
  readonly emit: (output: IpamOutput) => void
}

/** What the store keeps besides leases: ids of requests, answers, addresses that rest, takeovers that were acted upon. */
export class KeptEntries {
  readonly #parts: KeptParts

  constructor(parts: KeptParts) {
    this.#parts = parts
  }

  /** Puts back what was kept, after the leases. False when it is not understood. */
  restore(key: string, value: Uint8Array, now: Millis): boolean {
    const { ids, donor, leases, reclaims } = this.#parts
    if (key === ENTRY_KEY.ids) return ids.restore(value)
    if (key.startsWith(ENTRY_KEY.answers)) {
      const from = parsePeerId(key.slice(ENTRY_KEY.answers.length))
      return from !== undefined && donor.answers.restore(from, value)
    }
    if (key.startsWith(ENTRY_KEY.reclaimed)) {
      reclaims.restore(key.slice(ENTRY_KEY.reclaimed.length))
      return true
    }
    const freed = key.startsWith(ENTRY_KEY.freed) ? decodeFreed(value) : undefined
    if (freed !== undefined) leases.restoreFreed(freed, now)
    return freed !== undefined
  }

  keepIds(value: Uint8Array): void {
    this.#keep(ENTRY_KEY.ids, value)
  }

  keepReclaimed(takeover: string, isKept: boolean): void {
    this.#keep(ENTRY_KEY.reclaimed + takeover, isKept ? RECLAIMED : undefined)
  }

  keepAnswers(to: PeerId): void {
    this.#keep(ENTRY_KEY.answers + to, this.#parts.donor.answers.encode(to))
  }

  forgetAnswers(to: PeerId): void {
    this.#keep(ENTRY_KEY.answers + to, undefined)
  }

  keepFreed(): void {
    for (const { address, freed } of this.#parts.leases.takeFreed())
      this.#keep(ENTRY_KEY.freed + formatIpv4(address), freed && encodeFreed(freed))
  }

  #keep(key: string, value: Uint8Array | undefined): void {
    this.#parts.emit({ type: 'keep', key, value })
  }
}
