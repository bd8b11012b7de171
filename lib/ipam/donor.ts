import { contains, type Cidr, type Ipv4, type PeerId } from '../address/mod.ts'
import { utf8, type Chance } from '../base/mod.ts'
import {
  CONTAINER_BYTES_MAX,
  LOANS_PER_MESSAGE_MAX,
  type BlockRange,
  type HadBy,
  type IpamAnswer,
  type IpamRequest,
  type Loan,
} from '../wire/mod.ts'
import { Answers } from './answers.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import type { BlockSpan } from './block-space.ts'
import { freeIn, restingAway } from './block-survey.ts'
import { chooseRanges, shareOf } from './donation.ts'
import type { LeaseTable } from './lease-table.ts'
import type { Loans } from './loans.ts'

const LOAN_NUMBERS = 2 ** 32

export interface DonorParts {
  readonly map: BlockMap
  readonly leases: LeaseTable
  readonly loans: Loans
  readonly assignments: Assignments
  readonly chance: Chance
  /** True while this peer makes a new root for a block of its own: what it grants meanwhile would be worth nothing then. */
  readonly isRenewing: (block: number) => boolean
  /** How many peers are of the mesh, this one too. */
  readonly memberCount: () => number
}

/** What became of a request, and which peer's answers are not kept any more for it. */
export interface DonorAnswer {
  readonly answer: IpamAnswer
  readonly isNew: boolean
  readonly forgotten?: PeerId
}

/**
 * The giving side: answers peers that ask for blocks, for single addresses, or for a very address. What cannot be given
 * as a block is lent one by one.
 */
export class Donor {
  readonly answers = new Answers()
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  readonly #loans: Loans
  readonly #assignments: Assignments
  readonly #chance: Chance
  readonly #isRenewing: (block: number) => boolean
  readonly #memberCount: () => number

  constructor({ map, leases, loans, assignments, chance, isRenewing, memberCount }: DonorParts) {
    this.#map = map
    this.#leases = leases
    this.#loans = loans
    this.#assignments = assignments
    this.#chance = chance
    this.#isRenewing = isRenewing
    this.#memberCount = memberCount
  }

  /**
   * Gives what can be spared, and says what. A repeated request gets the same answer. What changed hands must be
   * published, and the answer kept, before it is sent.
   */
  answer(from: PeerId, request: IpamRequest): DonorAnswer {
    const given = this.answers.find(from, request.id)
    if (given !== undefined) return { answer: given, isNew: false }
    const answer = this.#make(from, request)
    const forgotten = this.answers.keep(from, answer)
    return { answer, isNew: true, ...(forgotten !== undefined && { forgotten }) }
  }

  /** Takes back what was lent to a peer. What it does not have by that number stays as it is. */
  takeBack(from: PeerId, returned: readonly Loan[]): void {
    for (const { address, loan } of returned) {
      const held = this.#loans.at(address)
      if (held?.peer === from && held.loan === loan) this.#loans.end(address)
    }
  }

  /** Hands every block on, leased or not. Returns how many. */
  handOnAll(heir: PeerId): number {
    return this.#handOnWhere(() => true, heir)
  }

  /** Hands every block on but those of which it alone knows that an address rests, or may be in use. Returns how many. */
  handOnUnbarred(heir: PeerId): number {
    const { space } = this.#map
    const isKept = (block: number) => this.#leases.isBarred(block) || this.#leases.restingIn(space.blockCidr(block)) > 0
    return this.#handOnWhere(block => !isKept(block), heir)
  }

  #handOnWhere(isMeant: (block: number) => boolean, heir: PeerId): number {
    const { space } = this.#map
    const isLeaving = (block: number) => this.#map.canHandOn(block) && isMeant(block)
    let count = 0
    for (let block = 0; block < space.blockCount; block++) {
      if (!isLeaving(block)) continue
      let last = block
      while (last + 1 < space.blockCount && isLeaving(last + 1)) last++
      this.#map.handOn({ first: block, last }, heir)
      count += last - block + 1
      block = last
    }
    return count
  }

  #make(from: PeerId, request: IpamRequest): IpamAnswer {
    const head = { kind: 'ipam-answer', id: request.id } as const
    if (request.address !== undefined) return { ...head, ...this.#giveVery(from, request, request.address) }
    if (request.count !== undefined) {
      const lent = this.#lendSome(from, request, request.count)
      return { ...head, ...(lent.length > 0 ? { outcome: 'lent', lent } : this.#denied(from, request.subnet, 0)) }
    }
    const span = this.#map.space.spanOf(request.subnet)
    const granted = span === undefined ? [] : this.#choose(span, request)
    for (const range of granted) this.#handOn(range, from)
    if (granted.length > 0) return { ...head, outcome: 'granted', granted }
    return { ...head, ...this.#denied(from, request.subnet, freeIn(this.#map, this.#leases, request.subnet)) }
  }

  #denied(from: PeerId, subnet: Cidr, free: number) {
    // What rests and is borrowed its owner tells of.
    const own = [...this.#leases.resting()].filter(address => contains(subnet, address) && this.#isOwn(address)).length
    const resting = own + restingAway(this.#loans, this.#assignments, subnet, from)
    return { outcome: 'denied', free, ...(resting > 0 && { resting }) } as const
  }

  #isOwn(address: Ipv4): boolean {
    const { space } = this.#map
    return space.holds(address) && this.#map.isOwn(space.blockOf(address))
  }

  #giveVery(from: PeerId, request: IpamRequest, address: Ipv4) {
    const { space } = this.#map
    const block = space.holds(address) ? space.blockOf(address) : undefined
    const granted: BlockRange[] = block === undefined ? [] : [{ first: block, count: 1 }]
    if (block !== undefined && this.#map.ownerOf(block) === from) return { outcome: 'granted', granted } as const
    if (block === undefined || !this.#map.isOwn(block) || this.#leases.isBarred(block))
      return { outcome: 'denied', free: 0 } as const
    const loan = this.#loans.at(address)
    if (loan?.peer === from) return { outcome: 'lent', lent: [{ address, loan: loan.loan }] } as const
    const held = this.#hadBy(address, from)
    if (held !== undefined) return { outcome: 'denied', free: 0, held } as const
    if (request.isInUse !== true && request.isEphemeral !== true && this.#isSpare(block)) {
      this.#handOn(granted[0]!, from)
      return { outcome: 'granted', granted } as const
    }
    // The word of an operator ends a rest.
    this.#leases.stopRest(address)
    return { outcome: 'lent', lent: [this.#lend(address, from, request)] } as const
  }

  /** The last spare block goes only where a container waits: else it would go from hand to hand without any use. */
  #choose(span: BlockSpan, { isForLater }: IpamRequest): BlockRange[] {
    const most = shareOf(span, Math.max(1, this.#memberCount()))
    return chooseRanges(span, at => this.#isSpare(at), isForLater === true ? 0 : 1, most)
  }

  #hadBy(address: Ipv4, from: PeerId): HadBy | undefined {
    const lease = this.#leases.at(address)
    if (lease !== undefined) return { host: this.#map.self, container: tellable(lease.container) }
    const host = this.#loans.at(address)?.peer ?? this.#assignments.usersOf(address, from)[0]
    return host === undefined ? undefined : { host, container: '' }
  }

  /** Blocks that are in use already first, so that whole ones stay; what looks like a network's address last. */
  #lendSome(from: PeerId, request: IpamRequest, count: number): Loan[] {
    const span = this.#map.space.spanOf(request.subnet)
    if (span === undefined) return []
    const most = Math.min(count, LOANS_PER_MESSAGE_MAX)
    const lent: Loan[] = []
    for (const isLast of [false, true])
      for (const isSpare of [false, true])
        for (const block of this.#map.ownIn(span)) {
          if (this.#isSpare(block) !== isSpare) continue
          for (;;) {
            const free = lent.length < most ? this.#leases.lowestFree(block, request.subnet, isLast) : undefined
            if (free === undefined) break
            lent.push(this.#lend(free, from, request))
          }
        }
    return lent
  }

  #lend(address: Ipv4, to: PeerId, request: IpamRequest): Loan {
    const loan = Math.floor(this.#chance() * LOAN_NUMBERS)
    this.#loans.lend({ address, peer: to, loan, isEphemeral: request.isEphemeral === true })
    return { address, loan }
  }

  #isSpare(block: number): boolean {
    return this.#map.canHandOn(block) && this.#leases.isUnused(block) && !this.#isRenewing(block)
  }

  #handOn({ first, count }: BlockRange, to: PeerId): void {
    if (this.#map.ownerOf(first) !== to) this.#map.handOn({ first, last: first + count - 1 }, to)
  }
}

/** A name that is too long is found by who asked, in what this peer tells of its containers. */
function tellable(container: string): string {
  return utf8(container).length > CONTAINER_BYTES_MAX ? '' : container
}
