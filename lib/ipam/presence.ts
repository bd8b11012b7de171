import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { ALL_REACHED_MS } from './constants.ts'

/** Who is of the mesh, and since when each can be reached or not. Bounded by the owners of the ledger. */
export class Presence {
  readonly #self: PeerId
  #members: ReadonlySet<PeerId> = new Set()
  readonly #reachedSince = new Map<PeerId, Millis>()
  readonly #lostSince = new Map<PeerId, Millis>()
  #version = 0

  constructor(self: PeerId) {
    this.#self = self
  }

  /** Grows whenever somebody can be reached, or can no longer, and when others are members. */
  get version(): number {
    return this.#version
  }

  /** This peer, and every one that is known to be of the mesh. */
  get members(): ReadonlySet<PeerId> {
    return this.#members
  }

  set(members: ReadonlySet<PeerId>, reachable: ReadonlySet<PeerId>, now: Millis): void {
    this.#version++
    this.#members = new Set([this.#self, ...members, ...reachable])
    for (const peer of this.#members) {
      const isReached = peer === this.#self || reachable.has(peer)
      const [into, outOf] = isReached ? [this.#reachedSince, this.#lostSince] : [this.#lostSince, this.#reachedSince]
      outOf.delete(peer)
      if (!into.has(peer)) into.set(peer, now)
    }
    for (const times of [this.#reachedSince, this.#lostSince])
      for (const peer of times.keys()) if (!this.#members.has(peer)) times.delete(peer)
  }

  /**
   * True when every member has been reached for some time, but perhaps `besides`: then what none of them states is
   * nobody's else.
   */
  areOthersReached(besides: PeerId, now: Millis): boolean {
    const since = this.allReachedSince(besides)
    return since !== undefined && now - since >= ALL_REACHED_MS
  }

  /** Since when all members are reached, but perhaps `besides`; undefined while one is not. */
  allReachedSince(besides: PeerId): Millis | undefined {
    let latest: Millis | undefined
    for (const peer of this.#members) {
      if (peer === besides) continue
      const since = this.#reachedSince.get(peer)
      if (since === undefined) return undefined
      if (latest === undefined || since > latest) latest = since
    }
    return latest ?? this.#reachedSince.get(besides)
  }

  isReached(peer: PeerId): boolean {
    return this.#reachedSince.has(peer)
  }

  reachedSince(peer: PeerId): Millis | undefined {
    return this.#reachedSince.get(peer)
  }

  /** Undefined while it is reached, or unknown. */
  lostSince(peer: PeerId): Millis | undefined {
    return this.#lostSince.get(peer)
  }
}
