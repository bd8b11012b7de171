import { macOfHalves, type Mac } from '../address/mod.ts'
import type { ForwardingTable } from './forwarding.ts'

const NO_LISTENER: ReadonlySet<number> = new Set()

/** Which peers listen to which groups, as the table of a lane says it; of whom it says nothing listens to all. */
export class Listeners {
  readonly #byPeer = new Map<number, readonly Mac[]>()
  readonly #byGroup = new Map<Mac, Set<number>>()

  setTable({ listening = [] }: Pick<ForwardingTable, 'listening'>): void {
    const gone = new Set(this.#byPeer.keys())
    for (const [peer, groups] of listening) {
      gone.delete(peer)
      if (this.#byPeer.get(peer) === groups) continue
      this.#remove(peer)
      this.#byPeer.set(peer, groups)
      for (const group of groups) {
        const peers = this.#byGroup.get(group)
        if (peers === undefined) this.#byGroup.set(group, new Set([peer]))
        else peers.add(peer)
      }
    }
    for (const peer of gone) this.#remove(peer)
  }

  /** Who listens to a group of Ethernet (the address's upper 16 and lower 32 bits), of those that are told apart. */
  of(high: number, low: number): ReadonlySet<number> {
    return this.#byGroup.get(macOfHalves(high, low)) ?? NO_LISTENER
  }

  /** Whether the peer gets frames for whatever group. */
  isForAll(peer: number): boolean {
    return !this.#byPeer.has(peer)
  }

  #remove(peer: number): void {
    for (const group of this.#byPeer.get(peer) ?? []) {
      const peers = this.#byGroup.get(group)!
      peers.delete(peer)
      if (peers.size === 0) this.#byGroup.delete(group)
    }
    this.#byPeer.delete(peer)
  }
}
