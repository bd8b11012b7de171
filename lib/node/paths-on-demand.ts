import type { PeerId } from '../address/mod.ts'
import { Timers, type Millis } from '../base/mod.ts'
import { PATHS_ON_DEMAND_MAX, PATH_FUTILE_MS, PATH_IDLE_MS, PATH_LOOK_MS, PATH_SPARE_MS } from './constants.ts'
import type { DataPath } from './data-path.ts'
import type { HeldPath } from './path-driver.ts'

/**
 * Until when there are the paths that are there on demand only: until they carried nothing for PATH_IDLE_MS, or nothing
 * got through for PATH_FUTILE_MS, or one of PATHS_ON_DEMAND_MAX has to make room for another.
 */
export class PathsOnDemand {
  readonly #held: ReadonlyMap<PeerId, HeldPath>
  readonly #isReachable: (peer: PeerId) => boolean
  readonly #end: (path: DataPath, now: Millis) => void
  /** When it is looked at whether a path is of use; by peer. */
  readonly #looks = new Timers()
  /** There was no room for one more; it is not looked for again before. */
  #fullUntil: Millis = 0

  constructor(given: {
    /** All paths that there are at any time, also those that are kept. */
    held: ReadonlyMap<PeerId, HeldPath>
    /** Whether the mesh leads to a peer. */
    isReachable: (peer: PeerId) => boolean
    /** The path is of no use any more. */
    end: (path: DataPath, now: Millis) => void
  }) {
    this.#held = given.held
    this.#isReachable = given.isReachable
    this.#end = given.end
  }

  /** There is one more, made just now. */
  add(peer: PeerId, now: Millis): void {
    this.#looks.set(peer, now + PATH_LOOK_MS)
  }

  /** A path that was kept is there on demand from now on, as if it was wanted now. */
  release(held: HeldPath, now: Millis): void {
    held.isOnDemand = true
    held.path.use.want(now)
    held.path.look(now)
    this.add(held.path.peerId, now)
  }

  /** One that was there on demand is kept from now on. */
  keep(held: HeldPath): void {
    held.isOnDemand = false
    this.forget(held.path.peerId)
  }

  /** The path to a peer is no more. */
  forget(peer: PeerId): void {
    this.#looks.cancel(peer)
  }

  /** Whether there is room for one more; ends the one that was not used for longest, if it has to be. */
  makeRoom(now: Millis): boolean {
    const onDemand = [...this.#held.values()].filter(held => held.isOnDemand).map(({ path }) => path)
    if (onDemand.length < PATHS_ON_DEMAND_MAX) return true
    if (now < this.#fullUntil) return false
    for (const path of onDemand) path.look(now)
    const idlest = onDemand.reduce((a, b) => (b.use.usedAt < a.use.usedAt ? b : a))
    if (now - idlest.use.usedAt >= PATH_SPARE_MS) {
      this.#end(idlest, now)
      return true
    }
    this.#fullUntil = idlest.use.usedAt + PATH_SPARE_MS
    return false
  }

  handleTimeout(now: Millis): void {
    for (let peer = this.#looks.popDue(now); peer !== undefined; peer = this.#looks.popDue(now)) {
      const held = this.#held.get(peer as PeerId)
      if (held !== undefined) this.#look(held, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const look = this.#looks.next()
    return look && { at: look.at, reason: 'path use' }
  }

  /** Whether a path is still of use. */
  #look({ path, isOnDemand }: HeldPath, now: Millis): void {
    if (!isOnDemand) return
    path.look(now)
    const limitMs = path.isUsable ? PATH_IDLE_MS : PATH_FUTILE_MS
    const endsAt = path.use.usedAt + limitMs
    // The last way to a peer that no link leads to any more is kept, for it cannot be made anew.
    const isLast = path.isUsable && !this.#isReachable(path.peerId)
    if (now >= endsAt && !isLast) this.#end(path, now)
    else this.#looks.set(path.peerId, isLast ? now + PATH_LOOK_MS : Math.min(now + PATH_LOOK_MS, endsAt))
  }
}
