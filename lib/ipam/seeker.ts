import { formatCidr, type Cidr, type Ipv4, type PeerId } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import { LOANS_PER_MESSAGE_MAX, type HadBy, type IpamAnswer, type IpamRequest } from '../wire/mod.ts'
import type { Borrower } from './borrower.ts'
import type { BlockMap } from './block-map.ts'
import type { BlockSpan } from './block-space.ts'
import { ANSWER_TIMEOUT_MS, FULL_GRACE_MS } from './constants.ts'

/** What is lacking: addresses of a subnet, or one very address of it. */
export interface Need {
  readonly key: string
  readonly subnet: Cidr
  readonly span: BlockSpan
  /**
   * `addresses`: a block, or single ones when there is none; `blocks`: for later; `claim`: the very address; `adopt`: it
   * is in use here already.
   */
  readonly type: 'addresses' | 'blocks' | 'claim' | 'adopt'
  readonly address?: Ipv4
  /** How many addresses are lacking. */
  readonly count: number
}

/** The key of the need of any address of a subnet. */
export function subnetKey(subnet: Cidr): string {
  return `subnet ${formatCidr(subnet)}`
}

interface Asked {
  readonly peer: PeerId
  readonly id: number
  readonly isSingle: boolean
  readonly until: Millis
  /** What was granted, and has not arrived by the ledger: blocks, or lent addresses. */
  readonly granted?: { readonly blocks: readonly number[]; readonly lent: readonly Ipv4[] }
}

/** What an owner that refused a block had. */
export interface Denial {
  /** Single addresses that it said are free. */
  readonly free: number
  readonly held?: HadBy
  /** Addresses that it said rest there. */
  readonly resting: number
}

interface Seek {
  need: Need
  asked: Asked | undefined
  /** Who has no block to give. */
  readonly denied: Map<PeerId, Denial>
  /** Who has no single address to lend either. */
  readonly drained: Set<PeerId>
  /** Who did not answer in time: asked again when nobody else is left. */
  readonly silent: Set<PeerId>
  /** Who called the last id stale. */
  readonly stale: Set<PeerId>
  /** From when on the refusal of all owners counts as final. */
  refusedAt: Millis | undefined
}

/** Why a seek has not succeeded. */
export interface SeekState {
  readonly asked: PeerId | undefined
  readonly isGranted: boolean
  readonly unreachable: readonly PeerId[]
  /** Who was asked and did not answer. */
  readonly silent: readonly PeerId[]
  readonly denied: ReadonlyMap<PeerId, Denial>
  /** Blocks of nobody. */
  readonly unowned: number
}

export interface SeekerParts {
  readonly map: BlockMap
  readonly borrower: Pick<Borrower, 'isUsable' | 'handleLent'>
  readonly chance: Chance
  /** True: no block is asked for. */
  readonly isEphemeral: boolean
  /** An id for a request; each is higher than the last. */
  readonly takeId: () => number
  readonly leapAbove: (id: number) => void
}

/**
 * The asking side: one outstanding request per need, to an owner drawn by how many of the blocks it owns; and when no
 * owner that can be reached has a block to give, by how many single addresses it has to lend.
 */
export class Seeker {
  readonly #map: BlockMap
  readonly #parts: SeekerParts
  readonly #chance: Chance
  readonly #seeks = new Map<string, Seek>()
  #reachable: ReadonlySet<PeerId> = new Set()
  #advancedAt: Millis = 0

  constructor(parts: SeekerParts) {
    this.#parts = parts
    this.#map = parts.map
    this.#chance = parts.chance
  }

  get reachable(): ReadonlySet<PeerId> {
    return this.#reachable
  }

  setReachable(peers: ReadonlySet<PeerId>): void {
    this.#reachable = peers
  }

  /** Starts what is needed and not sought yet; stops what is no longer needed. */
  setNeeds(needs: ReadonlyMap<string, Need>): void {
    for (const key of this.#seeks.keys()) if (!needs.has(key)) this.#seeks.delete(key)
    for (const [key, need] of needs) {
      const seek = this.#seeks.get(key)
      if (seek !== undefined) {
        seek.need = need
        continue
      }
      const peers = { drained: new Set<PeerId>(), silent: new Set<PeerId>(), stale: new Set<PeerId>() }
      const denied = new Map<PeerId, Denial>()
      this.#seeks.set(key, { need, asked: undefined, denied, ...peers, refusedAt: undefined })
    }
  }

  /** The requests to send now. */
  advance(now: Millis): { to: PeerId; request: IpamRequest }[] {
    this.#advancedAt = now
    const requests = []
    for (const seek of this.#seeks.values()) {
      const request = this.#advance(seek, now)
      if (request !== undefined) requests.push(request)
    }
    return requests
  }

  /** True when every owner has refused, nothing changed hands since, and no block is without an owner. */
  isRefused(key: string, now: Millis): boolean {
    const refusedAt = this.#seeks.get(key)?.refusedAt
    return refusedAt !== undefined && refusedAt <= now
  }

  /** Takes an answer; one that nobody waits for is ignored. Returns false then. */
  handleAnswer(from: PeerId, answer: IpamAnswer, now: Millis): boolean {
    for (const seek of this.#seeks.values()) {
      const { asked } = seek
      if (asked?.peer !== from || asked.id !== answer.id || asked.granted !== undefined) continue
      this.#take(seek, asked, answer, now)
      return true
    }
    return false
  }

  /** A peer that gained blocks may have some to give; a grant that arrived is no longer waited for. */
  handleChanges(blocks: readonly number[]): void {
    for (const seek of this.#seeks.values()) {
      const { first, last } = seek.need.span
      for (const block of blocks) {
        if (block < first || block > last) continue
        const owner = this.#map.ownerOf(block)
        if (owner !== undefined) {
          seek.denied.delete(owner)
          seek.drained.delete(owner)
        }
        seek.refusedAt = undefined
      }
      if (seek.asked?.granted !== undefined && this.#hasArrived(seek.asked.granted)) seek.asked = undefined
    }
  }

  nextTimeout(): Millis | undefined {
    let next: Millis | undefined
    for (const { asked, refusedAt } of this.#seeks.values()) {
      const at = asked?.until ?? refusedAt
      // A refusal that is final already has nothing to wake for.
      if (at !== undefined && at > this.#advancedAt && (next === undefined || at < next)) next = at
    }
    return next
  }

  state(key: string): SeekState | undefined {
    const seek = this.#seeks.get(key)
    if (seek === undefined) return undefined
    const { asked, denied } = seek
    const counts = this.#map.countsIn(seek.need.span)
    const unreachable: PeerId[] = []
    for (const owner of counts.keys()) {
      if (owner !== undefined && owner !== this.#map.self && !this.#reachable.has(owner)) unreachable.push(owner)
    }
    return {
      asked: asked?.peer,
      isGranted: asked?.granted !== undefined,
      unreachable: unreachable.sort(),
      silent: [...seek.silent].filter(peer => !unreachable.includes(peer)).sort(),
      denied,
      unowned: counts.get(undefined) ?? 0,
    }
  }

  #take(seek: Seek, asked: Asked, answer: IpamAnswer, now: Millis): void {
    const { peer } = asked
    seek.silent.delete(peer)
    if (answer.outcome === 'stale') {
      // Once it is asked again at once; whoever goes on to call ids stale lies about them, and has not answered.
      if (seek.stale.has(peer)) return
      seek.stale.add(peer)
      this.#parts.leapAbove(answer.lastId)
      seek.silent.add(peer)
      seek.asked = undefined
      return
    }
    seek.stale.delete(peer)
    if (answer.outcome === 'denied') {
      const { free, held, resting = 0 } = answer
      seek.denied.set(peer, { free: asked.isSingle ? 0 : free, ...(held !== undefined && { held }), resting })
      if (asked.isSingle) seek.drained.add(peer)
      seek.asked = undefined
      return
    }
    const blocks = answer.outcome === 'granted' ? answer.granted.map(range => range.first) : []
    const lent = answer.outcome === 'lent' ? answer.lent : []
    if (asked.isSingle || seek.need.address !== undefined) this.#parts.borrower.handleLent(lent, now)
    const granted = { blocks, lent: lent.map(loan => loan.address) }
    seek.asked = this.#hasArrived(granted) ? undefined : { ...asked, granted, until: now + ANSWER_TIMEOUT_MS }
  }

  #advance(seek: Seek, now: Millis): { to: PeerId; request: IpamRequest } | undefined {
    if (seek.asked !== undefined) {
      if (now < seek.asked.until && this.#reachable.has(seek.asked.peer)) return undefined
      seek.silent.add(seek.asked.peer)
      seek.asked = undefined
    }
    const counts = this.#map.countsIn(seek.need.span)
    const blocks = this.#blockOwners(seek, counts)
    const lenders = this.#lenders(seek, counts)
    const isFresh = ([owner]: [PeerId, number]) => !seek.silent.has(owner)
    // Who does not answer is waited for only when nobody else has something.
    const isSingle = !blocks.some(isFresh) && (blocks.length === 0 || lenders.some(isFresh))
    const peer = this.#draw(seek, isSingle ? lenders : blocks)
    if (peer === undefined) {
      this.#refuse(seek, counts, now)
      return undefined
    }
    const id = this.#parts.takeId()
    seek.asked = { peer, id, isSingle, until: now + ANSWER_TIMEOUT_MS }
    seek.refusedAt = undefined
    return { to: peer, request: this.#request(id, seek.need, isSingle) }
  }

  #request(id: number, { subnet, type, address, count }: Need, isSingle: boolean): IpamRequest {
    return {
      kind: 'ipam-request',
      id,
      subnet,
      ...(address !== undefined && { address }),
      ...(isSingle && address === undefined && { count: Math.min(count, LOANS_PER_MESSAGE_MAX) }),
      ...(type === 'adopt' && { isInUse: true }),
      ...(type === 'blocks' && { isForLater: true }),
      ...(this.#parts.isEphemeral && { isEphemeral: true }),
    }
  }

  /** Who may have a block to give, or the address that is wanted, and how many blocks it owns. */
  #blockOwners(seek: Seek, counts: ReadonlyMap<PeerId | undefined, number>): [PeerId, number][] {
    if (this.#parts.isEphemeral && seek.need.address === undefined) return []
    const owners: [PeerId, number][] = []
    for (const [owner, count] of counts)
      if (owner !== undefined && this.#canAsk(owner) && !seek.denied.has(owner)) owners.push([owner, count])
    return owners
  }

  /** Who may have single addresses to lend, and how many. */
  #lenders(seek: Seek, counts: ReadonlyMap<PeerId | undefined, number>): [PeerId, number][] {
    if (seek.need.type !== 'addresses') return []
    const lenders: [PeerId, number][] = []
    for (const [owner, count] of counts) {
      if (owner === undefined || !this.#canAsk(owner) || seek.drained.has(owner)) continue
      const free = seek.denied.get(owner)?.free ?? (this.#parts.isEphemeral ? count : 0)
      if (free > 0) lenders.push([owner, free])
    }
    return lenders
  }

  #canAsk(owner: PeerId): boolean {
    return owner !== this.#map.self && this.#reachable.has(owner)
  }

  #draw(seek: Seek, candidates: [PeerId, number][]): PeerId | undefined {
    let fresh = candidates.filter(([owner]) => !seek.silent.has(owner))
    if (fresh.length === 0) {
      seek.silent.clear()
      fresh = candidates
    }
    // In a fixed order, so that a seed replays whatever the order of arrival of statements was.
    fresh.sort(([a], [b]) => (a < b ? -1 : 1))
    let left = this.#chance() * fresh.reduce((sum, [, count]) => sum + count, 0)
    for (const [owner, count] of fresh) {
      left -= count
      if (left < 0) return owner
    }
    return fresh.at(-1)?.[0]
  }

  #refuse(seek: Seek, counts: ReadonlyMap<PeerId | undefined, number>, now: Millis): void {
    let isRefused = true
    let isAnyoneElse = false
    for (const owner of counts.keys()) {
      if (owner === this.#map.self) continue
      isAnyoneElse = true
      if (owner === undefined || !this.#hasRefused(seek, owner)) isRefused = false
    }
    if (!isRefused) seek.refusedAt = undefined
    else seek.refusedAt ??= now + (isAnyoneElse ? FULL_GRACE_MS : 0)
  }

  #hasRefused({ need, denied, drained }: Seek, owner: PeerId): boolean {
    const denial = denied.get(owner)
    return denial !== undefined && (need.type !== 'addresses' || denial.free === 0 || drained.has(owner))
  }

  #hasArrived({ blocks, lent }: NonNullable<Asked['granted']>): boolean {
    return blocks.some(block => this.#map.isOwn(block)) || lent.some(address => this.#parts.borrower.isUsable(address))
  }
}
