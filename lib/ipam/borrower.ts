import type { Cidr, Ipv4, PeerId } from '../address/mod.ts'
import { contains } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { LOANS_PER_MESSAGE_MAX, type IpamReturn, type Loan } from '../wire/mod.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import { ANSWER_TIMEOUT_MS, RETURN_RETRY_MS } from './constants.ts'
import type { LeaseTable } from './lease-table.ts'

/**
 * The addresses that others lent to this peer. A loan is what the ledger says it is: the record of the block's owner
 * names this peer. What this peer is said to have, and does not use, it gives back; so nothing is lost by a crash of
 * either side, or by a message that was. What it began to give back it does not use again under that loan.
 */
export class Borrower {
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  readonly #assignments: Assignments
  /** Loans of answers of this run, and until when they are kept for who waits for an address. */
  readonly #granted = new Map<Ipv4, { readonly loan: number; readonly until: Millis }>()
  /**
   * Loans that nobody uses, and when they are given back, or that is said again: the answer to a request comes behind
   * the record.
   */
  readonly #idle = new Map<Ipv4, { readonly loan: number; readonly at: Millis; readonly isReturned: boolean }>()
  #advancedAt: Millis = 0

  constructor(map: BlockMap, leases: LeaseTable, assignments: Assignments) {
    this.#map = map
    this.#leases = leases
    this.#assignments = assignments
  }

  /** An answer to a request of this run names them. */
  handleLent(lent: readonly Loan[], now: Millis): void {
    for (const { address, loan } of lent) this.#granted.set(address, { loan, until: now + ANSWER_TIMEOUT_MS })
  }

  /** True when a container may get the address now: lent, and not being given back. */
  isUsable(address: Ipv4): boolean {
    const loan = this.#loanOf(address)
    const idle = this.#idle.get(address)
    if (loan === undefined || (idle?.isReturned === true && idle.loan === loan)) return false
    return this.#granted.get(address)?.loan === loan || this.#leases.isResting(address)
  }

  /** The lowest address of a subnet that was lent, and that nobody has yet. */
  lowestFree(subnet: Cidr): Ipv4 | undefined {
    let lowest: Ipv4 | undefined
    for (const address of this.#granted.keys())
      if (contains(subnet, address) && (lowest === undefined || address < lowest))
        if (!this.#leases.isInUse(address) && this.isUsable(address)) lowest = address
    return lowest
  }

  /** What is to be given back now, to whom. */
  advance(reachable: ReadonlySet<PeerId>, now: Millis): { to: PeerId; message: IpamReturn }[] {
    this.#advancedAt = now
    for (const [address, { until }] of this.#granted) if (until <= now) this.#granted.delete(address)
    for (const [address, { loan, isReturned }] of this.#idle)
      if (this.#loanOf(address) !== loan || (!isReturned && this.#isKept(address, loan))) this.#idle.delete(address)
    const returns = new Map<PeerId, Loan[]>()
    for (const { owner, assigned } of this.#assignments.loansToSelf()) {
      const { address, loan } = assigned
      if (this.#isKept(address, loan) || this.#loanOf(address) !== loan) continue
      const idle = this.#idle.get(address)
      if (idle === undefined) this.#idle.set(address, { loan, at: now + ANSWER_TIMEOUT_MS, isReturned: false })
      if (idle === undefined || idle.at > now || !reachable.has(owner)) continue
      const given = returns.get(owner) ?? []
      if (given.length >= LOANS_PER_MESSAGE_MAX) continue
      this.#idle.set(address, { loan, at: now + RETURN_RETRY_MS, isReturned: true })
      returns.set(owner, [...given, { address, loan }])
    }
    return [...returns].map(([to, returned]) => ({ to, message: { kind: 'ipam-return', returned } }))
  }

  /** What all give-backs at once are: of every loan that no container has. */
  returnAll(reachable: ReadonlySet<PeerId>): { to: PeerId; message: IpamReturn }[] {
    const returns = new Map<PeerId, Loan[]>()
    for (const { owner, assigned } of this.#assignments.loansToSelf()) {
      const { address, loan } = assigned
      if (this.#leases.at(address) !== undefined || !reachable.has(owner)) continue
      this.#idle.set(address, { loan, at: this.#advancedAt + RETURN_RETRY_MS, isReturned: true })
      returns.set(owner, [...(returns.get(owner) ?? []), { address, loan }])
    }
    return [...returns].flatMap(([to, loans]) => {
      const messages: { to: PeerId; message: IpamReturn }[] = []
      for (let at = 0; at < loans.length; at += LOANS_PER_MESSAGE_MAX)
        messages.push({ to, message: { kind: 'ipam-return', returned: loans.slice(at, at + LOANS_PER_MESSAGE_MAX) } })
      return messages
    })
  }

  /** Forgets all: this peer is of another mesh. */
  clear(): void {
    this.#granted.clear()
    this.#idle.clear()
  }

  nextTimeout(): Millis | undefined {
    let next: Millis | undefined
    const consider = (at: Millis) => {
      if (at > this.#advancedAt && (next === undefined || at < next)) next = at
    }
    for (const { until } of this.#granted.values()) consider(until)
    for (const { at } of this.#idle.values()) consider(at)
    return next
  }

  #isKept(address: Ipv4, loan: number): boolean {
    return this.#leases.isInUse(address) || this.#granted.get(address)?.loan === loan
  }

  #loanOf(address: Ipv4): number | undefined {
    const { space } = this.#map
    if (!space.holds(address)) return undefined
    return this.#assignments.loanFrom(this.#map.ownerOf(space.blockOf(address)), address)?.loan
  }
}
