import type { Ipv4, PeerId } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import type { Assigned } from './assigned-record.ts'
import type { BlockSpace } from './block-space.ts'

/** The addresses of own blocks that this peer lent to others. Bounded by the addresses of the range. */
export class Loans {
  readonly #space: BlockSpace
  readonly #loans = new Map<Ipv4, Assigned>()
  readonly #inBlock = new Map<number, Set<Ipv4>>()
  #touched = new Set<Ipv4>()
  #version = 0

  constructor(space: BlockSpace) {
    this.#space = space
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  all(): Iterable<Assigned> {
    return this.#loans.values()
  }

  at(address: Ipv4): Assigned | undefined {
    return this.#loans.get(address)
  }

  countIn(block: number): number {
    return this.#inBlock.get(block)?.size ?? 0
  }

  inBlock(block: number): Iterable<Ipv4> {
    return this.#inBlock.get(block) ?? []
  }

  lend(loan: Assigned): void {
    const { address } = loan
    assert(!this.#loans.has(address), 'an address is lent once')
    this.#loans.set(address, loan)
    const block = this.#space.blockOf(address)
    const inBlock = this.#inBlock.get(block) ?? new Set<Ipv4>()
    this.#inBlock.set(block, inBlock.add(address))
    this.#touched.add(address)
    this.#version++
  }

  end(address: Ipv4): void {
    if (!this.#loans.delete(address)) return
    const block = this.#space.blockOf(address)
    const inBlock = this.#inBlock.get(block)
    if (inBlock?.delete(address) === true && inBlock.size === 0) this.#inBlock.delete(block)
    this.#touched.add(address)
    this.#version++
  }

  /** Ends what was lent to some peers. */
  endOf(isMeant: (peer: PeerId) => boolean): void {
    for (const { address, peer } of [...this.#loans.values()]) if (isMeant(peer)) this.end(address)
  }

  /** Addresses that were lent, or are so no longer, since the last call. */
  takeTouched(): Iterable<Ipv4> {
    const touched = this.#touched
    this.#touched = new Set()
    return touched
  }
}
