import { compareRegisters, type Register } from './register.ts'
import type { Title } from './title.ts'

/**
 * At most one register per block, with its proof, by block number. Neighbouring blocks usually share one object: handed
 * on together.
 */
export class RegisterTable {
  readonly #registers: (Title | undefined)[]

  constructor(size: number) {
    this.#registers = new Array<Title | undefined>(size).fill(undefined)
  }

  get(block: number): Title | undefined {
    return this.#registers[block]
  }

  set(block: number, title: Title | undefined): void {
    this.#registers[block] = title
  }

  /** Takes the greater of what is held and `title`. */
  merge(block: number, title: Title): void {
    const held = this.#registers[block]
    if (held === undefined || compareRegisters(title, held) > 0) this.#registers[block] = title
  }

  /** True when nothing greater than `register` was ever merged into this place. */
  isNotAbove(block: number, register: Register): boolean {
    const held = this.#registers[block]
    return held === undefined || compareRegisters(register, held) >= 0
  }

  clear(): void {
    this.#registers.fill(undefined)
  }
}
