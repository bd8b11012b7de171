import type { PeerId } from '../address/mod.ts'
import { equalBytes, isDrop, type Drop, type Millis } from '../base/mod.ts'
import { decodePageKey, decodeStripKey, rangeChangedError, type Ipam, type Lease } from '../ipam/mod.ts'
import { RECORD_KIND } from '../wire/mod.ts'
import type { NodeContext } from './context.ts'

/** The kinds of records that address management reads, titles after what they rest on. */
export const IPAM_KINDS = [RECORD_KIND.takeover, RECORD_KIND.acks, RECORD_KIND.blocks, RECORD_KIND.assigned] as const

/** Gives address management what the ledger holds. */
export class IpamRecords {
  readonly #context: NodeContext
  readonly #ipam: Ipam

  constructor(context: NodeContext, ipam: Ipam) {
    this.#context = context
    this.#ipam = ipam
  }

  /**
   * Reads all that the ledger holds of an earlier run, before the start. Returns own statements of another mesh: the
   * process ended while it left that one.
   * @throws WeaveError RANGE_CHANGED
   */
  restore(leases: readonly Lease[], now: Millis): readonly StrangeStatement[] {
    const { ledger, config } = this.#context
    const strange: StrangeStatement[] = []
    for (const kind of IPAM_KINDS)
      for (const { owner, key, value } of ledger.records(kind)) {
        const drop = this.#read(owner, kind, key, value, now)
        if (kind === RECORD_KIND.takeover || kind === RECORD_KIND.acks) this.#count(drop)
        if (kind !== RECORD_KIND.blocks || owner !== config.identity.peerId) continue
        if (drop?.reason === 'blocks-range-differs') throw rangeChangedError(config.range, value, leases)
        if (drop?.reason === 'blocks-unproved') strange.push({ key, value })
      }
    return strange
  }

  /** Removes them, unless they were replaced meanwhile. */
  remove(strange: readonly StrangeStatement[]): void {
    const { ledger, config } = this.#context
    for (const { key, value } of strange) {
      const now = ledger.get(config.identity.peerId, RECORD_KIND.blocks, key)
      if (now !== undefined && equalBytes(now.value, value)) ledger.remove(RECORD_KIND.blocks, key)
    }
  }

  /** What is not understood or not believed is counted. */
  take(owner: PeerId, kind: number, key: Uint8Array, value: Uint8Array | undefined, now: Millis): void {
    this.#count(this.#read(owner, kind, key, value, now))
  }

  #count(drop: Drop | undefined): void {
    if (drop !== undefined) this.#context.drop(drop.reason)
  }

  #read(owner: PeerId, kind: number, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    if (kind === RECORD_KIND.takeover) return this.#ipam.setTakeover(owner, key, value, now)
    if (kind === RECORD_KIND.acks) return this.#ipam.setAcks(owner, value, now)
    if (kind === RECORD_KIND.assigned) {
      const strip = decodeStripKey(key)
      return isDrop(strip) ? strip : this.#ipam.setAssigned(owner, strip, value, now)
    }
    const page = decodePageKey(key)
    return isDrop(page) ? page : this.#ipam.setStatements(owner, page, value, now)
  }
}

interface StrangeStatement {
  readonly key: Uint8Array
  readonly value: Uint8Array
}
