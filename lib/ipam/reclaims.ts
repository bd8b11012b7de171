import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { RECLAIM_MS, TAKEOVERS_MAX } from './constants.ts'
import type { Loans } from './loans.ts'
import type { Takeovers } from './takeovers.ts'

export interface ReclaimParts {
  readonly loans: Loans
  readonly takeovers: Pick<Takeovers, 'all' | 'version' | 'electorate'>
  /** Persists that a takeover was acted upon, for `restore`; false: that it need not be known any more. */
  readonly keep: (takeover: string, isKept: boolean) => void
}

/**
 * Which loans end without the word of who has them: those to a peer that was removed, once for each takeover, for it may
 * come back and borrow again; and those to an ephemeral peer that could not be reached for RECLAIM_MS.
 */
export class Reclaims {
  readonly #parts: ReclaimParts
  /** Settled takeovers that were acted upon, the oldest first. At most TAKEOVERS_MAX. */
  readonly #done = new Set<string>()
  #version = -1
  /** Ephemeral peers that have loans and cannot be reached, and since when, of this run. Bounded by the loans. */
  readonly #lostSince = new Map<PeerId, Millis>()

  constructor(parts: ReclaimParts) {
    this.#parts = parts
  }

  /** A takeover was acted upon in an earlier run. */
  restore(takeover: string): void {
    this.#done.add(takeover)
  }

  advance(now: Millis): void {
    const { loans, takeovers } = this.#parts
    if (this.#version !== takeovers.version) {
      this.#version = takeovers.version
      this.#endRemoved()
    }
    const isReached = (peer: PeerId) => takeovers.electorate.isReached(peer)
    const away = new Set<PeerId>()
    for (const { peer, isEphemeral } of loans.all()) if (isEphemeral && !isReached(peer)) away.add(peer)
    for (const peer of this.#lostSince.keys()) if (!away.has(peer)) this.#lostSince.delete(peer)
    for (const peer of away) {
      const since = this.#lostSince.get(peer) ?? now
      this.#lostSince.set(peer, since)
      if (now - since < RECLAIM_MS) continue
      this.#end(peer, true)
      this.#lostSince.delete(peer)
    }
  }

  /** Time does not count while this peer does not know how things are. */
  pause(): void {
    this.#lostSince.clear()
  }

  nextTimeout(): Millis | undefined {
    let next: Millis | undefined
    for (const since of this.#lostSince.values())
      if (next === undefined || since + RECLAIM_MS < next) next = since + RECLAIM_MS
    return next
  }

  #endRemoved(): void {
    const { takeovers, keep } = this.#parts
    for (const { id, author, victim, isSettled } of takeovers.all()) {
      if (!isSettled || author === victim || this.#done.has(id)) continue
      this.#done.add(id)
      keep(id, true)
      // Who is back gives back itself what it does not use.
      if (!takeovers.electorate.isReached(victim)) this.#end(victim, false)
    }
    for (const id of this.#done) {
      if (this.#done.size <= TAKEOVERS_MAX) break
      this.#done.delete(id)
      keep(id, false)
    }
  }

  #end(peer: PeerId, isEphemeralOnly: boolean): void {
    const { loans } = this.#parts
    for (const loan of [...loans.all()])
      if (loan.peer === peer && (loan.isEphemeral || !isEphemeralOnly)) loans.end(loan.address)
  }
}
