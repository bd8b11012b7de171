import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { Assignments } from './assignments.ts'
import { RECLAIM_MS, TAKEOVERS_MAX } from './constants.ts'
import type { Loans } from './loans.ts'
import type { Takeovers } from './takeovers.ts'

export interface ReclaimParts {
  readonly loans: Loans
  readonly assignments: Pick<Assignments, 'ephemerals' | 'setAbsent' | 'version'>
  readonly takeovers: Pick<Takeovers, 'removals' | 'version' | 'presence'>
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
  #version = ''
  /** Ephemeral peers that cannot be reached, and since when, of this run. Bounded by loans and owners of the ledger. */
  readonly #lostSince = new Map<PeerId, Millis>()
  /** Of these, those whose time is over: what they say to have does not count until they are back. */
  readonly #absent = new Set<PeerId>()
  #known: readonly PeerId[] = []
  #seen = ''

  constructor(parts: ReclaimParts) {
    this.#parts = parts
  }

  /** A takeover was acted upon in an earlier run. */
  restore(takeover: string): void {
    this.#done.add(takeover)
  }

  advance(now: Millis): void {
    const { takeovers } = this.#parts
    const version = `${takeovers.version} ${takeovers.presence.version}`
    if (this.#version !== version) {
      this.#version = version
      this.#endRemoved()
    }
    const isReached = (peer: PeerId) => takeovers.presence.isReached(peer)
    const away = new Set(this.#ephemerals().filter(peer => !isReached(peer)))
    for (const peer of this.#lostSince.keys()) {
      if (away.has(peer)) continue
      this.#lostSince.delete(peer)
      this.#setAbsent(peer, false)
    }
    for (const peer of away) {
      const since = this.#lostSince.get(peer) ?? now
      this.#lostSince.set(peer, since)
      if (now - since < RECLAIM_MS || this.#absent.has(peer)) continue
      this.#end(peer, true)
      this.#setAbsent(peer, true)
    }
  }

  /** Time does not count while this peer does not know how things are. */
  pause(): void {
    for (const peer of this.#lostSince.keys()) this.#setAbsent(peer, false)
    this.#lostSince.clear()
  }

  nextTimeout(): Millis | undefined {
    let next: Millis | undefined
    for (const [peer, since] of this.#lostSince)
      if (!this.#absent.has(peer) && (next === undefined || since + RECLAIM_MS < next)) next = since + RECLAIM_MS
    return next
  }

  #ephemerals(): readonly PeerId[] {
    const { loans, assignments } = this.#parts
    if (this.#seen !== `${loans.version} ${assignments.version}`) {
      this.#seen = `${loans.version} ${assignments.version}`
      const borrowers = [...loans.all()].filter(({ isEphemeral }) => isEphemeral).map(({ peer }) => peer)
      // Who is absent stays one: its records may be forgotten meanwhile.
      this.#known = [...new Set([...borrowers, ...assignments.ephemerals, ...this.#absent])]
    }
    return this.#known
  }

  #setAbsent(peer: PeerId, isAbsent: boolean): void {
    if (isAbsent) this.#absent.add(peer)
    else this.#absent.delete(peer)
    this.#parts.assignments.setAbsent(peer, isAbsent)
  }

  #endRemoved(): void {
    const { takeovers, keep } = this.#parts
    for (const { id, victim, victimIs } of takeovers.removals.outcomes()) {
      // It may be gone, and not noticed here yet.
      if (this.#done.has(id) || victimIs === 'there') continue
      this.#done.add(id)
      keep(id, true)
      // Who is back gives back itself what it does not use.
      if (victimIs === 'gone') this.#end(victim, false)
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
