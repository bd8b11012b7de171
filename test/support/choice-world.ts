import type { PeerId } from '../../lib/address/mod.ts'
import type { Chance } from '../../lib/base/mod.ts'
import { LinkRetirement, NeighbourChoice, type Choice } from '../../lib/topology/mod.ts'
import { peerNumber } from './graphs.ts'

const ROUND_MS = 1_000

interface Member {
  readonly id: PeerId
  readonly choice: NeighbourChoice
  readonly retirement: LinkRetirement
  /** Neighbour → whether this side dialled. */
  readonly links: Map<PeerId, boolean>
  readonly configured: Set<PeerId>
  others: ReadonlySet<PeerId>
  last: Choice | undefined
}

/** Peers that only choose whom to link to, in rounds of a second; every dial succeeds unless `canDial` says otherwise. */
export class ChoiceWorld {
  readonly members = new Map<PeerId, Member>()
  readonly #chance: Chance
  readonly #canDial: (from: PeerId, to: PeerId) => boolean
  readonly #failed = new Set<string>()
  #now = 0
  #isStirred = true

  constructor(count: number, chance: Chance, canDial: (from: PeerId, to: PeerId) => boolean = () => true) {
    this.#chance = chance
    this.#canDial = canDial
    for (let number = 0; number < count; number++) this.add(number)
  }

  add(number: number, configured: readonly number[] = []): void {
    this.#isStirred = true
    const id = peerNumber(number)
    this.members.set(id, {
      id,
      choice: new NeighbourChoice(id),
      retirement: new LinkRetirement(this.#chance),
      links: new Map(),
      configured: new Set(configured.map(peerNumber)),
      others: new Set(),
      last: undefined,
    })
  }

  remove(id: PeerId): void {
    this.#isStirred = true
    for (const other of this.members.get(id)?.links.keys() ?? []) this.members.get(other)?.links.delete(id)
    this.members.delete(id)
  }

  link(from: PeerId, to: PeerId): void {
    this.#isStirred = true
    this.members.get(from)!.links.set(to, true)
    this.members.get(to)!.links.set(from, false)
  }

  /** Everyone linked to everyone, dialled by the smaller. */
  linkAll(): void {
    const ids = [...this.members.keys()].sort()
    for (const [at, from] of ids.entries()) for (const to of ids.slice(at + 1)) this.link(from, to)
  }

  /** Peers dial those that they know and nobody reaches: one of each part dials one of the first. */
  heal(): void {
    const first = this.members.keys().next().value!
    for (const [id, member] of this.members)
      if (id !== first && !this.#partOf(first).has(id)) this.link(member.id, first)
  }

  /** One second; how many links came or went. */
  round(): number {
    let changes = 0
    this.#now += ROUND_MS
    if (this.#isStirred) this.#look()
    this.#isStirred = false
    for (const member of this.members.values()) {
      const choice = this.#choose(member)
      for (const peer of choice.wanted) {
        if (member.links.has(peer) || !this.members.has(peer)) continue
        const other = this.members.get(peer)!
        const isRefused = other.choice.mayRefuse(other.others.size + 1, other.links.size, member.links.size)
        if (isRefused || !this.#canDial(member.id, peer)) {
          this.#failed.add(`${member.id} ${peer}`)
          continue
        }
        this.link(member.id, peer)
        changes++
      }
      const held = [...member.links].map(([peerId, isOutbound]) => ({ peerId, isOutbound }))
      member.retirement.update(held, choice.wanted, this.#now)
      for (const spare of member.retirement.take(this.#now)) {
        member.links.delete(spare)
        this.members.get(spare)?.links.delete(member.id)
        this.#isStirred = true
        changes++
      }
    }
    return changes
  }

  /** Rounds until nothing changed for three minutes; undefined when that does not come within the limit. */
  settle(roundsMax: number): number | undefined {
    let quiet = 0
    for (let round = 1; round <= roundsMax; round++) {
      quiet = this.round() === 0 ? quiet + 1 : 0
      if (quiet === 180) return round - quiet
    }
    return undefined
  }

  /** Whether everyone reaches everyone over these links. */
  isConnected(linksOf: (member: Member) => Iterable<PeerId> = member => member.links.keys()): boolean {
    const both = new Map([...this.members.keys()].map(id => [id, new Set<PeerId>()]))
    for (const member of this.members.values())
      for (const peer of linksOf(member)) {
        both.get(member.id)!.add(peer)
        both.get(peer)?.add(member.id)
      }
    const [first] = both.keys()
    const seen = new Set(first === undefined ? [] : [first])
    for (const at of seen) for (const next of both.get(at) ?? []) if (this.members.has(next)) seen.add(next)
    return seen.size === this.members.size
  }

  /** Everyone learns who is in its part of the mesh. */
  #look(): void {
    const left = new Set(this.members.keys())
    for (const first of left) {
      const part = this.#partOf(first)
      for (const id of part) {
        left.delete(id)
        const member = this.members.get(id)!
        const isSame = member.others.size === part.size - 1 && [...member.others].every(peer => part.has(peer))
        if (isSame) continue
        const others = new Set(part)
        others.delete(id)
        member.others = others
      }
    }
  }

  #partOf(first: PeerId): ReadonlySet<PeerId> {
    const part = new Set([first])
    for (const at of part) for (const next of this.members.get(at)!.links.keys()) part.add(next)
    return part
  }

  #choose(member: Member): Choice {
    const { choice, others, configured, links } = member
    member.last = choice.choose(
      {
        others,
        peersSaid: 0,
        configured,
        isFailing: peer => !links.has(peer) && this.#failed.has(`${member.id} ${peer}`),
        // Neighbours are near, some nearer; the others are behind them.
        costOf: peer => (links.has(peer) ? 1 + (Math.abs(peer.charCodeAt(0) - member.id.charCodeAt(0)) % 4) : 8),
      },
      this.#now,
    )
    return member.last
  }
}
