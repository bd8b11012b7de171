import type { Ipv4, PeerId } from '../address/mod.ts'
import { assert, BoundedQueue, isDrop, type Drop, type Machine, type Millis } from '../base/mod.ts'
import type { IpamAnswer, IpamRequest, IpamReturn } from '../wire/mod.ts'
import type { AllocateRequest, ClaimRequest } from './allocator.ts'
import type { BlockSpace, BlockSpan } from './block-space.ts'
import { surveyBlocks, type BlockRun } from './block-survey.ts'
import type { Page } from './blocks-record.ts'
import { OUTPUTS_MAX } from './constants.ts'
import type { Hold } from './hold.ts'
import type { IpamOutput } from './ipam-output.ts'
import { makeParts, type IpamOptions, type IpamParts } from './ipam-wiring.ts'
import { makeReport, type IpamReport } from './ipam-report.ts'
import { nextTimeout } from './ipam-timeouts.ts'
import { LEASE_HOLDER, type LeaseHolder } from './lease-holder.ts'
import { sameLessee, type Lease } from './lease-table.ts'
import { ownership, peerOf, type BlockOwnership } from './ownership.ts'
import type { PeerRemoval } from './succession.ts'
import type { Takeovers } from './takeovers.ts'

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
  readonly takeovers: Takeovers
  readonly #parts: IpamParts
  readonly #outputs = new BoundedQueue<IpamOutput>(OUTPUTS_MAX)
  #isStarted = false
  #workedAt: Millis = 0
  #hold: Hold | undefined

  /** @throws WeaveError CONFIG_INVALID, BAD_ADDRESS or ADDRESS_OUTSIDE_RANGE for a range or subnet that cannot work */
  constructor(options: IpamOptions) {
    this.#parts = makeParts(options, output => this.#emit(output))
    const { space, takeovers } = this.#parts
    this.space = space
    this.takeovers = takeovers
  }

  /** True when at least one owner of blocks is known. */
  get isReady(): boolean {
    return !this.#parts.map.isEmpty
  }

  /** Grows whenever a block or a single address changes hands. */
  get version(): number {
    return this.#parts.map.version + this.#parts.assignments.version + this.#parts.loans.version
  }

  /** Puts a persisted lease back, before the start. False when the address is another's. */
  restoreLease(lease: Lease): boolean {
    const held = this.#parts.leases.at(lease.address)
    if (held !== undefined && !sameLessee(held, lease)) return false
    this.#parts.leases.put(lease)
    return true
  }

  /** Puts back a lease that was lost, while it runs; it is persisted anew. False as above. */
  adopt(lease: Lease, now: Millis): boolean {
    const held = this.#parts.leases.at(lease.address)
    if (held === undefined && this.restoreLease(lease)) this.#emit({ type: 'lease', lease })
    this.#workOff(now)
    return (
      this.#parts.leases.at(lease.address) !== undefined && sameLessee(this.#parts.leases.at(lease.address)!, lease)
    )
  }

  /** Puts back what was kept, after the leases and before the start. False when it is not understood. */
  restoreKept(key: string, value: Uint8Array, now: Millis): boolean {
    return this.#parts.kept.restore(key, value, now)
  }

  /** Everything persisted has been restored: from here on there are outputs. */
  start(now: Millis): void {
    this.#isStarted = true
    this.#workOff(now)
  }

  /** From now on nothing is given here or to other peers, and what waits says why; until it is undefined again. */
  setHold(hold: Hold | undefined, now: Millis): void {
    this.#hold = hold
    this.#parts.allocator.setHold(hold)
    this.#workOff(now)
  }

  /** From now on nothing is given of these blocks, here or to other peers, though they be own. */
  bar(blocks: Iterable<number>, now: Millis): void {
    this.#parts.leases.bar(blocks)
    this.#workOff(now)
  }

  /**
   * Takes back what others remember of a page that this peer stated, and that the ledger holds again, where nothing
   * greater is known. Returns the blocks that are own by it.
   */
  takeBack(page: Page, value: Uint8Array, now: Millis): readonly number[] | Drop {
    const taken = this.#parts.inputs.takeBack(page, value, now)
    if (isDrop(taken)) return taken
    // Before anything can be given of them.
    this.#parts.leases.bar([...this.#parts.leases.barred, ...taken])
    this.#workOff(now)
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
    const isFounded = this.#parts.map.found(salt, isAnew)
    this.#workOff(now)
    return isFounded
  }

  /** Gives up all blocks, own and known: this peer leaves its mesh for another one. Leases stay, as disputed. */
  abandon(now: Millis): void {
    this.#parts.map.abandon()
    this.takeovers.clear()
    this.#parts.inputs.clear()
    this.#parts.reclaims.pause()
    this.#parts.assignments.clear()
    this.#parts.own.forget()
    this.#parts.borrower.clear()
    for (const peer of this.#parts.donor.answers.clear()) this.#parts.kept.forgetAnswers(peer)
    this.#workOff(now)
  }

  /**
   * Hands every block on to another peer, leased or not: this peer leaves for good. Returns how many; none while it is
   * in doubt whether they are its own.
   */
  handOnAll(heir: PeerId, now: Millis): number {
    return this.#hold === undefined ? this.#workedOff(this.#parts.donor.handOnAll(heir), now) : 0
  }

  /** The same, but keeps those for now of which this peer alone knows that an address rests, or may be in use: it stays. */
  handOnUnbarred(heir: PeerId, now: Millis): number {
    return this.#hold === undefined ? this.#workedOff(this.#parts.donor.handOnUnbarred(heir), now) : 0
  }

  /** Ends what was lent to peers that are gone, and cannot give it back. */
  endLoans(isGone: (peer: PeerId) => boolean, now: Millis): void {
    const { version } = this.#parts.loans
    this.#parts.loans.endOf(isGone)
    if (version !== this.#parts.loans.version) this.#workOff(now)
  }

  /** Gives back what was borrowed and no container has, its rest or not: this peer leaves for good. */
  returnAll(now: Millis): void {
    for (const { to, message } of this.#parts.borrower.returnAll(this.#parts.seeker.reachable))
      this.#emit({ type: 'send', to, message })
    this.#workOff(now)
  }

  /**
   * Takes what the ledger holds of `author` for a page (undefined: nothing any more), at restore and ever after. This
   * peer's own records too. Returns why a record was not understood, or not believed: what is not proved in it counts as
   * none.
   */
  setStatements(author: PeerId, page: Page, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    return this.#workedOff(this.#parts.inputs.setStatements(author, page, value, now), now)
  }

  /**
   * Takes what the ledger holds of `author` for a strip of the addresses (undefined: nothing any more). Of this peer
   * itself it is taken at restore only: afterwards it knows better. Returns why a record was not understood.
   */
  setAssigned(author: PeerId, strip: Ipv4, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    return this.#workedOff(this.#parts.inputs.setAssigned(author, strip, value, !this.#isStarted), now)
  }

  /** Takes what the ledger holds of `author` of kind `takeover`; at restore before any statement. */
  setTakeover(author: PeerId, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    return this.#workedOff(this.#parts.inputs.setTakeover(author, key, value, now), now)
  }

  /** Takes what the ledger holds of `author` of kind `acks`. */
  setAcks(author: PeerId, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    return this.#workedOff(this.#parts.inputs.setAcks(author, value), now)
  }

  /**
   * Replaces the set of peers that messages can be sent to, and that of all members of the mesh, wherever they are now.
   */
  setReachable(peers: ReadonlySet<PeerId>, now: Millis, members: ReadonlySet<PeerId> = peers): void {
    this.#parts.seeker.setReachable(peers)
    this.takeovers.presence.set(members, peers, now)
    this.#workOff(now)
  }

  /**
   * Takes over the blocks of a peer that is gone for good; see `Succession.remove`. Not while there is a hold: it may not
   * even know who else is a member then, and would take itself for the majority.
   */
  removePeer(victim: PeerId, isForced: boolean, now: Millis): PeerRemoval {
    assert(this.#isStarted, 'a peer starts before it takes over')
    if (this.#hold !== undefined) return { outcome: 'held', hold: this.#hold }
    const removal = this.#parts.succession.remove(victim, isForced, now)
    this.#workOff(now)
    return removal.outcome === 'begun'
      ? { ...removal, takeovers: this.takeovers.removals.standing(victim, now) }
      : removal
  }

  /** A member that cannot be reached now. What it asked for is late: given to it, it would be nobody's to use. */
  isLost(peer: PeerId): boolean {
    return this.takeovers.presence.lostSince(peer) !== undefined
  }

  /**
   * While there is a hold nothing is answered: who asks then asks another one. Nor is who is lost: its blocks may just be
   * taken over, and what it was given then would stay behind.
   */
  handleRequest(from: PeerId, request: IpamRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it answers')
    if (from === this.#parts.map.self || this.#hold !== undefined || this.isLost(from)) return
    this.#parts.leases.expire(now)
    const { answer, isNew, forgotten } = this.#parts.donor.answer(from, request)
    if (forgotten !== undefined) this.#parts.kept.forgetAnswers(forgotten)
    if (isNew) this.#parts.kept.keepAnswers(from)
    this.#publish()
    this.#emit({ type: 'send', to: from, message: answer })
    this.#workOff(now)
  }

  /** Takes back what was lent. While there is a hold it is not: it is said again. */
  handleReturn(from: PeerId, { returned }: IpamReturn, now: Millis): void {
    if (this.#hold !== undefined) return
    this.#parts.donor.takeBack(from, returned)
    this.#workOff(now)
  }

  /** False when nobody waited for it. */
  handleAnswer(from: PeerId, answer: IpamAnswer, now: Millis): boolean {
    return this.#workedOff(this.#parts.seeker.handleAnswer(from, answer, now), now)
  }

  handleTimeout(now: Millis): void {
    this.#parts.map.handleTimeout(now)
    this.#workOff(now)
  }

  /** Asks for any address of a subnet; the same container gets the same one. Ends in `done` or `failed`. */
  allocate(request: AllocateRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it allocates')
    this.#parts.leases.expire(now)
    this.#parts.allocator.allocate(request, now)
    this.#workOff(now)
  }

  /** Asks for a very address. Ends in `done` or `failed`. */
  claim(request: ClaimRequest, now: Millis): void {
    assert(this.#isStarted, 'a peer starts before it allocates')
    this.#parts.allocator.claim(request, now)
    this.#workOff(now)
  }

  /** Forgets a request that waits. */
  cancel(id: string, now: Millis): void {
    this.#parts.allocator.cancel(id)
    this.#workOff(now)
  }

  /** What a container holds. */
  lookup(container: string, holder: LeaseHolder = LEASE_HOLDER.attachment): readonly Lease[] {
    return this.#parts.leases.of({ container, holder })
  }

  /** The leases of this host, all or those of one kind of holder. */
  leases(holder?: LeaseHolder): readonly Lease[] {
    const all = [...this.#parts.leases.all()]
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
      this.#parts.leases.remove(lease, now)
      this.#parts.kept.keepFreed()
      this.#emit({ type: 'unlease', lease })
    }
    if (address === undefined) this.#parts.allocator.cancelContainer(container, holder)
    this.#workOff(now)
    return ended
  }

  pollOutput(): IpamOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return nextTimeout(this.#parts, this.#workedAt, this.#hold !== undefined)
  }

  /** The owner of every block, by the registers in force, and what owners lent. */
  ownership(): BlockOwnership {
    return ownership(this.#parts)
  }

  /** Who has an address: the peer that it is lent to, else the owner of its block. */
  peerOf(address: Ipv4): PeerId | undefined {
    return peerOf(address, this.#parts)
  }

  /** That an address rests here after use. */
  isResting(address: Ipv4): boolean {
    return [...this.#parts.leases.resting()].includes(address)
  }

  /** The whole range as runs of blocks of one owner. */
  blockRuns(): readonly BlockRun[] {
    return surveyBlocks(this.#parts.map, this.#parts.leases)
  }

  /** The register in force of a block. */
  registerOf(block: number): { term: number; seq: number; owner: PeerId } | undefined {
    return this.#parts.map.registerOf(block)
  }

  /** How many blocks are this peer's by the register in force, and are not given of all the same. */
  lostBlocks(): number {
    let lost = 0
    for (let block = 0; block < this.space.blockCount; block++)
      if (this.registerOf(block)?.owner === this.#parts.map.self && !this.isOwn(block)) lost++
    return lost
  }

  /** Peers that say that they hold no blocks; only those with containers do. */
  get ephemerals(): readonly PeerId[] {
    return this.#parts.assignments.ephemerals
  }

  /** True when any block is this peer's. */
  get ownsBlocks(): boolean {
    return this.#parts.map.ownsAny
  }

  /** The blocks of this peer, within a span or all. */
  ownBlocks(span: BlockSpan = { first: 0, last: this.space.blockCount - 1 }): number[] {
    return this.#parts.map.ownIn(span)
  }

  /** True when this peer may give addresses of the block. */
  isOwn(block: number): boolean {
    return this.#parts.map.isOwn(block)
  }

  report(): IpamReport {
    const { inputs, words } = this.#parts
    const state = { otherRanges: inputs.otherRanges, words: words(), hold: this.#hold, now: this.#workedAt }
    return makeReport({ ...this.#parts, ...state })
  }

  #workedOff<T>(result: T, now: Millis): T {
    this.#workOff(now)
    return result
  }

  #workOff(now: Millis): void {
    if (!this.#isStarted) return
    if (this.#hold === undefined) {
      this.#parts.succession.advance(now)
      this.#parts.reclaims.advance(now)
    } else this.#parts.reclaims.pause()
    this.#workedAt = now
    const changed = this.#parts.map.takeChanged()
    this.#parts.own.blocksChanged(changed)
    this.#publish()
    this.#parts.seeker.handleChanges(changed)
    this.#parts.leases.expire(now)
    this.#parts.kept.keepFreed()
    this.#parts.allocator.advance(now)
    if (this.#hold === undefined)
      for (const { to, message } of this.#parts.borrower.advance(this.#parts.seeker.reachable, now))
        this.#emit({ type: 'send', to, message })
    this.#publish()
  }

  #publish(): void {
    for (const publish of this.takeovers.takePublishes()) this.#emit({ type: 'takeover', ...publish })
    for (const { page, value } of this.#parts.map.takePublishes()) this.#emit({ type: 'publish', page, value })
    for (const { strip, value } of this.#parts.own.takePublishes()) this.#emit({ type: 'assign', strip, value })
  }

  #emit(output: IpamOutput): void {
    const isTaken = this.#outputs.push(output)
    assert(isTaken, 'outputs are drained after each input')
  }
}
