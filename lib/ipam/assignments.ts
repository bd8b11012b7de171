import type { Ipv4, PeerId } from '../address/mod.ts'
import { Drop, isDrop } from '../base/mod.ts'
import { decodeAssignedRecord, stripOf, type Assigned } from './assigned-record.ts'
import type { BlockSpace } from './block-space.ts'
import { ASSIGNED_STRIP, USED_PER_PEER_MAX } from './constants.ts'
import { SaidAddresses } from './said-addresses.ts'

/** A loan as the borrower knows it. */
export interface OwnedLoan {
  readonly address: Ipv4
  readonly loan: number
}

/**
 * What other peers say of single addresses: what they lent, and what they themselves have outside their blocks. Bounded
 * by the ledger's limits; what one author says to have itself counts up to USED_PER_PEER_MAX addresses, for nobody else
 * gets those.
 */
export class Assignments {
  readonly #self: PeerId
  readonly #space: BlockSpace
  readonly #byAuthor = new Map<PeerId, Map<Ipv4, SaidAddresses>>()
  /** By strip, authors that say to have addresses of it, and whose word counts. */
  readonly #users = new Map<Ipv4, Map<PeerId, SaidAddresses>>()
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

  /**
   * Replaces what `author` says of a strip; a malformed record counts as none. Drops: those of the codec, and
   * `assigned-many` (more of its own than count: all but what it lent is without effect).
   */
  set(author: PeerId, strip: Ipv4, value: Uint8Array | undefined): Drop | undefined {
    const decoded = value === undefined ? [] : decodeAssignedRecord(strip, value)
    const strips = this.#byAuthor.get(author) ?? new Map<Ipv4, SaidAddresses>()
    const assigned = isDrop(decoded) ? [] : decoded
    const said = assigned.length === 0 ? undefined : new SaidAddresses(author, this.#self, strip, assigned)
    this.#unindex(author, strip)
    if (said === undefined) strips.delete(strip)
    else strips.set(strip, said)
    if (strips.size === 0) this.#byAuthor.delete(author)
    else this.#byAuthor.set(author, strips)
    this.#index(author)
    this.#version++
    if (isDrop(decoded)) return decoded
    const isIgnored = said !== undefined && said.usedCount > 0 && !this.#absent.has(author)
    return isIgnored && this.#users.get(strip)?.get(author) === undefined ? new Drop('assigned-many') : undefined
  }

  /** Peers that say of their own containers' addresses that they are ephemeral. */
  get ephemerals(): PeerId[] {
    return [...this.#byAuthor].flatMap(([author, strips]) =>
      [...strips.values()].some(said => said.isEphemeral) ? [author] : [],
    )
  }

  /** Whether what a peer says to have itself counts as in use. */
  setAbsent(author: PeerId, isAbsent: boolean): void {
    if (this.#absent.has(author) === isAbsent) return
    if (isAbsent) this.#absent.add(author)
    else this.#absent.delete(author)
    for (const strip of this.#byAuthor.get(author)?.keys() ?? []) this.#unindex(author, strip)
    this.#index(author)
    this.#version++
  }

  clear(): void {
    this.#absent.clear()
    this.#byAuthor.clear()
    this.#users.clear()
    this.#version++
  }

  /** The loan of an address to this peer by `owner`. */
  loanFrom(owner: PeerId | undefined, address: Ipv4): OwnedLoan | undefined {
    const said = owner === undefined ? undefined : this.#byAuthor.get(owner)?.get(stripOf(address))
    for (const loan of said?.loansToSelf() ?? []) if (loan.address === address) return loan
    return undefined
  }

  /** Everything that anybody says to have lent to this peer. */
  *loansToSelf(): Iterable<{ readonly owner: PeerId; readonly assigned: OwnedLoan }> {
    for (const [owner, strips] of this.#byAuthor)
      for (const said of strips.values()) for (const assigned of said.loansToSelf()) yield { owner, assigned }
  }

  /** Other peers than `beside` that say to have the address. */
  usersOf(address: Ipv4, beside?: PeerId): PeerId[] {
    const users = [...(this.#users.get(stripOf(address)) ?? [])]
    return users.filter(([peer, said]) => peer !== beside && said.isUsed(address)).map(([peer]) => peer)
  }

  isUsed(address: Ipv4): boolean {
    for (const said of this.#users.get(stripOf(address))?.values() ?? []) if (said.isUsed(address)) return true
    return false
  }

  /** True when anybody says to have an address of the block. */
  isAnyUsedIn(block: number): boolean {
    const { address: first } = this.#space.blockCidr(block)
    const last = first + this.#space.blockSize - 1
    for (let strip = stripOf(first); strip <= last; strip += ASSIGNED_STRIP) {
      const [from, to] = [Math.max(first, strip), Math.min(last, strip + ASSIGNED_STRIP - 1)]
      for (const said of this.#users.get(strip)?.values() ?? []) if (said.isAnyUsed(from, to)) return true
    }
    return false
  }

  /** Loans to others that the authors may make by `ownerOf`, for the check of source addresses. */
  *lent(ownerOf: (block: number) => PeerId | undefined): Iterable<Assigned> {
    for (const [author, strips] of this.#byAuthor)
      for (const said of strips.values())
        for (const one of said.read())
          if (one.peer !== author && this.#space.holds(one.address))
            if (ownerOf(this.#space.blockOf(one.address)) === author) yield one
  }

  /** Takes in what an author says to have itself, as far as it counts. */
  #index(author: PeerId): void {
    if (this.#absent.has(author)) return
    let count = 0
    for (const [strip, said] of this.#byAuthor.get(author) ?? []) {
      count += said.usedCount
      if (said.usedCount === 0 || count > USED_PER_PEER_MAX) {
        this.#unindex(author, strip)
        continue
      }
      const users = this.#users.get(strip) ?? new Map<PeerId, SaidAddresses>()
      this.#users.set(strip, users.set(author, said))
    }
  }

  #unindex(author: PeerId, strip: Ipv4): void {
    const users = this.#users.get(strip)
    users?.delete(author)
    if (users?.size === 0) this.#users.delete(strip)
  }
}
