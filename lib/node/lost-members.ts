import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { REUNION_AFTER_MS } from './constants.ts'

/** Which members this peer does not reach, and since when; whether they could decide without it. Bounded by the members. */
export class LostMembers {
  readonly #self: PeerId
  #count = 1
  readonly #since = new Map<PeerId, Millis>()
  /** Members that were reached in this run, or that an earlier one knew. */
  readonly #met = new Set<PeerId>()
  /** When a former neighbour was heard over its link last: it may have been lost long before the link ended. */
  readonly #heardAt = new Map<PeerId, Millis>()

  constructor(self: PeerId) {
    this.#self = self
  }

  /** The members that an earlier run knew. */
  restore(members: ReadonlySet<PeerId>, now: Millis): void {
    this.look(members, new Set(), now)
    for (const peer of this.#since.keys()) this.#met.add(peer)
  }

  /** Takes who the members are, and who of them is reached. Returns those that were lost for a while. */
  look(members: ReadonlySet<PeerId>, reachable: ReadonlySet<PeerId>, now: Millis): PeerId[] {
    const returned: PeerId[] = []
    for (const peer of members) {
      if (peer === this.#self) continue
      if (!reachable.has(peer)) {
        if (!this.#since.has(peer)) this.#since.set(peer, this.#heardAt.get(peer) ?? now)
        continue
      }
      if (this.isLost(peer, now)) returned.push(peer)
      this.#since.delete(peer)
      this.#heardAt.delete(peer)
      this.#met.add(peer)
    }
    for (const known of [this.#since, this.#heardAt, this.#met])
      for (const peer of known.keys()) if (!members.has(peer)) known.delete(peer)
    this.#count = members.size + (members.has(this.#self) ? 0 : 1)
    return returned
  }

  /** The link to a neighbour ended. */
  handleLinkDown(peer: PeerId, heardAt: Millis): void {
    if (this.#met.has(peer)) this.#heardAt.set(peer, heardAt)
  }

  /** This peer heard of nobody since then. */
  loseAll(since: Millis): void {
    for (const peer of this.#met)
      if (!this.#since.has(peer)) this.#since.set(peer, Math.min(since, this.#heardAt.get(peer) ?? since))
  }

  /** True for a member that was met, and not reached for a while. */
  isLost(peer: PeerId, now: Millis): boolean {
    const since = this.#since.get(peer)
    return since !== undefined && this.#met.has(peer) && now - since >= REUNION_AFTER_MS
  }

  /** When a member was reached last, or when this run began; undefined for one that is reached, and for a stranger. */
  lostSince(peer: PeerId): Millis | undefined {
    return this.#since.get(peer)
  }

  /** True when those that are not reached are more than half of all but this peer: so many take its blocks over. */
  get areMost(): boolean {
    return this.#since.size > (this.#count - 1) / 2
  }

  clear(): void {
    this.#count = 1
    for (const known of [this.#since, this.#heardAt, this.#met]) known.clear()
  }
}
