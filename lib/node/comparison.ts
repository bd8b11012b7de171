import type { PeerId } from '../address/mod.ts'
import { equalBytes } from '../base/mod.ts'
import type { Ledger } from '../ledger/mod.ts'
import { SYNC_DEPTH_MAX, type LedgerSync } from '../wire/mod.ts'

const CHILDREN_OF_A_PREFIX = 16

/**
 * Finds out, for this side alone, whether a neighbour holds anything that this peer lacks. The reconciliation of ledgers
 * goes silent when nothing differs, so it does not tell when it is done; here every question has an answer: a sum that is
 * no sum differs from what the other side holds, and it tells what that is.
 *
 * What is found lacking is asked for by the reconciliation, to which the same answers go.
 */
export class Comparison {
  readonly peer: PeerId
  readonly #ledger: Pick<Ledger, 'probe' | 'sumUnder' | 'lacks'>
  /** Prefixes that were asked about. Bounded: only children of one that was asked about come in. */
  readonly #open = new Set<string>()
  /** What the other side holds of owners, and this side did not when it heard of it. */
  readonly #awaited = new Map<PeerId, number>()

  constructor(ledger: Pick<Ledger, 'probe' | 'sumUnder' | 'lacks'>, peer: PeerId) {
    this.#ledger = ledger
    this.peer = peer
  }

  begin(): LedgerSync {
    this.#open.add('')
    return this.#ledger.probe([''])
  }

  /** Takes what the neighbour told; what to ask next, if anything. */
  take(sync: LedgerSync): LedgerSync | undefined {
    for (const { prefix, owners } of sync.lists) {
      this.#open.delete(prefix)
      for (const { owner, lastSeq } of owners) if (this.#ledger.lacks(owner, lastSeq)) this.#awaited.set(owner, lastSeq)
    }
    const next: string[] = []
    for (const [parent, children] of byParent(sync)) {
      if (children.length !== CHILDREN_OF_A_PREFIX || !this.#open.delete(parent)) continue
      for (const { prefix, sum } of children)
        if (sum.some(byte => byte !== 0) && !equalBytes(sum, this.#ledger.sumUnder(prefix))) next.push(prefix)
    }
    for (const prefix of next) this.#open.add(prefix)
    return next.length === 0 ? undefined : this.#ledger.probe(next)
  }

  /** Everything was told, and what was lacking has come. */
  get isComplete(): boolean {
    if (this.#open.size > 0) return false
    for (const [owner, lastSeq] of this.#awaited) {
      if (this.#ledger.lacks(owner, lastSeq)) return false
      this.#awaited.delete(owner)
    }
    return true
  }
}

function byParent(sync: LedgerSync): Map<string, { readonly prefix: string; readonly sum: Uint8Array }[]> {
  const found = new Map<string, { readonly prefix: string; readonly sum: Uint8Array }[]>()
  for (const one of sync.sums) {
    if (one.prefix === '' || one.prefix.length > SYNC_DEPTH_MAX) continue
    const parent = one.prefix.slice(0, -1)
    found.set(parent, [...(found.get(parent) ?? []), one])
  }
  return found
}
