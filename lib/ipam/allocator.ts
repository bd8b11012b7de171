import { formatCidr, formatIpv4, subnetOf, type Cidr, type Ipv4 } from '../address/mod.ts'
import { assert, type Millis, type WeaveError } from '../base/mod.ts'
import * as errors from './allocation-error.ts'
import type { BlockMap } from './block-map.ts'
import { PENDING_MAX, WAIT_MS } from './constants.ts'
import type { Hold } from './hold.ts'
import type { IpamOutput } from './ipam-output.ts'
import { LEASE_HOLDER, type LeaseHolder } from './lease-holder.ts'
import { sameOwner, type Lease, type LeaseTable } from './lease-table.ts'
import type { Need, Seeker } from './seeker.ts'
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

/** The local side: gives addresses of our own blocks, and keeps what must wait for blocks of others. */
export class Allocator {
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  readonly #seeker: Seeker
  readonly #defaultSubnet: Cidr
  readonly #words: () => errors.Words
  readonly #emit: (output: IpamOutput) => void
  readonly #pending = new Map<string, Pending>()
  #hold: Hold | undefined

  constructor(
    map: BlockMap,
    leases: LeaseTable,
    seeker: Seeker,
    defaultSubnet: Cidr,
    words: () => errors.Words,
    emit: (output: IpamOutput) => void,
  ) {
    this.#map = map
    this.#leases = leases
    this.#seeker = seeker
    this.#defaultSubnet = defaultSubnet
    this.#words = words
    this.#emit = emit
  }

  get pending(): Iterable<Pending> {
    return this.#pending.values()
  }

  /** While there is a hold, nothing is given but what a container holds already; what is asked for waits. */
  setHold(hold: Hold | undefined): void {
    this.#hold = hold
  }

  allocate(request: AllocateRequest, now: Millis): void {
    const subnet = request.subnet ?? this.#defaultSubnet
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
      if (sameOwner(pending, { container, holder })) this.#fail(pending, errors.freedError(container))
    }
  }

  /** Satisfies what can be satisfied, asks for what is lacking, and fails what must not wait any longer. */
  advance(now: Millis): void {
    const needs = new Map<string, Need>()
    for (const pending of this.#pending.values()) {
      const need = this.#needOf(pending)
      // Where one request for a subnet found nothing, the next finds nothing either, unless it holds an address
      // already.
      const isVain = needs.has(need.key) && this.#leases.inSubnet(pending, pending.subnet) === undefined
      const attempt = isVain ? undefined : this.#attempt(pending)
      if (attempt === undefined) needs.set(need.key, need)
      else this.#finish(pending, attempt)
    }
    this.#seeker.setNeeds(this.#hold === undefined ? needs : NO_NEEDS)
    for (const { to, request } of this.#seeker.advance(now)) this.#emit({ type: 'send', to, message: request })
    const remaining = new Map<string, Need>()
    for (const pending of this.#pending.values()) {
      const verdict = this.#verdict(pending, now)
      const { key } = this.#needOf(pending)
      if (verdict !== undefined) this.#fail(pending, verdict)
      else remaining.set(key, needs.get(key)!)
    }
    // A refusal is worth nothing to a request that comes later: it asks anew.
    this.#seeker.setNeeds(this.#hold === undefined ? remaining : NO_NEEDS)
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
    return errors.waitReason(state, !this.#map.isEmpty, this.#words())
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
    if (held !== undefined && !sameOwner(held, pending)) {
      const by = held.holder === pending.holder ? held.container : `${held.container} (${held.holder})`
      return errors.takenError(address, by, pending.container)
    }
    if (held?.prefix === subnet.prefix) return held
    if (this.#hold !== undefined) return undefined
    const block = this.#map.space.blockOf(address)
    if (held === undefined && (!this.#map.isOwn(block) || this.#leases.isBarred(block))) return undefined
    return this.#lease(pending, address)
  }

  #findFree(pending: Pending): Ipv4 | undefined {
    const { subnet } = pending
    const { space } = this.#map
    const remembered = this.#leases.rememberedFor(pending, subnet)
    if (remembered !== undefined && this.#map.isOwn(space.blockOf(remembered))) return remembered
    const span = space.spanOf(subnet)
    if (span === undefined) return undefined
    for (let block = span.first; block <= span.last; block++) {
      if (!this.#map.isOwn(block)) continue
      const free = this.#leases.lowestFree(block, subnet)
      if (free !== undefined) return free
    }
    return undefined
  }

  #lease({ container, holder, subnet }: Pending, address: Ipv4): Lease {
    const lease = { container, holder, address, prefix: subnet.prefix }
    this.#leases.put(lease)
    this.#emit({ type: 'lease', lease })
    return lease
  }

  #needOf({ subnet, address }: Pending): Need {
    const { space } = this.#map
    if (address !== undefined) {
      const block = space.blockOf(address)
      return { key: `block ${block}`, subnet, block, span: { first: block, last: block } }
    }
    const span = space.spanOf(subnet)
    assert(span !== undefined, 'a checked subnet lies inside the range')
    return { key: `subnet ${formatCidr(subnet)}`, subnet, block: undefined, span }
  }

  #verdict(pending: Pending, now: Millis): WeaveError | undefined {
    const { subnet, address, since, deadline } = pending
    const { key, block } = this.#needOf(pending)
    const hold = this.#holdOf(pending)
    const isRefused = hold === undefined && this.#seeker.isRefused(key, now)
    if (isRefused && address !== undefined && block !== undefined) {
      const cidr = this.#map.space.blockCidr(block)
      return errors.elsewhereError(address, cidr, this.#map.ownerOf(block), this.#words())
    }
    if (isRefused && now < deadline && this.#leases.isFreeingBy(subnet, deadline)) return undefined
    if (isRefused) {
      return errors.fullError(subnet, this.#seeker.state(key), this.#leases.restingIn(subnet), this.#words())
    }
    if (now < deadline) return undefined
    const what = address === undefined ? formatCidr(subnet) : formatIpv4(address)
    if (hold !== undefined) return errors.heldError(what, deadline - since, hold)
    return errors.waitedError(what, deadline - since, this.reasonFor(pending), !this.#map.isEmpty)
  }

  /** Why nothing that is ours, and could satisfy the request, is given. */
  #holdOf(pending: Pending): Hold | undefined {
    if (this.#hold !== undefined) return this.#hold
    const { first, last } = this.#needOf(pending).span
    let barred = 0
    for (let block = first; block <= last; block++) if (this.#map.isOwn(block) && this.#leases.isBarred(block)) barred++
    return barred === 0 ? undefined : errors.barredHold(barred)
  }

  #finish(pending: Pending, attempt: Lease | WeaveError): void {
    if (!('container' in attempt)) {
      this.#fail(pending, attempt)
      return
    }
    this.#pending.delete(pending.id)
    const { address, prefix } = attempt
    this.#emit({ type: 'done', id: pending.id, cidrs: [{ address, prefix }] })
  }

  #fail(pending: Pending, error: WeaveError): void {
    this.#pending.delete(pending.id)
    this.#emit({ type: 'failed', id: pending.id, error })
  }
}
