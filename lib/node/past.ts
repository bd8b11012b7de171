import { formatCidr, type Cidr, type PeerId } from '../address/mod.ts'
import { equalBytes, soonest, type Millis } from '../base/mod.ts'
import type { Hold, Lease } from '../ipam/mod.ts'
import { RECORD_KIND, type LedgerSync } from '../wire/mod.ts'
import type { Addresses } from './addresses.ts'
import { Comparison } from './comparison.ts'
import { PAST_COMPARE_MS, PAST_HEED_MS, PAST_HOLD_MS, PAST_SETTLE_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { Double, type DoubleReport } from './double.ts'
import type { Gossip } from './gossip.ts'
import type { MemberList } from './member-list.ts'
import type { Membership } from './membership.ts'
import type { NodePart, StoreEntry } from './part.ts'
import { Recovered, type RecoveredReport } from './recovered.ts'
import { Reunion } from './reunion.ts'

const PAST_PREFIX = 'past/'
const MET_KEY = `${PAST_PREFIX}met`
const RECOVERED_KEY = `${PAST_PREFIX}recovered`

export interface PastReport {
  /** Another process with this peer's identity. */
  readonly double: DoubleReport | undefined
  /** It went on although no peer could be asked what became of what was stored. */
  readonly isUnproved: boolean
  /** It was cut off, and asks others first: why nothing is given, for people. */
  readonly reunion: string | undefined
  /** Blocks that came back after this peer's store had lost them. */
  readonly recovered: RecoveredReport | undefined
}

/**
 * Whether what this peer's store says of it is still so. A restored or copied store tells of a past in which blocks may
 * have been handed on since; an empty one of none at all. So a peer that may be known to others first listens: it asks
 * one of them for all that it lacks, takes back the blocks that only others remember to be its own, and only then speaks.
 * Until then, and while another process has its identity, no address is given and no block handed on.
 */
export class Past implements NodePart {
  readonly name = 'past'
  readonly storePrefixes = [PAST_PREFIX]
  readonly #context: NodeContext
  readonly #addresses: Addresses
  readonly #gossip: Pick<Gossip, 'greet'>
  readonly #mesh: Pick<Membership, 'isMember'>
  readonly #double = new Double()
  readonly #recovered = new Recovered()
  readonly #reunion: Reunion
  #hasMet = false
  /** Nothing is given until then. */
  #heldUntil: Millis | undefined
  /** Until then it is not held because somebody says that another process has this identity. */
  #unheededUntil: Millis = 0
  #isUnproved = false
  /** Held once more because somebody came after all. */
  #isHeldAnew = false
  #isFirstLook = true
  #comparison: Comparison | undefined
  /** When another neighbour is to be asked. */
  #nextAt: Millis | undefined
  /** When it speaks although nobody answered. */
  #speakAt: Millis | undefined

  constructor(
    context: NodeContext,
    parts: {
      addresses: Addresses
      gossip: Pick<Gossip, 'greet'>
      mesh: Pick<Membership, 'isMember'>
      members: Pick<MemberList, 'all'>
    },
  ) {
    this.#context = context
    this.#addresses = parts.addresses
    this.#gossip = parts.gossip
    this.#mesh = parts.mesh
    this.#reunion = new Reunion(context, parts.gossip, parts.members)
  }

  /** The last of all parts: what they wrote is told to others when this one says so. */
  restore(entries: readonly StoreEntry[], now: Millis): void {
    if (!this.#mesh.isMember) return
    this.#reunion.restore(now)
    const stored = new Map(entries)
    const met = stored.get(MET_KEY)
    this.#hasMet = met !== undefined && equalBytes(met, this.#context.ledger.meshId)
    if (!this.#hasMet) return this.#context.ledger.speak()
    this.#recovered.restore(stored.get(RECOVERED_KEY), now)
    this.#addresses.ipam.bar(this.#recovered.blocks, now)
    this.#heldUntil = now + PAST_HOLD_MS
    this.#update(now)
  }

  /** Another process proved on a link that it has this peer's identity. */
  handleDouble(nickname: string, endpoint: string, incarnation: Uint8Array, now: Millis): void {
    if (this.#double.handleMet(nickname, endpoint, incarnation, now)) this.#logDouble(now)
    this.#update(now)
  }

  /**
   * A neighbour says that this peer has started anew, and ends the link to who was there before. That is heeded now and
   * then only: a double shows itself meanwhile, and a liar would go on for ever.
   */
  handleReplaced(now: Millis): void {
    if (this.#context.ledger.isListening || now < this.#unheededUntil) return
    this.#unheededUntil = now + PAST_HEED_MS
    this.#heldUntil = now + (this.#heldUntil === undefined ? PAST_SETTLE_MS : PAST_HOLD_MS)
    this.#update(now)
  }

  /**
   * What the host says of what is plugged in, and this peer did not know: leases to take up again, and containers of
   * which nothing can be said; and addresses of the bridge itself, whose blocks are kept back. Returns the leases that
   * cannot be taken up, because another container has the address.
   */
  handlePlugged(
    found: readonly Lease[],
    strays: readonly string[],
    now: Millis,
    ofBridge: readonly Cidr[] = [],
  ): readonly Lease[] {
    const refused = found.filter(lease => !this.#addresses.ipam.adopt(lease, now))
    // The store that says which blocks are own is older than what is plugged in, so it does not say all of them.
    const { ipam } = this.#addresses
    if (this.#isFirstLook && strays.length > 0) this.#keepBack(ipam.ownBlocks(), now)
    const blocks = ofBridge.map(({ address }) => ipam.space.blockOf(address))
    if (this.#isFirstLook)
      this.#keepBack(
        [...new Set(blocks)].filter(block => ipam.isOwn(block)),
        now,
      )
    this.#isFirstLook = false
    this.#recovered.handleStrays([...strays, ...ofBridge.map(cidr => `the bridge itself (${formatCidr(cidr)})`)])
    this.#update(now)
    return refused
  }

  neighbourUp(peer: PeerId, now: Millis): void {
    if (!this.#mesh.isMember) return
    if (!this.#context.ledger.isListening) {
      if (this.#heldUntil === undefined) this.#reunion.neighbourUp(peer, now)
      return this.#update(now)
    }
    this.#speakAt ??= now + PAST_HOLD_MS
    if (this.#isUnproved && !this.#isHeldAnew) {
      this.#isHeldAnew = true
      this.#heldUntil ??= now + PAST_HOLD_MS
      this.#update(now)
    }
    if (this.#comparison === undefined) this.#compare(peer, now)
  }

  /** `heardAt`: when anything came over the link last. */
  neighbourDown(peer: PeerId, heardAt: Millis, now: Millis): void {
    this.#reunion.neighbourDown(peer, heardAt, now)
  }

  /** This process was not there for so long, although it was to be woken. */
  handleAway(lateMs: Millis, now: Millis): void {
    if (this.#heldUntil === undefined) this.#reunion.handleAway(lateMs, now)
    if (this.#reunion.hold !== undefined) this.#update(now)
  }

  /** A neighbour told of its ledger; `sync`: what it told, unless it sent records. */
  handleTold(from: PeerId, sync: LedgerSync | undefined, now: Millis): void {
    if (!this.#context.ledger.isListening) {
      this.#reunion.handleTold(from, sync, now)
      return this.#handleMet(now)
    }
    if (this.#comparison === undefined) return
    if (sync !== undefined && this.#comparison.peer === from) {
      const question = this.#comparison.take(sync)
      if (question !== undefined) this.#gossip.greet(from, now, question)
    }
    if (this.#comparison.isComplete) this.#speak(from, now)
  }

  viewChanged(now: Millis): void {
    this.#reunion.viewChanged(now, this.#heldUntil === undefined)
    if (this.#reunion.hold !== undefined) this.#update(now)
    if (this.#hasMet || !this.#context.isShared() || this.#context.view.reachable.size < 2) return
    this.#hasMet = true
    this.#persist(MET_KEY, this.#context.ledger.meshId)
    this.#update(now)
  }

  meshChanged(now: Millis): void {
    this.#hasMet = false
    this.#heldUntil = undefined
    this.#isUnproved = false
    this.#comparison = undefined
    this.#nextAt = undefined
    this.#speakAt = undefined
    this.#isHeldAnew = false
    this.#reunion.clear()
    this.#recovered.clear()
    this.#addresses.ipam.bar([], now)
    this.#persist(MET_KEY, undefined)
    this.#persist(RECOVERED_KEY, undefined)
    this.#update(now)
  }

  handleTimeout(now: Millis): void {
    // Without a link there is nobody to tell, and the next one can be asked.
    if (this.#context.neighbours.count === 0) this.#speakAt = undefined
    if (this.#speakAt !== undefined && now >= this.#speakAt) this.#speak(undefined, now)
    if (this.#nextAt !== undefined && now >= this.#nextAt) this.#compareNext(now)
    if (this.#heldUntil !== undefined && now >= this.#heldUntil) this.#release(now)
    // Who voted may be a member that is new.
    if (this.#reunion.handleTimeout(now)) this.#addresses.viewChanged(now)
    if (this.#double.handleTimeout(now))
      this.#context.log('info', 'identity-double-gone', { text: 'nothing is heard of it any more' }, now)
    this.#update(now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    const due = (at: Millis | undefined, reason: string) => (at === undefined ? undefined : { at, reason })
    return soonest([
      due(this.#speakAt, 'speak unheard'),
      due(this.#nextAt, 'compare with another'),
      due(this.#heldUntil, 'past in doubt'),
      due(this.#reunion.dueAt, 'reunion'),
      due(this.#double.until, 'double is gone'),
      due(this.#recovered.freeAt, 'recovered blocks'),
    ])
  }

  /** See `LostMembers.lostSince`. */
  lostSince(peer: PeerId): Millis | undefined {
    return this.#reunion.lostSince(peer)
  }

  report(): PastReport {
    return {
      double: this.#double.report,
      isUnproved: this.#isUnproved,
      reunion: this.#reunion.hold?.reason,
      recovered: this.#recovered.report,
    }
  }

  #compare(peer: PeerId, now: Millis): void {
    this.#comparison = new Comparison(this.#context.ledger, peer)
    this.#nextAt = now + PAST_COMPARE_MS
    this.#gossip.greet(peer, now, this.#comparison.begin())
  }

  /** The one that was asked has not answered for all: another one may, or this one now. */
  #compareNext(now: Millis): void {
    const peers = this.#context.neighbours.neighbours.map(({ peerId }) => peerId)
    const at = peers.indexOf(this.#comparison?.peer ?? ('' as PeerId))
    const next = peers[(at + 1) % peers.length]
    this.#comparison = undefined
    this.#nextAt = undefined
    if (next !== undefined) this.#compare(next, now)
  }

  /** Takes back what others remember, and tells them what is so now. `from`: whom it was compared with. */
  #speak(from: PeerId | undefined, now: Millis): void {
    const { ledger, log } = this.#context
    this.#comparison = undefined
    this.#nextAt = undefined
    this.#speakAt = undefined
    const blocks = this.#addresses.takeBack(ledger.heard(RECORD_KIND.blocks), now)
    if (blocks.length > 0) {
      this.#keepBack(blocks, now)
      const text = 'address blocks that this store had lost came back; they are kept back until no old container lives'
      log('warn', 'blocks-recovered', { blocks: blocks.length, text }, now)
    }
    // What it is known for, and did not write, is of an earlier life, or of a double that lives.
    const isKnown = ledger.heard(RECORD_KIND.peer).length > 0
    ledger.speak()
    if (from === undefined)
      log('warn', 'past-unheard', { text: 'no neighbour said what it holds; speaking all the same' }, now)
    else log('info', 'past-compared', { peer: from }, now)
    if (from !== undefined) this.#isUnproved = false
    if (this.#heldUntil !== undefined || isKnown) this.#heldUntil = from === undefined ? now : now + PAST_SETTLE_MS
    this.#update(now)
  }

  #keepBack(blocks: readonly number[], now: Millis): void {
    if (blocks.length === 0) return
    this.#recovered.add(blocks, now)
    this.#addresses.ipam.bar(this.#recovered.blocks, now)
    this.#persist(RECOVERED_KEY, this.#recovered.encode())
  }

  #release(now: Millis): void {
    this.#heldUntil = undefined
    if (!this.#context.ledger.isListening) return
    this.#isUnproved = true
    const text = `no other member could be asked within ${PAST_HOLD_MS / 1000} s what became of the stored blocks; going on`
    this.#context.log('warn', 'past-unproved', { text }, now)
  }

  #handleMet(now: Millis): void {
    const met = this.#context.ledger.takeMet()
    if (met.length === 0) return
    if (this.#double.handleRecords(met, this.#context.config.incarnation, now)) this.#logDouble(now)
    this.#update(now)
  }

  #logDouble(now: Millis): void {
    const double = this.#double.report
    if (double === undefined) return
    const { nickname, endpoints, incarnation } = double
    const text = `${double.text}; ${double.remedy}`
    this.#context.log('warn', 'identity-doubled', { nickname, endpoints: endpoints.join(' '), incarnation, text }, now)
  }

  #update(now: Millis): void {
    if (this.#recovered.isFree(now)) {
      this.#context.log('info', 'recovered-free', { blocks: this.#recovered.blocks.length }, now)
      this.#recovered.clear()
      this.#addresses.ipam.bar([], now)
      this.#persist(RECOVERED_KEY, undefined)
    }
    const hold = this.#double.hold ?? this.#startHold() ?? this.#reunion.hold
    if (hold?.reason !== this.#addresses.ipam.hold?.reason) this.#addresses.ipam.setHold(hold, now)
    this.#addresses.drain(now)
  }

  #startHold(): Hold | undefined {
    if (this.#heldUntil === undefined) return undefined
    const text = this.#context.ledger.isListening
      ? 'started on stored state, and no other member has said yet what became of it'
      : 'waiting whether another process has this identity'
    return {
      reason: text,
      remedy: `it goes on by itself within ${PAST_HOLD_MS / 1000} s; try again then`,
      isBrief: true,
    }
  }

  #persist(key: string, value: Uint8Array | undefined): void {
    const puts: [string, Uint8Array][] = value === undefined ? [] : [[key, value]]
    this.#context.emit({ type: 'persist', puts, deletes: value === undefined ? [key] : [] })
  }
}
