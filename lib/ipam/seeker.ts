import type { Cidr, PeerId } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import type { BlockRange, IpamAnswer, IpamRequest } from '../wire/mod.ts'
import type { BlockMap } from './block-map.ts'
import type { BlockSpan } from './block-space.ts'
import { ANSWER_TIMEOUT_MS, FULL_GRACE_MS } from './constants.ts'

/** What is lacking: blocks of a subnet, or one very block of it. */
export interface Need {
  readonly key: string
  readonly subnet: Cidr
  readonly block: number | undefined
  readonly span: BlockSpan
}

interface Asked {
  readonly peer: PeerId
  readonly id: number
  readonly until: Millis
  readonly isGranted: boolean
}

interface Seek {
  readonly need: Need
  asked: Asked | undefined
  /** Who refused, with the single addresses that it said are free. */
  readonly denied: Map<PeerId, number>
  /** Who did not answer in time: asked again when nobody else is left. */
  readonly silent: Set<PeerId>
  /** From when on the refusal of all owners counts as final. */
  refusedAt: Millis | undefined
}

/** Why a seek has not succeeded. */
export interface SeekState {
  readonly asked: PeerId | undefined
  readonly isGranted: boolean
  readonly unreachable: readonly PeerId[]
  readonly denied: ReadonlyMap<PeerId, number>
  /** Blocks of nobody. */
  readonly unowned: number
}

/** The asking side: one outstanding request per need, to an owner drawn by how many of the blocks it owns. */
export class Seeker {
  readonly #map: BlockMap
  readonly #chance: Chance
  readonly #seeks = new Map<string, Seek>()
  #reachable: ReadonlySet<PeerId> = new Set()
  #advancedAt: Millis = 0

  constructor(map: BlockMap, chance: Chance) {
    this.#map = map
    this.#chance = chance
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
      if (this.#seeks.has(key)) continue
      this.#seeks.set(key, { need, asked: undefined, denied: new Map(), silent: new Set(), refusedAt: undefined })
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
      if (asked?.peer !== from || asked.id !== answer.id || asked.isGranted) continue
      if (answer.outcome === 'denied') {
        seek.denied.set(from, answer.free)
        seek.asked = undefined
      } else if (this.#hasArrived(answer.granted)) {
        seek.asked = undefined
      } else {
        seek.asked = { ...asked, isGranted: true, until: now + ANSWER_TIMEOUT_MS }
      }
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
        if (owner !== undefined) seek.denied.delete(owner)
        if (this.#map.isOwn(block) && seek.asked?.isGranted === true) seek.asked = undefined
        seek.refusedAt = undefined
      }
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
      isGranted: asked?.isGranted ?? false,
      unreachable: unreachable.sort(),
      denied,
      unowned: counts.get(undefined) ?? 0,
    }
  }

  #advance(seek: Seek, now: Millis): { to: PeerId; request: IpamRequest } | undefined {
    if (seek.asked !== undefined) {
      if (now < seek.asked.until && this.#reachable.has(seek.asked.peer)) return undefined
      seek.silent.add(seek.asked.peer)
      seek.asked = undefined
    }
    const counts = this.#map.countsIn(seek.need.span)
    const peer = this.#draw(seek, counts)
    if (peer === undefined) {
      this.#refuse(seek, counts, now)
      return undefined
    }
    const id = this.#randomId()
    seek.asked = { peer, id, until: now + ANSWER_TIMEOUT_MS, isGranted: false }
    seek.refusedAt = undefined
    const { subnet, block } = seek.need
    const head = { kind: 'ipam-request', id, subnet } as const
    return { to: peer, request: block === undefined ? head : { ...head, block } }
  }

  #draw(seek: Seek, counts: ReadonlyMap<PeerId | undefined, number>): PeerId | undefined {
    const candidates: [PeerId, number][] = []
    for (const [owner, count] of counts) {
      if (owner === undefined || owner === this.#map.self) continue
      if (this.#reachable.has(owner) && !seek.denied.has(owner)) candidates.push([owner, count])
    }
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
      if (owner === undefined || !seek.denied.has(owner)) isRefused = false
    }
    if (!isRefused) seek.refusedAt = undefined
    else seek.refusedAt ??= now + (isAnyoneElse ? FULL_GRACE_MS : 0)
  }

  #hasArrived(granted: readonly BlockRange[]): boolean {
    return granted.some(range => this.#map.isOwn(range.first))
  }

  #randomId(): number {
    return Math.floor(this.#chance() * 0x20_0000) * 0x1_0000_0000 + Math.floor(this.#chance() * 0x1_0000_0000)
  }
}
