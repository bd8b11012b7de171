import type { Cidr, Ipv4 } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import {
  ADOPTING_MAX,
  ADOPT_RETRY_MS,
  EAGER_AFTER_MS,
  EAGER_OWNERS,
  EAGER_REST_MS,
  EAGER_RETRY_MS,
  EAGER_SPREAD_MS,
} from './constants.ts'
import type { LeaseTable } from './lease-table.ts'
import { subnetKey, type Need, type Seeker } from './seeker.ts'

export interface StandingParts {
  readonly map: BlockMap
  readonly leases: LeaseTable
  readonly assignments: Assignments
  readonly seeker: Pick<Seeker, 'reachable'>
  readonly defaultSubnet: Cidr
  /** True: first blocks are asked for before a container needs one. */
  readonly isEager: boolean
  readonly chance: Chance
}

/**
 * What this peer wants although no container waits for it: the loan of each address that a container here has in a block
 * of another peer, and first blocks of its own, so that it does not depend on others when it needs an address.
 */
export class StandingNeeds {
  readonly #parts: StandingParts
  /** Needs that were refused, and when they are tried again. */
  readonly #paused = new Map<string, Millis>()
  /** Addresses in use here that their owners have refused to lend; they are asked again. */
  readonly #refused = new Set<string>()
  #adopts: readonly Need[] = []
  #seen = ''
  /** Since when this peer could ask for first blocks, and what it drew of the spread then. */
  #landless: { readonly since: Millis; readonly draw: number } | undefined
  #isEagerDue = false

  constructor(parts: StandingParts) {
    this.#parts = parts
  }

  /** Leases in blocks of other peers that do not lend them. */
  get adopts(): readonly Need[] {
    const { map, leases, assignments } = this.#parts
    const seen = `${map.version} ${leases.version} ${assignments.version}`
    if (seen === this.#seen) return this.#adopts
    this.#seen = seen
    const { space } = map
    const adopts: Need[] = []
    this.#adopts = adopts
    // Few blocks hold many leases, and nearly always all of them are own.
    const isAnothers = (block: number) => block >= 0 && block < space.blockCount && map.ownerOf(block) !== map.self
    if (!leases.usedBlocks().some(isAnothers)) return adopts
    for (const { address } of leases.all()) {
      if (!space.holds(address)) continue
      const block = space.blockOf(address)
      const owner = map.ownerOf(block)
      if (owner === map.self || assignments.loanFrom(owner, address) !== undefined) continue
      const span = { first: block, last: block }
      adopts.push({ key: adoptKey(address), type: 'adopt', subnet: { address, prefix: 32 }, address, span, count: 1 })
    }
    return adopts
  }

  needs(now: Millis): Need[] {
    for (const [key, until] of this.#paused) if (until <= now) this.#paused.delete(key)
    const needs = this.adopts.filter(({ key }) => !this.#paused.has(key)).slice(0, ADOPTING_MAX)
    const first = this.#firstBlocks(now)
    return first === undefined || this.#paused.has(first.key) ? needs : [...needs, first]
  }

  /** Whether the owner of an address that is in use here has said that it does not lend it. */
  hasRefused(address: Ipv4): boolean {
    const key = adoptKey(address)
    return this.#refused.has(key) && this.adopts.some(need => need.key === key)
  }

  /** What was refused is not asked for again for a while. */
  refused(isRefused: (key: string) => boolean, now: Millis): void {
    for (const { key, type } of this.needs(now))
      if (isRefused(key)) {
        this.#paused.set(key, now + (type === 'blocks' ? EAGER_RETRY_MS : ADOPT_RETRY_MS))
        if (type === 'adopt') this.#refused.add(key)
      }
    // One that was lent is asked for anew, should it ever be lacking again.
    const lacking = new Set(this.adopts.map(({ key }) => key))
    for (const key of this.#refused) if (!lacking.has(key)) this.#refused.delete(key)
  }

  nextTimeout(): Millis | undefined {
    let next: Millis | undefined
    for (const until of this.#paused.values()) if (next === undefined || until < next) next = until
    const eagerAt = this.#isEagerDue ? undefined : this.#eagerAt()
    return eagerAt !== undefined && (next === undefined || eagerAt < next) ? eagerAt : next
  }

  #firstBlocks(now: Millis): Need | undefined {
    const { map, seeker, defaultSubnet, isEager } = this.#parts
    const span = map.space.spanOf(defaultSubnet)
    if (!isEager || map.isEmpty || map.ownsAny || seeker.reachable.size === 0 || span === undefined) {
      this.#landless = undefined
      return undefined
    }
    this.#landless ??= { since: now, draw: this.#parts.chance() }
    this.#isEagerDue = this.#eagerAt()! <= now
    if (!this.#isEagerDue) return undefined
    return { key: subnetKey(defaultSubnet), type: 'blocks', subnet: defaultSubnet, span, count: 0 }
  }

  /**
   * When first blocks are asked for. Peers that were launched together ask one after the other, however many they are; and
   * in no hurry where the addresses are in many hands already.
   */
  #eagerAt(): Millis | undefined {
    if (this.#landless === undefined) return undefined
    const { since, draw } = this.#landless
    const spread = this.#hasOwnersEnough() ? EAGER_REST_MS : EAGER_SPREAD_MS
    return since + EAGER_AFTER_MS + Math.floor(draw * spread * this.#parts.seeker.reachable.size)
  }

  #hasOwnersEnough(): boolean {
    const { reachable } = this.#parts.seeker
    let owners = 0
    for (const owner of this.#parts.map.counts.keys()) if (reachable.has(owner) && ++owners >= EAGER_OWNERS) return true
    return false
  }
}

function adoptKey(address: Ipv4): string {
  return `adopt ${address}`
}
