import { formatIpv4, parsePeerId, shortPeerId, type Cidr, type Ipv4, type PeerId } from '../address/mod.ts'
import { assert, BoundedQueue, Drop, isDrop, soonest, type Chance, type Machine, type Millis } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import type { IpamAnswer, IpamRequest, IpamReturn } from '../wire/mod.ts'
import type { Words } from './allocation-error.ts'
import { Allocator, type AllocateRequest, type ClaimRequest } from './allocator.ts'
import { decodeAssignedRecord, type Assigned } from './assigned-record.ts'
import { Assignments } from './assignments.ts'
import { BlockMap } from './block-map.ts'
import { BlockSpace, type BlockSpan } from './block-space.ts'
import { surveyBlocks, type BlockRun } from './block-survey.ts'
import { segmentOfPage, type Page } from './blocks-record.ts'
import { Borrower } from './borrower.ts'
import { BLOCK_PREFIX_DEFAULT, OUTPUTS_MAX } from './constants.ts'
import { Donor } from './donor.ts'
import type { Hold } from './hold.ts'
import type { IpamOutput } from './ipam-output.ts'
import { makeReport, type IpamReport } from './ipam-report.ts'
import { LEASE_HOLDER, type LeaseHolder } from './lease-holder.ts'
import { LeaseTable, sameOwner, type Lease } from './lease-table.ts'
import { Loans } from './loans.ts'
import { OwnAssigned } from './own-assigned.ts'
import { rangeText } from './range-changed.ts'
import { Reclaims } from './reclaims.ts'
import { RequestIds } from './request-ids.ts'
import { Seeker } from './seeker.ts'
import { StandingNeeds } from './standing-needs.ts'
import { decodeFreed, encodeFreed } from './stored-lease.ts'
import { subnetError } from './subnet-check.ts'
import { Succession, type PeerRemoval } from './succession.ts'
import { Takeovers } from './takeovers.ts'
import type { Giver } from './title.ts'

export interface IpamOptions {
  /** This peer, which signs what it hands on. */
  readonly identity: Giver
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  /** 16 bytes: of which mesh the blocks are. */
  readonly meshId: () => Uint8Array
  readonly range: Cidr
  /** Prefix length of a block; BLOCK_PREFIX_DEFAULT when undefined. */
  readonly blockPrefix?: number
  /** Where containers go that ask for nothing; the range when undefined. */
  readonly defaultSubnet?: Cidr
  readonly chance: Chance
  /** True: it takes no blocks, and borrows each address. */
  readonly isEphemeral?: boolean
  /** False: it asks for no blocks before a container needs an address. */
  readonly isEager?: boolean
  /** How a peer is called in messages; its short id when undefined. */
  readonly nameOf?: (peer: PeerId) => string
}

/** Per block its owner; for the check of source addresses. */
export interface BlockOwnership {
  readonly first: Ipv4
  readonly blockSize: number
  readonly ownerOf: readonly (PeerId | undefined)[]
  /** Single addresses that the owner of their block lent, and to whom. */
  readonly lent: readonly { readonly address: Ipv4; readonly peer: PeerId }[]
}

/** What is stored of a takeover that was acted upon: only that it was. */
const RECLAIMED = Uint8Array.of(1)

/** What the store keeps besides leases. */
const KEPT = { ids: 'ids', answers: 'answers/', freed: 'freed/', reclaimed: 'reclaimed/' } as const

/**
 * Address management of one peer: which blocks of the range it owns, which addresses its containers hold.
 *
 * Inputs: first what was persisted, by `restoreLease`, `restoreKept`, `setStatements` and
 * `setAssigned`, then `start`; then `found`, `setStatements`, `setAssigned`, `setReachable`, `handleRequest`,
 * `handleAnswer`, `handleReturn`, `allocate`, `claim`, `cancel`, `free`, `handleTimeout`. After each,
 * drain `pollOutput` and carry the outputs out in order; wake at `pollTimeout`. Nothing comes out before `start`: with
 * half of the records restored, an own record would be published that lacks the rest.
 *
 * It gives an address only of a block that the register in force says is its own, or one that the owner of the block
 * lent to it, and hands only blocks on that hold no leased, lent or resting address; so no address is ever held by two
 * containers. Every request ends by its deadline. While it is told to hold (`setHold`) it gives, hands on and answers
 * nothing.
 */
export class Ipam implements Machine<IpamOutput> {
  readonly space: BlockSpace
  readonly defaultSubnet: Cidr
  readonly #map: BlockMap
  readonly takeovers: Takeovers
  readonly #succession: Succession
  readonly #leases: LeaseTable
  readonly loans: Loans
  readonly #assignments: Assignments
  readonly #own: OwnAssigned
  readonly #ids: RequestIds
  readonly #borrower: Borrower
  readonly #standing: StandingNeeds
  readonly #donor: Donor
  readonly #reclaims: Reclaims
  readonly #seeker: Seeker
  readonly #allocator: Allocator
  readonly #nameOf: (peer: PeerId) => string
  readonly #outputs = new BoundedQueue<IpamOutput>(OUTPUTS_MAX)
  /** Peers that manage another range, and which. Bounded by the owners of the ledger. */
  readonly #otherRanges = new Map<PeerId, string>()
  #isStarted = false
  #settledAt: Millis = 0
  #hold: Hold | undefined

  /** @throws WeaveError CONFIG_INVALID, BAD_ADDRESS or ADDRESS_OUTSIDE_RANGE for a range or subnet that cannot work */
  constructor(options: IpamOptions) {
    const {
      identity,
      suite,
      meshId,
      range,
      blockPrefix = BLOCK_PREFIX_DEFAULT,
      defaultSubnet = range,
      chance,
      isEphemeral = false,
      isEager = !isEphemeral,
    } = options
    this.space = new BlockSpace(range, blockPrefix)
    const wrong = subnetError(defaultSubnet, range)
    if (wrong !== undefined) throw wrong
    this.defaultSubnet = defaultSubnet
    this.takeovers = new Takeovers({
      self: identity,
      suite,
      scope: () => ({ meshId: meshId(), range, blockPrefix: this.space.blockPrefix }),
      blockCount: this.space.blockCount,
      registerOf: block => this.#map.registerOf(block),
    })
    this.#map = new BlockMap(this.space, { self: identity, suite, meshId, takeovers: this.takeovers })
    this.#succession = new Succession(this.#map, this.takeovers)
    const self = identity.peerId
    const emit = this.#emit.bind(this)
    this.loans = new Loans(this.space)
    this.#assignments = new Assignments(self, this.space)
    this.#leases = new LeaseTable(this.space, {
      has: address => this.loans.at(address) !== undefined || this.#assignments.isUsed(address),
      isAnyIn: block => this.loans.countIn(block) > 0 || this.#assignments.usedIn(block) > 0,
    })
    this.#own = new OwnAssigned(this.#map, this.#leases, this.loans, isEphemeral)
    this.#ids = new RequestIds(value => emit({ type: 'keep', key: KEPT.ids, value }))
    const parts = { map: this.#map, leases: this.#leases, loans: this.loans, assignments: this.#assignments, chance }
    this.#donor = new Donor(parts)
    this.#reclaims = new Reclaims({
      loans: this.loans,
      assignments: this.#assignments,
      takeovers: this.takeovers,
      keep: (id, isKept) => emit({ type: 'keep', key: KEPT.reclaimed + id, value: isKept ? RECLAIMED : undefined }),
    })
    this.#borrower = new Borrower(this.#map, this.#leases, this.#assignments)
    this.#seeker = new Seeker({
      map: this.#map,
      borrower: this.#borrower,
      chance,
      isEphemeral,
      takeId: () => this.#ids.take(),
      leapAbove: id => this.#ids.leapAbove(id),
    })
    this.#standing = new StandingNeeds({ ...parts, seeker: this.#seeker, defaultSubnet, isEager })
    this.#nameOf = options.nameOf ?? shortPeerId
    this.#allocator = new Allocator({
      ...parts,
      borrower: this.#borrower,
      seeker: this.#seeker,
      standing: this.#standing,
      defaultSubnet,
      words: () => this.#words(),
      emit,
    })
  }

  /** True when at least one owner of blocks is known. */
  get isReady(): boolean {
    return !this.#map.isEmpty
  }

  /** Grows whenever a block or a single address changes hands. */
  get version(): number {
    return this.#map.version + this.#assignments.version + this.loans.version
  }

  /** Puts a persisted lease back, before the start. False when the address is another's. */
  restoreLease(lease: Lease): boolean {
    const held = this.#leases.at(lease.address)
    if (held !== undefined && !sameOwner(held, lease)) return false
    this.#leases.put(lease)
    return true
  }

  /** Puts back a lease that was lost, while it runs; it is persisted anew. False as above. */
  adopt(lease: Lease, now: Millis): boolean {
    const held = this.#leases.at(lease.address)
    if (held === undefined && this.restoreLease(lease)) this.#emit({ type: 'lease', lease })
    this.#settle(now)
    return this.#leases.at(lease.address) !== undefined && sameOwner(this.#leases.at(lease.address)!, lease)
  }

  /** Puts back what was kept, after the leases and before the start. False when it is not understood. */
  restoreKept(key: string, value: Uint8Array, now: Millis): boolean {
    if (key === KEPT.ids) return this.#ids.restore(value)
    if (key.startsWith(KEPT.answers)) {
      const from = parsePeerId(key.slice(KEPT.answers.length))
      return from !== undefined && this.#donor.answers.restore(from, value)
    }
    if (key.startsWith(KEPT.reclaimed)) {
      this.#reclaims.restore(key.slice(KEPT.reclaimed.length))
      return true
    }
    const freed = key.startsWith(KEPT.freed) ? decodeFreed(value) : undefined
    if (freed !== undefined) this.#leases.restoreFreed(freed, now)
    return freed !== undefined
  }

  /** Everything persisted has been restored: from here on there are outputs. */
  start(now: Millis): void {
    this.#isStarted = true
    this.#settle(now)
  }

  /** From now on nothing is given here or to other peers, and what waits says why; until it is undefined again. */
  setHold(hold: Hold | undefined, now: Millis): void {
    this.#hold = hold
    this.#allocator.setHold(hold)
    this.#settle(now)
  }

  /** From now on nothing is given of these blocks, here or to other peers, though they be own. */
  bar(blocks: Iterable<number>, now: Millis): void {
    this.#leases.bar(blocks)
    this.#settle(now)
  }

  /**
   * Takes back what others remember of a page that this peer stated, and that the ledger holds again, where nothing
   * greater is known. Returns the blocks that are own by it.
   */
  takeBack(page: Page, value: Uint8Array, now: Millis): readonly number[] | Drop {
    const segment = segmentOfPage(page)
    if (segment >= this.space.segmentCount) return new Drop('blocks-segment')
    const span = this.space.segmentSpan(segment)
    const before = new Set(this.ownBlocks(span))
    const drop = this.#map.setStatement(this.#map.self, page, value, now)
    if (drop !== undefined) return drop
    const taken = this.ownBlocks(span).filter(block => !before.has(block))
    // Before anything can be given of them.
    this.#leases.bar([...this.#leases.barred, ...taken])
    this.#settle(now)
    return taken
  }

  get hold(): Hold | undefined {
    return this.#hold
  }

  /**
   * Founds: makes every block ours. False, with nothing changed, when a block is or was known: the mesh is founded.
   * `salt`: the 16 bytes that the mesh id was made of. `isAnew`: what was known before `abandon` does not count.
   */
  found(salt: Uint8Array, now: Millis, isAnew = false): boolean {
    assert(this.#isStarted, 'a peer starts before it founds')
    const isFounded = this.#map.found(salt, isAnew)
    this.#settle(now)
    return isFounded
  }

  /** Gives up all blocks, own and known: this peer leaves its mesh for another one. Leases stay, as disputed. */
  abandon(now: Millis): void {
    this.#map.abandon()
    this.takeovers.clear()
    this.#otherRanges.clear()
    this.#reclaims.pause()
    this.#assignments.clear()
    this.#own.forget()
    this.#borrower.clear()
    for (const peer of this.#donor.answers.clear())
      this.#emit({ type: 'keep', key: KEPT.answers + peer, value: undefined })
    this.#settle(now)
  }

  /**
   * Hands every block on to another peer, leased or not: this peer leaves for good. Returns how many; none while it is
   * in doubt whether they are its own. Not `isForGood`: it stays, and keeps those for now of which it alone knows that an
   * address rests, or may be in use.
   */
  leave(heir: PeerId, now: Millis, isForGood = true): number {
    if (this.#hold !== undefined) return 0
    const isKept = (block: number) =>
      this.#leases.isBarred(block) || this.#leases.restingIn(this.space.blockCidr(block)) > 0
    const isLeaving = (block: number) => this.#map.canHandOn(block) && (isForGood || !isKept(block))
    let count = 0
    for (let block = 0; block < this.space.blockCount; block++) {
      if (!isLeaving(block)) continue
      let last = block
      while (last + 1 < this.space.blockCount && isLeaving(last + 1)) last++
      this.#map.handOn({ first: block, last }, heir)
      count += last - block + 1
      block = last
    }
    this.#settle(now)
    return count
  }

  /** Gives back what was borrowed and no container has, its rest or not: this peer leaves for good. */
  returnAll(now: Millis): void {
    for (const { to, message } of this.#borrower.returnAll(this.#seeker.reachable))
      this.#emit({ type: 'send', to, message })
    this.#settle(now)
  }

  /**
   * Takes what the ledger holds of `owner` for a page (undefined: nothing any more), at restore and ever after. This
   * peer's own records too. Returns why a record was not understood, or not believed: what is not proved in it counts as
   * none.
   */
  setStatements(owner: PeerId, page: Page, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const drop = this.#map.setStatement(owner, page, value, now)
    if (value !== undefined && drop?.reason === 'blocks-range-differs') this.#otherRanges.set(owner, rangeText(value))
    else this.#otherRanges.delete(owner)
    this.#settle(now)
    return drop
  }

  /**
   * Takes what the ledger holds of `author` for a part of the addresses (undefined: nothing any more). Of this peer
   * itself it is taken at restore only: afterwards it knows better. Returns why a record was not understood.
   */
  setAssigned(author: PeerId, part: Ipv4, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    if (author !== this.#map.self) {
      const drop = this.#assignments.set(author, part, value)
      this.#settle(now)
      return drop
    }
    if (this.#isStarted || value === undefined) return undefined
    const assigned = decodeAssignedRecord(part, value)
    if (isDrop(assigned)) return assigned
    this.#own.restore(part, value)
    for (const one of assigned) if (this.#isLoan(one)) this.loans.lend(one)
    return undefined
  }

  /** Takes what the ledger holds of `owner` of kind `takeover`; at restore before any statement. */
  setTakeover(owner: PeerId, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const drop = this.takeovers.setRecord(owner, key, value, now)
    this.#settle(now)
    return drop
  }

  /** Takes what the ledger holds of `owner` of kind `acks`. */
  setAcks(owner: PeerId, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const drop = this.takeovers.setAcks(owner, value)
    this.#settle(now)
    return drop
  }

  /**
   * Replaces the set of peers that messages can be sent to, and that of all members of the mesh, wherever they are now.
   */
  setReachable(peers: ReadonlySet<PeerId>, now: Millis, members: ReadonlySet<PeerId> = peers): void {
    this.#seeker.setReachable(peers)
    this.takeovers.electorate.set(members, peers, now)
    this.#settle(now)
  }

  /**
   * Takes over the blocks of a peer that is gone for good; see `Succession.remove`. Not while there is a hold: it may not
   * even know who else is a member then, and would take itself for the majority.
   */
  removePeer(victim: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    assert(this.#isStarted, 'a peer starts before it takes over')
    if (this.#hold !== undefined) return { outcome: 'held', hold: this.#hold }
    const removal = this.#succession.remove(victim, isForced, now)
    this.#settle(now)
    return removal.outcome === 'begun' ? { ...removal, takeovers: this.takeovers.of(victim) } : removal
  }

  /** While there is a hold nothing is answered: who asks then asks another one. */
  handleRequest(from: PeerId, request: IpamRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it answers')
    if (from === this.#map.self || this.#hold !== undefined) return
    this.#leases.expire(now)
    const { answer, isNew, forgotten } = this.#donor.answer(from, request)
    if (forgotten !== undefined) this.#emit({ type: 'keep', key: KEPT.answers + forgotten, value: undefined })
    if (isNew) this.#emit({ type: 'keep', key: KEPT.answers + from, value: this.#donor.answers.encode(from) })
    this.#publish()
    this.#emit({ type: 'send', to: from, message: answer })
    this.#settle(now)
  }

  /** Takes back what was lent. While there is a hold it is not: it is said again. */
  handleReturn(from: PeerId, { returned }: IpamReturn, now: Millis): void {
    if (this.#hold !== undefined) return
    this.#donor.takeBack(from, returned)
    this.#settle(now)
  }

  /** False when nobody waited for it. */
  handleAnswer(from: PeerId, answer: IpamAnswer, now: Millis): boolean {
    const isExpected = this.#seeker.handleAnswer(from, answer, now)
    this.#settle(now)
    return isExpected
  }

  handleTimeout(now: Millis): void {
    this.#map.handleTimeout(now)
    this.#settle(now)
  }

  /** Asks for any address of a subnet; the same container gets the same one. Ends in `done` or `failed`. */
  allocate(request: AllocateRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it allocates')
    this.#leases.expire(now)
    this.#allocator.allocate(request, now)
    this.#settle(now)
  }

  /** Asks for a very address. Ends in `done` or `failed`. */
  claim(request: ClaimRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it allocates')
    this.#allocator.claim(request, now)
    this.#settle(now)
  }

  /** Forgets a request that waits. */
  cancel(id: string, now: Millis): void {
    this.#allocator.cancel(id)
    this.#settle(now)
  }

  /** What a container holds. */
  lookup(container: string, holder: LeaseHolder = LEASE_HOLDER.attachment): readonly Lease[] {
    return this.#leases.of({ container, holder })
  }

  /** The leases of this host, all or those of one kind of holder. */
  leases(holder?: LeaseHolder): readonly Lease[] {
    const all = [...this.#leases.all()]
    return holder === undefined ? all : all.filter(lease => lease.holder === holder)
  }

  /** Ends the leases of a container, or the one of `address`; without an address also what it waits for. */
  free(
    container: string,
    address: Ipv4 | undefined,
    now: Millis,
    holder: LeaseHolder = LEASE_HOLDER.attachment,
  ): readonly Lease[] {
    const ended = this.lookup(container, holder).filter(lease => address === undefined || lease.address === address)
    for (const lease of ended) {
      this.#leases.remove(lease, now)
      this.#keepFreed()
      this.#emit({ type: 'unlease', lease })
    }
    if (address === undefined) this.#allocator.cancelContainer(container, holder)
    this.#settle(now)
    return ended
  }

  pollOutput(): IpamOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const timeouts: readonly { readonly at: Millis | undefined; readonly reason: string }[] = [
      { at: this.#allocator.nextDeadline(), reason: 'ipam deadline' },
      { at: this.#seeker.nextTimeout(), reason: 'ipam answer' },
      { at: this.#leases.nextExpiry(), reason: 'ipam rest' },
      { at: this.#map.nextTimeout(), reason: 'ipam proof' },
      { at: this.#succession.nextTimeout(this.#settledAt), reason: 'ipam takeover' },
      { at: this.#borrower.nextTimeout(), reason: 'ipam return' },
      { at: this.#standing.nextTimeout(), reason: 'ipam adoption' },
      { at: this.#reclaims.nextTimeout(), reason: 'ipam reclaim' },
    ]
    return soonest(timeouts.map(({ at, reason }) => (at === undefined ? undefined : { at, reason })))
  }

  /** The owner of every block, by the registers in force, and what owners lent. */
  ownership(): BlockOwnership {
    const ownerOf = Array.from({ length: this.space.blockCount }, (_, block) => this.#map.ownerOf(block))
    const lent = [...this.loans.all(), ...this.#assignments.lent(block => ownerOf[block])]
    return { first: this.space.range.address, blockSize: this.space.blockSize, ownerOf, lent }
  }

  /** Who has an address: the peer that it is lent to, else the owner of its block. */
  peerOf(address: Ipv4): PeerId | undefined {
    if (!this.space.holds(address)) return undefined
    const own = this.loans.at(address)
    if (own !== undefined) return own.peer
    for (const loan of this.#assignments.lent(block => this.#map.ownerOf(block)))
      if (loan.address === address) return loan.peer
    return this.#map.ownerOf(this.space.blockOf(address))
  }

  /** The whole range as runs of blocks of one owner. */
  blockRuns(): readonly BlockRun[] {
    return surveyBlocks(this.#map, this.#leases)
  }

  /** The register in force of a block. */
  registerOf(block: number): { term: number; seq: number; owner: PeerId } | undefined {
    return this.#map.registerOf(block)
  }

  /** Peers that say that they hold no blocks; only those with containers do. */
  get ephemerals(): readonly PeerId[] {
    return this.#assignments.ephemerals
  }

  /** True when any block is this peer's. */
  get ownsBlocks(): boolean {
    return this.#map.ownsAny
  }

  /** The blocks of this peer, within a span or all. */
  ownBlocks(span: BlockSpan = { first: 0, last: this.space.blockCount - 1 }): number[] {
    return this.#map.ownIn(span)
  }

  /** True when this peer may give addresses of the block. */
  isOwn(block: number): boolean {
    return this.#map.isOwn(block)
  }

  report(): IpamReport {
    return makeReport({
      map: this.#map,
      leases: this.#leases,
      loans: this.loans,
      assignments: this.#assignments,
      seeker: this.#seeker,
      allocator: this.#allocator,
      takeovers: this.takeovers,
      defaultSubnet: this.defaultSubnet,
      otherRanges: this.#otherRanges,
      words: this.#words(),
      hold: this.#hold,
    })
  }

  #settle(now: Millis): void {
    if (!this.#isStarted) return
    if (this.#hold === undefined) {
      this.#succession.advance(now)
      this.#reclaims.advance(now)
    } else this.#reclaims.pause()
    this.#settledAt = now
    const changed = this.#map.takeChanged()
    this.#own.blocksChanged(changed)
    this.#publish()
    this.#seeker.handleChanges(changed)
    this.#leases.expire(now)
    this.#keepFreed()
    this.#allocator.advance(now)
    if (this.#hold === undefined)
      for (const { to, message } of this.#borrower.advance(this.#seeker.reachable, now))
        this.#emit({ type: 'send', to, message })
    this.#publish()
  }

  #publish(): void {
    for (const publish of this.takeovers.takePublishes()) this.#emit({ type: 'takeover', ...publish })
    for (const { page, value } of this.#map.takePublishes()) this.#emit({ type: 'publish', page, value })
    for (const { part, value } of this.#own.takePublishes()) this.#emit({ type: 'assign', part, value })
  }

  #keepFreed(): void {
    for (const { address, freed } of this.#leases.takeFreed())
      this.#emit({ type: 'keep', key: KEPT.freed + formatIpv4(address), value: freed && encodeFreed(freed) })
  }

  #isLoan({ peer, address }: Assigned): boolean {
    return peer !== this.#map.self && this.space.holds(address) && this.loans.at(address) === undefined
  }

  #emit(output: IpamOutput): void {
    const isTaken = this.#outputs.push(output)
    assert(isTaken, 'outputs are drained after each input')
  }

  #words(): Words {
    let other: Words['other']
    for (const [peer, text] of this.#otherRanges) {
      other = { peer, text }
      break
    }
    return { range: this.space.range, nameOf: this.#nameOf, other }
  }
}
