import type { PeerId } from '../address/mod.ts'
import { isDrop, type Drop } from '../base/mod.ts'
import { decodeAcks, encodeAcks, type Ack } from './acks-record.ts'
import { ACKS_MAX } from './constants.ts'
import { Presence } from './presence.ts'
import type { Takeover } from './takeover-record.ts'

const NO_VOTES: ReadonlyMap<PeerId, boolean> = new Map()

/** Who agrees to which takeover, this peer among them, and who decides. */
export class TakeoverVotes {
  readonly presence: Presence
  readonly #self: PeerId
  /** By other peer, the takeovers that it agrees to. Bounded by the owners of the ledger, each by ACKS_MAX. */
  readonly #byPeer = new Map<PeerId, readonly string[]>()
  /** By takeover, who agrees, and whether that peer saw it settled. */
  readonly #byTakeover = new Map<string, Map<PeerId, boolean>>()
  /** This peer's acks: whether it saw the takeover settled. */
  readonly #own = new Map<string, boolean>()
  #isToPublish = false

  constructor(self: PeerId) {
    this.#self = self
    this.presence = new Presence(self)
  }

  /** Takes what the ledger holds of `voter`. Drops: `acks-malformed`. */
  set(voter: PeerId, value: Uint8Array | undefined): Drop | undefined {
    const acks = value === undefined ? [] : decodeAcks(value)
    const list: readonly Ack[] = isDrop(acks) ? [] : acks
    if (voter === this.#self) {
      // What an earlier run agreed to: it does not take that back.
      for (const { takeover, isSettled } of list) this.#own.set(takeover, isSettled || this.#own.get(takeover) === true)
    } else this.#setOther(voter, list)
    return isDrop(acks) ? acks : undefined
  }

  /** True when this peer agreed to it. */
  hasOwn(id: string): boolean {
    return this.#own.has(id)
  }

  /** Whether this peer saw it settled. */
  hasSettled(id: string): boolean {
    return this.#own.get(id) === true
  }

  /** True when that is news. */
  agree(id: string, isSettled: boolean): boolean {
    if (this.#own.get(id) === isSettled) return false
    this.#own.set(id, isSettled)
    this.#isToPublish = true
    return true
  }

  /** This peer agrees to it no longer. */
  takeBack(id: string): void {
    if (this.#own.delete(id)) this.#isToPublish = true
  }

  clear(): void {
    this.#isToPublish = this.#own.size > 0 || this.#isToPublish
    this.#byPeer.clear()
    this.#byTakeover.clear()
    this.#own.clear()
  }

  hasAgreed(peer: PeerId, id: string): boolean {
    return peer === this.#self ? this.#own.has(id) : this.#othersOf(id).has(peer)
  }

  /** Who decides about a takeover: the members, but its victim. */
  voters({ victim, author }: Takeover): PeerId[] {
    return [...this.presence.members].filter(peer => peer !== victim || victim === author)
  }

  hasMajority({ id, victim, author }: Takeover): boolean {
    const { members } = this.presence
    const isVoter = (peer: PeerId) => members.has(peer) && (peer !== victim || victim === author)
    let agreed = this.#own.has(id) && isVoter(this.#self) ? 1 : 0
    for (const peer of this.#othersOf(id).keys()) if (isVoter(peer)) agreed++
    const voters = members.size - (victim !== author && members.has(victim) ? 1 : 0)
    return agreed > voters / 2
  }

  /** A member that is neither author nor victim says that it saw it settled; the author is a member too. */
  hasWitness({ id, author, victim }: Takeover): boolean {
    const { members } = this.presence
    if (!members.has(author)) return false
    for (const [peer, isSettled] of this.#othersOf(id))
      if (isSettled && peer !== author && peer !== victim && members.has(peer)) return true
    return false
  }

  /** The victim itself, a member, says that it saw it settled; the author may have left since. */
  isConceded({ id, author, victim }: Takeover): boolean {
    if (victim === author || !this.presence.members.has(victim)) return false
    return victim === this.#self ? this.hasSettled(id) : this.#othersOf(id).get(victim) === true
  }

  /** The own record, when it changed since the last call. `isKnown`: whether a takeover is. */
  takePublish(isKnown: (id: string) => boolean): { readonly value: Uint8Array | undefined } | undefined {
    if (!this.#isToPublish) return undefined
    this.#isToPublish = false
    // Those that are known are fewer: what gives way is of takeovers that are forgotten.
    for (const id of this.#own.keys()) {
      if (this.#own.size <= ACKS_MAX) break
      if (!isKnown(id)) this.#own.delete(id)
    }
    const acks = [...this.#own].map(([takeover, isSettled]) => ({ takeover, isSettled }))
    return { value: acks.length === 0 ? undefined : encodeAcks(acks) }
  }

  #othersOf(id: string): ReadonlyMap<PeerId, boolean> {
    return this.#byTakeover.get(id) ?? NO_VOTES
  }

  #setOther(voter: PeerId, acks: readonly Ack[]): void {
    for (const id of this.#byPeer.get(voter) ?? []) {
      const peers = this.#byTakeover.get(id)
      peers?.delete(voter)
      if (peers?.size === 0) this.#byTakeover.delete(id)
    }
    if (acks.length === 0) this.#byPeer.delete(voter)
    else this.#byPeer.set(voter, [...new Set(acks.map(({ takeover }) => takeover))])
    for (const { takeover, isSettled } of acks) {
      const peers = this.#byTakeover.get(takeover) ?? new Map<PeerId, boolean>()
      this.#byTakeover.set(takeover, peers.set(voter, isSettled))
    }
  }
}
