import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'

/** What is asked of an owner that is held. */
interface Held {
  readonly suspendedSince: Millis | undefined
}

/** What part of the places a peer may have, 0 … 1. */
export type ShareOf = (peer: PeerId) => number

/**
 * Who keeps a place when there are more owners than places. Peers that this one has itself met (they proved in the
 * handshake of a link who they are) stand highest, then the others by their share, the larger the higher; lowest are
 * those that have none, the longest suspended first. While no shares are known, all that can be reached stand alike.
 */
export class Standing {
  readonly #self: PeerId
  #met: ReadonlySet<PeerId> = new Set()
  #reachable: ReadonlySet<PeerId> = new Set()
  #shareOf: ShareOf | undefined

  constructor(self: PeerId) {
    this.#self = self
  }

  setMet(peers: Iterable<PeerId>): void {
    this.#met = new Set(peers)
  }

  setReachable(reachable: ReadonlySet<PeerId>, shareOf: ShareOf | undefined): void {
    this.#reachable = reachable
    this.#shareOf = shareOf
  }

  isReachable(owner: PeerId): boolean {
    return owner === this.#self || this.#reachable.has(owner)
  }

  /** The lower the better. */
  rankOf(owner: PeerId): number {
    if (owner === this.#self) return -1
    if (this.#met.has(owner)) return 0
    return 1 / (this.#shareOf?.(owner) ?? (this.#reachable.has(owner) ? 1 : 0))
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
