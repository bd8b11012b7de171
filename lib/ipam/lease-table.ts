import { contains, type Cidr, type Ipv4 } from '../address/mod.ts'
import { assert, type Millis } from '../base/mod.ts'
import type { BlockSpace } from './block-space.ts'
import { REMEMBERED_MAX, REST_MS } from './constants.ts'
import type { LeaseHolder } from './lease-holder.ts'

/** An address that a container holds; `prefix` is that of the subnet it was asked in. */
export interface Lease extends Cidr {
  readonly container: string
  readonly holder: LeaseHolder
}

/** Who has a lease: the same name with two holders is two. */
type Lessee = Pick<Lease, 'container' | 'holder'>

interface Rest {
  readonly lessee: string
  readonly until: Millis
}

/** Addresses of own blocks that are not free although nobody has them here: lent, or in use elsewhere all the same. */
export interface Taken {
  has(address: Ipv4): boolean
  isAnyIn(block: number): boolean
}

/** An address that a container gave back, to be stored or (undefined) no longer. */
export interface FreedChange {
  readonly address: Ipv4
  readonly freed: Freed | undefined
}

export interface Freed {
  readonly lease: Lease
  readonly isResting: boolean
}

/**
 * The addresses in use on this host, those that rest after use, and those remembered for containers that may come back.
 * Bounded by the addresses of the range and, for what is remembered, by REMEMBERED_MAX.
 */
export class LeaseTable {
  readonly #space: BlockSpace
  readonly #taken: Taken
  readonly #leases = new Map<Ipv4, Lease>()
  readonly #byLessee = new Map<string, Lease[]>()
  /** In the order of expiry: every address rests equally long. */
  readonly #resting = new Map<Ipv4, Rest>()
  /** `holder container address/prefix of the subnet` to address; the least recently freed first. */
  readonly #remembered = new Map<string, Ipv4>()
  /** Leased and resting addresses per block; only blocks that have any. */
  readonly #used = new Map<number, number>()
  /** Blocks of which nothing is given. */
  #barred: ReadonlySet<number> = new Set()

  /** What was freed last of each address that is remembered. */
  readonly #freed = new Map<Ipv4, Lease>()
  #touched = new Set<Ipv4>()
  #version = 0
  #changed = new Set<Ipv4>()

  constructor(space: BlockSpace, taken: Taken) {
    this.#space = space
    this.#taken = taken
  }

  get size(): number {
    return this.#leases.size
  }

  /** Grows when a lease begins or ends. */
  get version(): number {
    return this.#version
  }

  all(): Iterable<Lease> {
    return this.#leases.values()
  }

  at(address: Ipv4): Lease | undefined {
    return this.#leases.get(address)
  }

  of(lessee: Lessee): readonly Lease[] {
    return this.#byLessee.get(lesseeKey(lessee)) ?? []
  }

  /** What the container already holds in just this subnet. */
  inSubnet(lessee: Lessee, subnet: Cidr): Lease | undefined {
    return this.of(lessee).find(lease => lease.prefix === subnet.prefix && contains(subnet, lease.address))
  }

  /** From now on nothing is given of these blocks, as if all their addresses were in use; what is leased stays. */
  bar(blocks: Iterable<number>): void {
    this.#barred = new Set(blocks)
  }

  get barred(): Iterable<number> {
    return this.#barred
  }

  isBarred(block: number): boolean {
    return this.#barred.has(block)
  }

  /** Leased and resting addresses of a block. */
  usedIn(block: number): number {
    return this.#barred.has(block) ? this.#space.blockSize : this.#usedIn(block)
  }

  /** Blocks with leased or resting addresses; numbers outside of those that there are stand for addresses elsewhere. */
  usedBlocks(): readonly number[] {
    return [...this.#used.keys()]
  }

  #usedIn(block: number): number {
    return this.#used.get(block) ?? 0
  }

  isResting(address: Ipv4): boolean {
    return this.#resting.has(address)
  }

  /** Leased or resting. */
  isInUse(address: Ipv4): boolean {
    return this.#leases.has(address) || this.#resting.has(address)
  }

  /** True when others have the address, although the block is ours. */
  isTaken(address: Ipv4): boolean {
    return this.#taken.has(address)
  }

  /** True when an address of an own block may be given to anybody now. */
  isFree(address: Ipv4): boolean {
    return !this.isInUse(address) && !this.#taken.has(address)
  }

  /** True when nothing of an own block is given, lent, resting, or in use elsewhere. */
  isUnused(block: number): boolean {
    return this.usedIn(block) === 0 && !this.#taken.isAnyIn(block)
  }

  /** The address that the container gave back in this subnet, if nobody has it now. */
  rememberedFor(lessee: Lessee, subnet: Cidr): Ipv4 | undefined {
    const address = this.#remembered.get(memoryKey(lessee, subnet))
    if (address === undefined || this.#leases.has(address)) return undefined
    if (this.#barred.has(this.#space.blockOf(address))) return undefined
    const rest = this.#resting.get(address)
    return rest === undefined || rest.lessee === lesseeKey(lessee) ? address : undefined
  }

  /**
   * The lowest address of a block that a container in `subnet` may get now; `isLast`: one that looks like the address of
   * a network or of broadcast (`isLookalike`), another one otherwise.
   */
  lowestFree(block: number, subnet: Cidr, isLast = false): Ipv4 | undefined {
    const [first, last] = this.#space.hostsOf(block, subnet)
    if (this.usedIn(block) >= this.#space.blockSize) return undefined
    for (let address = first; address <= last; address++) {
      if (isLookalike(address) === isLast && this.isFree(address)) return address
    }
    return undefined
  }

  /** How many addresses of a block a container in `subnet` could get now. */
  freeIn(block: number, subnet: Cidr): number {
    const [first, last] = this.#space.hostsOf(block, subnet)
    if (this.#barred.has(block)) return 0
    if (this.isUnused(block)) return Math.max(0, last - first + 1)
    let free = 0
    for (let address = first; address <= last; address++) if (this.isFree(address)) free++
    return free
  }

  /** Addresses that rest after use. */
  resting(): Iterable<Ipv4> {
    return this.#resting.keys()
  }

  /** Resting addresses of a subnet. */
  restingIn(subnet: Cidr): number {
    let count = 0
    for (const address of this.#resting.keys()) if (contains(subnet, address)) count++
    return count
  }

  /** True when the rest of an address of the subnet ends by then. */
  isFreeingBy(subnet: Cidr, by: Millis): boolean {
    for (const [address, rest] of this.#resting) {
      if (rest.until > by) return false
      if (contains(subnet, address)) return true
    }
    return false
  }

  /** Adds a lease, in place of one of the same address and container. */
  put(lease: Lease): void {
    const before = this.#leases.get(lease.address)
    assert(before === undefined || sameLessee(before, lease), 'an address has one container')
    if (before !== undefined) this.#drop(before)
    this.stopRest(lease.address)
    this.#leases.set(lease.address, lease)
    this.#use(lease.address, 1)
    this.#byLessee.set(lesseeKey(lease), [...this.of(lease), lease])
    this.#touch(lease.address)
  }

  /** Ends a rest before its time. */
  stopRest(address: Ipv4): void {
    if (!this.#resting.delete(address)) return
    this.#use(address, -1)
    this.#changed.add(address)
    this.#tidy(address)
  }

  /** Takes up what an earlier run stored, after the leases: what rested rests anew. */
  restoreFreed({ lease, isResting }: Freed, now: Millis): void {
    const { address } = lease
    this.#remember(lease)
    if (!isResting || this.isInUse(address)) return
    this.#use(address, 1)
    this.#resting.set(address, { lessee: lesseeKey(lease), until: now + REST_MS })
  }

  /** What is to be stored of freed addresses, since the last call. */
  takeFreed(): FreedChange[] {
    const changes = [...this.#changed].map(address => {
      const lease = this.#freed.get(address)
      return { address, freed: lease && { lease, isResting: this.#resting.has(address) } }
    })
    this.#changed = new Set()
    return changes
  }

  /** Addresses that were leased, or are so no longer, since the last call. */
  takeTouched(): Iterable<Ipv4> {
    const touched = this.#touched
    this.#touched = new Set()
    return touched
  }

  /** Ends a lease; its address rests, and is remembered for its container. */
  remove(lease: Lease, now: Millis): void {
    assert(this.#leases.get(lease.address) === lease, 'only a lease that is held can end')
    this.#drop(lease)
    this.#use(lease.address, 1)
    this.#resting.set(lease.address, { lessee: lesseeKey(lease), until: now + REST_MS })
    this.#remember(lease)
    this.#touch(lease.address)
  }

  /** Lets addresses go whose rest is over. Returns true when there were any. */
  expire(now: Millis): boolean {
    let isAny = false
    for (const [address, rest] of this.#resting) {
      if (rest.until > now) break
      this.stopRest(address)
      isAny = true
    }
    return isAny
  }

  nextExpiry(): Millis | undefined {
    for (const rest of this.#resting.values()) return rest.until
    return undefined
  }

  #touch(address: Ipv4): void {
    this.#touched.add(address)
    this.#version++
  }

  #drop(lease: Lease): void {
    this.#leases.delete(lease.address)
    this.#use(lease.address, -1)
    const others = this.of(lease).filter(other => other !== lease)
    if (others.length > 0) this.#byLessee.set(lesseeKey(lease), others)
    else this.#byLessee.delete(lesseeKey(lease))
  }

  #use(address: Ipv4, change: number): void {
    const block = this.#space.blockOf(address)
    const used = this.#usedIn(block) + change
    if (used === 0) this.#used.delete(block)
    else this.#used.set(block, used)
  }

  #remember(lease: Lease): void {
    const key = memoryKey(lease, lease)
    const before = this.#remembered.get(key)
    this.#remembered.delete(key)
    this.#remembered.set(key, lease.address)
    this.#freed.set(lease.address, lease)
    this.#changed.add(lease.address)
    if (before !== undefined) this.#tidy(before)
    if (this.#remembered.size <= REMEMBERED_MAX) return
    const [oldest, address] = firstOf(this.#remembered)
    this.#remembered.delete(oldest)
    this.#tidy(address)
  }

  /** What neither rests nor is remembered need not be stored. */
  #tidy(address: Ipv4): void {
    const freed = this.#freed.get(address)
    if (freed === undefined || this.#resting.has(address)) return
    if (this.#remembered.get(memoryKey(freed, freed)) === address) return
    this.#freed.delete(address)
    this.#changed.add(address)
  }
}

/** True for what many take for the address of a network or of broadcast, whatever the subnet is. */
export function isLookalike(address: Ipv4): boolean {
  const last = address & 0xff
  return last === 0 || last === 0xff
}

export function sameLessee(a: Lessee, b: Lessee): boolean {
  return a.container === b.container && a.holder === b.holder
}

function lesseeKey({ container, holder }: Lessee): string {
  return `${holder} ${container}`
}

function memoryKey(lessee: Lessee, subnet: Cidr): string {
  const size = 2 ** (32 - subnet.prefix)
  return `${lesseeKey(lessee)} ${Math.floor(subnet.address / size)}/${subnet.prefix}`
}

function firstOf<K, V>(map: ReadonlyMap<K, V>): [K, V] {
  for (const entry of map) return entry
  throw new Error('the map is empty')
}
