import type { PeerId } from '../address/mod.ts'
import { RENEW_AT } from './constants.ts'
import { OwnerCounts } from './owner-counts.ts'
import { equalRegisters } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { RivalGrants } from './rival-grants.ts'
import type { Title } from './title.ts'

/** What is known of a block besides its title: bits, counted as they change, for nobody looks through all blocks for one. */
const OWN = 1
const LOST = 2
const LONG = 4

/**
 * The title in force of each block, what changed of that, and the greatest that this process ever saw.
 *
 * A block is *ours* when the title in force says so and there was never a greater one.
 */
export class TitlesInForce {
  /** Blocks that a former owner handed on again. */
  readonly rivals = new RivalGrants()
  readonly #self: PeerId
  readonly #inForce: RegisterTable
  readonly #highest: RegisterTable
  readonly #marks: Uint8Array
  readonly #marked = { [OWN]: 0, [LOST]: 0, [LONG]: 0 }
  readonly #counts = new OwnerCounts()
  #changed: number[] = []
  #version = 0
  #registersVersion = 0

  constructor(self: PeerId, blockCount: number) {
    this.#self = self
    this.#inForce = new RegisterTable(blockCount)
    this.#highest = new RegisterTable(blockCount)
    this.#marks = new Uint8Array(blockCount)
  }

  /** Grows whenever a block changes hands. */
  get version(): number {
    return this.#version
  }

  /** Grows whenever a title changes. */
  get registersVersion(): number {
    return this.#registersVersion
  }

  /** Blocks per owner. */
  get counts(): OwnerCounts {
    return this.#counts
  }

  titleOf(block: number): Title | undefined {
    return this.#inForce.get(block)
  }

  isOwn(block: number): boolean {
    return (this.#marks[block]! & OWN) !== 0
  }

  get ownsAny(): boolean {
    return this.#marked[OWN] > 0
  }

  /** True when a block is this peer's by the title in force, and a greater one was seen. */
  get hasLost(): boolean {
    return this.#marked[LOST] > 0
  }

  /** True when the title of a block of this peer has RENEW_AT grants or more. */
  get hasLong(): boolean {
    return this.#marked[LONG] > 0
  }

  highestOf(block: number): Title | undefined {
    return this.#highest.get(block)
  }

  /** True when no greater title was ever seen. */
  isHighest(block: number, title: Title): boolean {
    return this.#highest.isNotAbove(block, title)
  }

  /** The greatest title of a block was never given. */
  forgetHighest(block: number): void {
    this.#highest.set(block, undefined)
  }

  set(block: number, title: Title | undefined): void {
    const before = this.#inForce.get(block)
    if (title !== undefined) this.#highest.merge(block, title)
    this.#mark(block, title)
    if (equalRegisters(before, title)) return
    this.rivals.note(block, before, title)
    this.#inForce.set(block, title)
    this.#registersVersion++
    if (before?.owner === title?.owner) return
    if (before !== undefined) this.#counts.add(before.owner, -1)
    if (title !== undefined) this.#counts.add(title.owner, 1)
    this.#changed.push(block)
    this.#version++
  }

  /** What was seen is of no use any more: this peer joins another mesh. */
  forget(): void {
    this.#highest.clear()
    this.rivals.clear()
  }

  /** Blocks whose owner changed since the last call. */
  takeChanged(): number[] {
    const changed = this.#changed
    this.#changed = []
    return changed
  }

  #mark(block: number, title: Title | undefined): void {
    const before = this.#marks[block]!
    let after = 0
    if (title?.owner === this.#self) {
      after = this.#highest.isNotAbove(block, title) ? OWN : LOST
      if (title.seq >= RENEW_AT) after |= LONG
    }
    if (before === after) return
    this.#marks[block] = after
    for (const mark of [OWN, LOST, LONG] as const)
      if ((before & mark) !== (after & mark)) this.#marked[mark] += (after & mark) === 0 ? -1 : 1
  }
}
