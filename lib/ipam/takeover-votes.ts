import type { PeerId } from '../address/mod.ts'
import { isDrop, type Drop } from '../base/mod.ts'
import { decodeAcks, encodeAcks, type Ack } from './acks-record.ts'
import { ACKS_MAX } from './constants.ts'
import { Electorate } from './electorate.ts'
import type { Takeover } from './takeover-record.ts'

/** Who agrees to which takeover, this peer among them, and who decides. */
export class TakeoverVotes {
  readonly electorate: Electorate
  readonly #self: PeerId
  readonly #acks = new Map<PeerId, ReadonlyMap<string, boolean>>()
  /** This peer's acks: whether it saw the takeover settled. */
  readonly #own = new Map<string, boolean>()
  #isToPublish = false

  constructor(self: PeerId) {
    this.#self = self
    this.electorate = new Electorate(self)
  }

  /** Takes what the ledger holds of `owner`. Drops: `acks-malformed`. */
  set(owner: PeerId, value: Uint8Array | undefined): Drop | undefined {
    const acks = value === undefined ? [] : decodeAcks(value)
    const list: readonly Ack[] = isDrop(acks) ? [] : acks
    if (owner === this.#self) {
      // What an earlier run agreed to: it does not take that back.
      for (const { takeover, isSettled } of list) this.#own.set(takeover, isSettled || this.#own.get(takeover) === true)
    } else {
      this.#acks.set(owner, new Map(list.map(({ takeover, isSettled }) => [takeover, isSettled])))
      if (list.length === 0) this.#acks.delete(owner)
    }
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
    this.#acks.clear()
    this.#own.clear()
  }

  hasAgreed(peer: PeerId, id: string): boolean {
    return peer === this.#self ? this.#own.has(id) : (this.#acks.get(peer)?.has(id) ?? false)
  }

  /** Who decides about a takeover: the members, but its victim. */
  voters({ victim, author }: Takeover): PeerId[] {
    return [...this.electorate.members].filter(peer => peer !== victim || victim === author)
  }

  hasMajority(takeover: Takeover): boolean {
    const voters = this.voters(takeover)
    const agreed = voters.filter(peer => this.hasAgreed(peer, takeover.id)).length
    return agreed > voters.length / 2
  }

  /** A member besides the author, who is one too, saw it settled; the victim may be that. */
  isWitnessed({ id, author }: Takeover): boolean {
    const { members } = this.electorate
    if (!members.has(author)) return false
    for (const [peer, acks] of this.#acks)
      if (peer !== author && acks.get(id) === true && members.has(peer)) return true
    return false
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
}
