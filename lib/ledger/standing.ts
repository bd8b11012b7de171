import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'

/** What is asked of an owner that is held. */
interface Held {
  readonly suspendedSince: Millis | undefined
}

/**
 * Who keeps a place when there are more owners than places. Peers that this one has itself met (they proved in the handshake
 * of a link who they are) stand highest, then those that can be reached, the nearer the higher; lowest are those that nobody
 * reaches, the longest suspended first. So made-up identities, however many, keep no peer out that has a link to this one.
 */
export class Standing {
  readonly #self: PeerId
  #met: ReadonlySet<PeerId> = new Set()
  #hops: ReadonlyMap<PeerId, number> = new Map()

  constructor(self: PeerId) {
    this.#self = self
  }

  setMet(peers: Iterable<PeerId>): void {
    this.#met = new Set(peers)
  }

  setHops(hops: ReadonlyMap<PeerId, number>): void {
    this.#hops = new Map(hops)
  }

  isReachable(owner: PeerId): boolean {
    return owner === this.#self || this.#hops.has(owner)
  }

  /** The lower the better. */
  rankOf(owner: PeerId): number {
    if (owner === this.#self) return -1
    if (this.#met.has(owner)) return 0
    return Math.max(1, this.#hops.get(owner) ?? Infinity)
  }

  /** Of those held the one that goes first, and its rank. */
  lowest(owners: ReadonlyMap<PeerId, Held>): { readonly owner: PeerId; readonly rank: number } | undefined {
    let lowest: { owner: PeerId; rank: number; since: Millis } | undefined
    for (const [owner, { suspendedSince: since = Infinity }] of owners) {
      const rank = this.rankOf(owner)
      if (lowest === undefined || rank > lowest.rank || (rank === lowest.rank && since < lowest.since))
        lowest = { owner, rank, since }
    }
    return lowest
  }
}
