import type { PeerId } from '../address/mod.ts'
import { OwnerCounts } from './owner-counts.ts'
import { equalRegisters } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { RivalGrants } from './rival-grants.ts'
import type { Title } from './title.ts'

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
  readonly #isOwn: Uint8Array
  readonly #counts = new OwnerCounts()
  #changed: number[] = []
  #version = 0
  #registersVersion = 0

  constructor(self: PeerId, blockCount: number) {
    this.#self = self
    this.#inForce = new RegisterTable(blockCount)
    this.#highest = new RegisterTable(blockCount)
    this.#isOwn = new Uint8Array(blockCount)
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
    return this.#isOwn[block] === 1
  }

  get ownsAny(): boolean {
    return this.#isOwn.includes(1)
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
    const isOwn = title?.owner === this.#self && this.#highest.isNotAbove(block, title)
    this.#isOwn[block] = isOwn ? 1 : 0
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
}
