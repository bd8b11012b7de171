import type { Millis } from '../base/mod.ts'
import { FLOOD_NEIGHBOURS, FLOOD_ORIGINS, FLOOD_PASSED_FACTOR } from './constants.ts'
import { FloodLimit } from './flood-limit.ts'
import { PEER_INDEX_MAX } from './packet-engine.ts'

/**
 * How much of each peer is flooded here. What a neighbour passes on has limits of its own: of all that it passes on, and of
 * each origin by this neighbour. What comes from the origin itself is never dropped for what another passed on. Does not allocate but for a new neighbour.
 */
export class PeerFloods {
  readonly #perSecond: number
  readonly #own: FloodLimit
  readonly #passed: FloodLimit
  readonly #origins: (FloodLimit | undefined)[] = new Array<undefined>(FLOOD_NEIGHBOURS).fill(undefined)

  /** `perSecond`: frames of each peer; 0 for no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#own = new FloodLimit(perSecond, PEER_INDEX_MAX + 1)
    this.#passed = new FloodLimit(perSecond * FLOOD_PASSED_FACTOR, PEER_INDEX_MAX + 1)
  }

  /** Takes frames that began at `origin` and came from `neighbour`, or none of them; peer indices. */
  take(origin: number, neighbour: number, frames: number, now: Millis): boolean {
    if (origin === neighbour) return this.#own.take(origin, frames, now)
    // First: who makes origins up runs out itself, before many are silent.
    if (!this.#passed.take(neighbour, frames, now)) return false
    const slot = neighbour % FLOOD_NEIGHBOURS
    const limit = (this.#origins[slot] ??= new FloodLimit(this.#perSecond, FLOOD_ORIGINS))
    return limit.take(origin, frames, now)
  }
}
