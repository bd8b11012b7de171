import { cidrSize, formatCidr, formatIpv4, subnetOf, type Cidr, type Ipv4 } from '../address/mod.ts'
import { assert, type Millis, type WeaveError } from '../base/mod.ts'
import * as errors from './allocation-error.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import { restingAway } from './block-survey.ts'
import type { Borrower } from './borrower.ts'
import { PENDING_MAX, WAIT_MS } from './constants.ts'
import type { Hold } from './hold.ts'
import type { IpamOutput } from './ipam-output.ts'
import { LEASE_HOLDER, type LeaseHolder } from './lease-holder.ts'
import { sameLessee, type Lease, type LeaseTable } from './lease-table.ts'
import type { Loans } from './loans.ts'
import { subnetKey, type Need, type Seeker } from './seeker.ts'
import type { StandingNeeds } from './standing-needs.ts'
import { claimError, subnetError } from './subnet-check.ts'

export interface AllocateRequest {
  /** Names the request in the outputs; unique among those that wait. */
  readonly id: string
  readonly container: string
  /** An attachment when undefined. */
  readonly holder?: LeaseHolder
  /** Undefined: the default subnet. */
  readonly subnet?: Cidr
  /** How long it may wait; WAIT_MS when undefined. */
  readonly waitMs?: Millis
}

export interface ClaimRequest {
  readonly id: string
  readonly container: string
  readonly holder?: LeaseHolder
  /** The address, with the prefix length of its subnet. */
  readonly cidr: Cidr
  readonly waitMs?: Millis
}

export interface Pending {
  readonly id: string
  readonly container: string
  readonly holder: LeaseHolder
  readonly subnet: Cidr
  /** The very address, when it is a claim. */
  readonly address: Ipv4 | undefined
  readonly since: Millis
  readonly deadline: Millis
}

type Attempt = Lease | WeaveError | undefined

const NO_NEEDS: ReadonlyMap<string, Need> = new Map()
const NO_BLOCKS = { first: 0, last: -1 }

export interface AllocatorParts {
  readonly map: BlockMap
  readonly leases: LeaseTable
  readonly loans: Loans
  readonly assignments: Assignments
  readonly borrower: Borrower
  readonly seeker: Seeker
  readonly standing: StandingNeeds
  readonly defaultSubnet: Cidr
  readonly words: () => errors.Words
  readonly emit: (output: IpamOutput) => void
}

/** The local side: gives addresses of our own blocks and what was lent, and keeps what must wait for others. */
export class Allocator {
  readonly #parts: AllocatorParts
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  readonly #seeker: Seeker
  readonly #pending = new Map<string, Pending>()
  #hold: Hold | undefined

  constructor(parts: AllocatorParts) {
    this.#parts = parts
    this.#map = parts.map
    this.#leases = parts.leases
    this.#seeker = parts.seeker
  }

  get pending(): Iterable<Pending> {
    return this.#pending.values()
  }

  /** While there is a hold, nothing is given but what a container holds already; what is asked for waits. */
  setHold(hold: Hold | undefined): void {
    this.#hold = hold
  }

  allocate(request: AllocateRequest, now: Millis): void {
    const subnet = request.subnet ?? this.#parts.defaultSubnet
    this.#begin(request, subnet, undefined, subnetError(subnet, this.#map.space.range), now)
  }

  claim(request: ClaimRequest, now: Millis): void {
    const { cidr } = request
    this.#begin(request, subnetOf(cidr), cidr.address, claimError(cidr, this.#map.space.range), now)
  }

  /** Forgets a request that waits; it gets no output any more. */
  cancel(id: string): void {
    this.#pending.delete(id)
  }

  /** Fails what a container waits for: it was freed as a whole. */
  cancelContainer(container: string, holder: LeaseHolder): void {
    for (const pending of this.#pending.values()) {
      if (sameLessee(pending, { container, holder })) this.#fail(pending, errors.freedError(container))
    }
  }

  /** Satisfies what can be satisfied, asks for what is lacking, and fails what must not wait any longer. */
  advance(now: Millis): void {
    const { standing } = this.#parts
    const isHeld = this.#hold !== undefined
    const needs = new Map<string, Need>(isHeld ? [] : standing.needs(now).map(need => [need.key, need]))
    for (const pending of this.#pending.values()) {
      const need = this.#needOf(pending)
      const before = needs.get(need.key)
      // Where one request for a subnet found nothing, the next finds nothing either, unless it holds an address
      // already.
      const isVain = before?.type === need.type && this.#leases.inSubnet(pending, pending.subnet) === undefined
      const attempt = isVain ? undefined : this.#attempt(pending)
      if (attempt !== undefined) this.#finish(pending, attempt)
      else needs.set(need.key, { ...need, count: need.count + (before?.count ?? 0) })
    }
    this.#seeker.setNeeds(isHeld ? NO_NEEDS : needs)
    for (const { to, request } of this.#seeker.advance(now)) this.#parts.emit({ type: 'send', to, message: request })
    const remaining = new Map<string, Need>()
    for (const pending of this.#pending.values()) {
      const verdict = this.#verdict(pending, now)
      const { key } = this.#needOf(pending)
      if (verdict !== undefined) this.#fail(pending, verdict)
      else remaining.set(key, needs.get(key)!)
    }
    standing.refused(key => this.#seeker.isRefused(key, now), now)
    if (!isHeld) for (const need of standing.needs(now)) if (!remaining.has(need.key)) remaining.set(need.key, need)
    // A refusal is worth nothing to a request that comes later: it asks anew.
    this.#seeker.setNeeds(isHeld ? NO_NEEDS : remaining)
  }

  nextDeadline(): Millis | undefined {
    let next: Millis | undefined
    for (const { deadline } of this.#pending.values()) if (next === undefined || deadline < next) next = deadline
    return next
  }

  /** What a pending request waits for. */
  reasonFor(pending: Pending): string {
    const state = this.#seeker.state(this.#needOf(pending).key)
    const hold = this.#holdOf(pending)
    if (hold !== undefined && state?.asked === undefined) return hold.reason
    const { address } = pending
    const words = this.#parts.words()
    const owner = state?.asked === undefined ? state?.unreachable[0] : undefined
    if (address === undefined || owner === undefined) return errors.waitReason(state, !this.#map.isEmpty, words)
    const { space } = this.#map
    const [user] = this.#parts.assignments.usersOf(address)
    return errors.ownerAway(address, space.blockCidr(space.blockOf(address)), owner, user, words)
  }

  #begin(
    request: { id: string; container: string; holder?: LeaseHolder; waitMs?: Millis },
    subnet: Cidr,
    address: Ipv4 | undefined,
    wrong: WeaveError | undefined,
    now: Millis,
  ): void {
    const { id, container, holder = LEASE_HOLDER.attachment, waitMs = WAIT_MS } = request
    assert(!this.#pending.has(id), `request ${id} waits already`)
    const pending = { id, container, holder, subnet, address, since: now, deadline: now + waitMs }
    if (wrong !== undefined) {
      this.#fail(pending, wrong)
      return
    }
    const attempt = this.#attempt(pending)
    if (attempt !== undefined) this.#finish(pending, attempt)
    else if (this.#pending.size >= PENDING_MAX) this.#fail(pending, errors.crowdedError())
    else this.#pending.set(id, pending)
  }

  #attempt(pending: Pending): Attempt {
    const { subnet, address } = pending
    if (address !== undefined) return this.#attemptClaim(pending, address)
    const held = this.#leases.inSubnet(pending, subnet)
    if (held !== undefined) return held
    if (this.#hold !== undefined) return undefined
    const free = this.#findFree(pending)
    return free === undefined ? undefined : this.#lease(pending, free)
  }

  #attemptClaim(pending: Pending, address: Ipv4): Attempt {
    const { subnet } = pending
    const held = this.#leases.at(address)
    if (held !== undefined && !sameLessee(held, pending)) {
      const by = held.holder === pending.holder ? held.container : `${held.container} (${held.holder})`
      return errors.takenError(address, by, pending.container)
    }
    if (held?.prefix === subnet.prefix) return held
    if (this.#hold !== undefined) return undefined
    if (held !== undefined || this.#parts.borrower.isUsable(address)) return this.#lease(pending, address)
    if (this.#isAnothers(address) || this.#isBarred(address)) return undefined
    const { loans, assignments, words } = this.#parts
    const host = loans.at(address)?.peer ?? assignments.usersOf(address)[0]
    if (host !== undefined)
      return errors.takenElsewhereError(address, { host, container: '' }, pending.container, words())
    return this.#lease(pending, address)
  }

  /** True for an address of the range that is in no block of this peer. */
  #isAnothers(address: Ipv4): boolean {
    const { space } = this.#map
    return space.holds(address) && !this.#map.isOwn(space.blockOf(address))
  }

  /** True for an address of an own block that is kept back. */
  #isBarred(address: Ipv4): boolean {
    const { space } = this.#map
    return space.holds(address) && this.#leases.isBarred(space.blockOf(address))
  }

  #findFree(pending: Pending): Ipv4 | undefined {
    const { subnet } = pending
    const { space } = this.#map
    const { borrower } = this.#parts
    const remembered = this.#leases.rememberedFor(pending, subnet)
    if (remembered !== undefined && this.#mayGiveAgain(remembered)) return remembered
    const lent = borrower.lowestFree(subnet)
    if (lent !== undefined) return lent
    const span = space.spanOf(subnet)
    if (span === undefined) return undefined
    for (const isLast of [false, true]) {
      for (let block = span.first; block <= span.last; block++) {
        if (!this.#map.isOwn(block)) continue
        const free = this.#leases.lowestFree(block, subnet, isLast)
        if (free !== undefined) return free
      }
    }
    return undefined
  }

  #mayGiveAgain(address: Ipv4): boolean {
    if (this.#isAnothers(address)) return this.#parts.borrower.isUsable(address)
    return this.#map.space.holds(address) && !this.#leases.isTaken(address)
  }

  #lease({ container, holder, subnet }: Pending, address: Ipv4): Lease {
    const lease = { container, holder, address, prefix: subnet.prefix }
    this.#leases.put(lease)
    this.#parts.emit({ type: 'lease', lease })
    return lease
  }

  #needOf({ subnet, address }: Pending): Need {
    const { space } = this.#map
    if (address !== undefined) {
      const block = space.holds(address) ? space.blockOf(address) : undefined
      const span = block === undefined ? NO_BLOCKS : { first: block, last: block }
      return { key: `claim ${address}`, type: 'claim', subnet, address, span, count: 1 }
    }
    const span = space.spanOf(subnet)
    assert(span !== undefined, 'a checked subnet lies inside the range')
    return { key: subnetKey(subnet), type: 'addresses', subnet, span, count: 1 }
  }

  #verdict(pending: Pending, now: Millis): WeaveError | undefined {
    const { subnet, address, container, since, deadline } = pending
    const { key } = this.#needOf(pending)
    const words = this.#parts.words()
    const state = this.#seeker.state(key)
    const hold = this.#holdOf(pending)
    const isRefused = hold === undefined && this.#seeker.isRefused(key, now)
    if (isRefused && address !== undefined) {
      for (const { held } of state?.denied.values() ?? [])
        if (held !== undefined) return errors.takenElsewhereError(address, held, container, words)
      const block = this.#map.space.blockOf(address)
      return errors.elsewhereError(address, this.#map.space.blockCidr(block), this.#map.ownerOf(block), words)
    }
    if (isRefused && now < deadline && this.#leases.isFreeingBy(subnet, deadline)) return undefined
    if (isRefused) {
      const away = restingAway(this.#parts.loans, this.#parts.assignments, subnet)
      const here = this.#leases.restingIn(subnet)
      const told = [...(state?.denied.values() ?? [])].reduce((sum, { resting }) => sum + resting, away)
      // Others may say what they like, and their answers are not of one moment.
      return errors.fullError(subnet, { here, elsewhere: Math.min(told, cidrSize(subnet) - here) }, words)
    }
    if (now < deadline) return undefined
    const what = address === undefined ? formatCidr(subnet) : formatIpv4(address)
    if (hold !== undefined) return errors.heldError(what, deadline - since, hold)
    const reason = this.reasonFor(pending)
    return errors.waitedError(what, deadline - since, reason, state?.unreachable ?? [], !this.#map.isEmpty)
  }

  /** Why nothing that is ours, and could satisfy the request, is given. */
  #holdOf(pending: Pending): Hold | undefined {
    if (this.#hold !== undefined) return this.#hold
    const own = this.#map.ownIn(this.#needOf(pending).span)
    const barred = own.filter(block => this.#leases.isBarred(block)).length
    return barred === 0 ? undefined : errors.barredHold(barred)
  }

  #finish(pending: Pending, attempt: Lease | WeaveError): void {
    if (!('container' in attempt)) {
      this.#fail(pending, attempt)
      return
    }
    this.#pending.delete(pending.id)
    const { address, prefix } = attempt
    this.#parts.emit({ type: 'done', id: pending.id, cidrs: [{ address, prefix }] })
  }

  #fail(pending: Pending, error: WeaveError): void {
    this.#pending.delete(pending.id)
    this.#parts.emit({ type: 'failed', id: pending.id, error })
  }
}
