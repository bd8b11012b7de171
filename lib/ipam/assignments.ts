import type { Ipv4, PeerId } from '../address/mod.ts'
import { isDrop, type Drop } from '../base/mod.ts'
import { decodeAssignedRecord, type Assigned } from './assigned-record.ts'
import type { BlockSpace } from './block-space.ts'

/**
 * What other peers say of single addresses: what they lent, and what they themselves have outside their blocks. Bounded
 * by the ledger's limits.
 */
export class Assignments {
  readonly #self: PeerId
  readonly #space: BlockSpace
  readonly #byAuthor = new Map<PeerId, Map<Ipv4, readonly Assigned[]>>()
  /** Who says that it lent the address to this peer. */
  readonly #toSelf = new Map<Ipv4, Map<PeerId, Assigned>>()
  /** Who says that it has the address itself. */
  readonly #users = new Map<Ipv4, Set<PeerId>>()
  /** Such addresses per block. */
  readonly #usedIn = new Map<number, number>()
  /** Ephemeral peers that were not reached for so long that what they have does not count. */
  readonly #absent = new Set<PeerId>()
  #version = 0

  constructor(self: PeerId, space: BlockSpace) {
    this.#self = self
    this.#space = space
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  /** Replaces what `author` says of a part; a malformed record counts as none. Drops: those of the codec. */
  set(author: PeerId, part: Ipv4, value: Uint8Array | undefined): Drop | undefined {
    const decoded = value === undefined ? [] : decodeAssignedRecord(part, value)
    const parts = this.#byAuthor.get(author) ?? new Map<Ipv4, readonly Assigned[]>()
    for (const one of parts.get(part) ?? []) this.#unindex(author, one)
    const assigned = isDrop(decoded) ? [] : decoded
    if (assigned.length === 0) parts.delete(part)
    else parts.set(part, assigned)
    if (parts.size === 0) this.#byAuthor.delete(author)
    else this.#byAuthor.set(author, parts)
    for (const one of assigned) this.#index(author, one)
    this.#version++
    return isDrop(decoded) ? decoded : undefined
  }

  /** Peers that say of their own containers' addresses that they are ephemeral. */
  get ephemerals(): PeerId[] {
    return [...this.#byAuthor].flatMap(([author, parts]) =>
      [...parts.values()].some(part => part.some(one => one.peer === author && one.isEphemeral)) ? [author] : [],
    )
  }

  /** Whether what a peer says to have itself counts as in use. */
  setAbsent(author: PeerId, isAbsent: boolean): void {
    if (this.#absent.has(author) === isAbsent) return
    const all = [...(this.#byAuthor.get(author)?.values() ?? [])].flat()
    for (const one of all) this.#unindex(author, one)
    if (isAbsent) this.#absent.add(author)
    else this.#absent.delete(author)
    for (const one of all) this.#index(author, one)
    this.#version++
  }

  clear(): void {
    this.#absent.clear()
    for (const index of [this.#byAuthor, this.#toSelf, this.#users, this.#usedIn]) index.clear()
    this.#version++
  }

  /** The loan of an address to this peer by `owner`. */
  loanFrom(owner: PeerId | undefined, address: Ipv4): Assigned | undefined {
    return owner === undefined ? undefined : this.#toSelf.get(address)?.get(owner)
  }

  /** Everything that anybody says to have lent to this peer. */
  *loansToSelf(): Iterable<{ readonly owner: PeerId; readonly assigned: Assigned }> {
    for (const owners of this.#toSelf.values()) for (const [owner, assigned] of owners) yield { owner, assigned }
  }

  /** Other peers than `beside` that say to have the address. */
  usersOf(address: Ipv4, beside?: PeerId): PeerId[] {
    return [...(this.#users.get(address) ?? [])].filter(peer => peer !== beside)
  }

  isUsed(address: Ipv4): boolean {
    return this.#users.has(address)
  }

  usedIn(block: number): number {
    return this.#usedIn.get(block) ?? 0
  }

  /** Loans to others that the authors may make by `ownerOf`, for the check of source addresses. */
  *lent(ownerOf: (block: number) => PeerId | undefined): Iterable<Assigned> {
    for (const [author, parts] of this.#byAuthor)
      for (const assigned of parts.values())
        for (const one of assigned)
          if (one.peer !== author && this.#space.holds(one.address))
            if (ownerOf(this.#space.blockOf(one.address)) === author) yield one
  }

  #index(author: PeerId, one: Assigned): void {
    const { address, peer } = one
    if (peer === this.#self) {
      const owners = this.#toSelf.get(address) ?? new Map<PeerId, Assigned>()
      this.#toSelf.set(address, owners.set(author, one))
    }
    if (peer !== author || this.#absent.has(author)) return
    const users = this.#users.get(address) ?? new Set<PeerId>()
    this.#users.set(address, users.add(author))
    if (this.#space.holds(address)) this.#count(this.#space.blockOf(address), 1)
  }

  #unindex(author: PeerId, { address, peer }: Assigned): void {
    const owners = this.#toSelf.get(address)
    if (peer === this.#self && owners?.delete(author) === true && owners.size === 0) this.#toSelf.delete(address)
    if (peer !== author || this.#absent.has(author)) return
    const users = this.#users.get(address)
    if (users?.delete(author) === true && users.size === 0) this.#users.delete(address)
    if (this.#space.holds(address)) this.#count(this.#space.blockOf(address), -1)
  }

  #count(block: number, change: number): void {
    const count = this.usedIn(block) + change
    if (count === 0) this.#usedIn.delete(block)
    else this.#usedIn.set(block, count)
  }
}
