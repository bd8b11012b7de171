import { compareRegisters, type Register } from './register.ts'

/**
 * At most one register per block, by block number. Neighbouring blocks usually share one object: handed on together.
 */
export class RegisterTable {
  readonly #registers: (Register | undefined)[]

  constructor(size: number) {
    this.#registers = new Array<Register | undefined>(size).fill(undefined)
  }

  get(block: number): Register | undefined {
    return this.#registers[block]
  }

  set(block: number, register: Register | undefined): void {
    this.#registers[block] = register
  }

  /** Takes the greater of what is held and `register`. */
  merge(block: number, register: Register): void {
    const held = this.#registers[block]
    if (held === undefined || compareRegisters(register, held) > 0) this.#registers[block] = register
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
