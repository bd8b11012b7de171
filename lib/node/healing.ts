import type { PeerId } from '../address/mod.ts'
import type { Chance } from '../base/mod.ts'
import { HEALING_ALONE_MAX, HEALING_DELAY_MS, HEALING_MAX, RETRY_FIRST_MS, RETRY_LAST_MS } from './constants.ts'

interface Slot {
  readonly peer: PeerId
  readonly delayMs: number
}

/**
 * Which of the peers that nobody reaches are dialled, in case the mesh fell apart: a few at a time, drawn anew after
 * each failure, ever more slowly. So many peers that are gone cost no more than a few.
 */
export class Healing {
  readonly #chance: Chance
  #slots: Slot[] = []
  #waitMs = 0
  #lost = 0

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /**
   * `lost`: who is known, and neither reached nor a neighbour. `isAlone`: this peer has no link at all, as after a start:
   * nobody will tell it more. Returns whom to dial, and how long to wait before.
   */
  choose(lost: readonly PeerId[], hasFailed: (peer: PeerId) => boolean, isAlone = false): readonly Slot[] {
    // Somebody was lost just now: the way back may be as near.
    if (lost.length > this.#lost) this.#waitMs = 0
    this.#lost = lost.length
    const open = new Set(lost)
    const isDone = (peer: PeerId) => !open.has(peer) || (hasFailed(peer) && lost.length > this.#slots.length)
    const failures = this.#slots.filter(({ peer }) => open.has(peer) && isDone(peer)).length
    if (failures > 0) this.#waitMs = Math.min(Math.max(2 * this.#waitMs, RETRY_FIRST_MS), RETRY_LAST_MS)
    const last = new Set(this.#slots.map(({ peer }) => peer))
    this.#slots = this.#slots.filter(({ peer }) => !isDone(peer))
    const rest = lost.filter(peer => !last.has(peer))
    while (this.#slots.length < (isAlone ? HEALING_ALONE_MAX : HEALING_MAX) && rest.length > 0) {
      const at = Math.floor(this.#chance() * rest.length)
      const peer = rest[at]!
      rest[at] = rest.at(-1)!
      rest.pop()
      // Of who just came to the mesh the records arrive one after the other: it is about to be reached.
      const waitMs = (isAlone ? 0 : HEALING_DELAY_MS) + this.#waitMs * (0.5 + this.#chance())
      this.#slots.push({ peer, delayMs: Math.round(waitMs) })
    }
    return this.#slots
  }
}
