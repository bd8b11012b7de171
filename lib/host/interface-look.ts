import { showEverything, type InterfaceView } from './ip-json.ts'
import type { CommandRunner } from './seams.ts'

/**
 * The host's interfaces with their addresses. Within a look they are asked for once, whoever wants to know, and again
 * after each change that was noted; else each time.
 */
export class InterfaceLook {
  readonly #runner: CommandRunner
  #seen: Promise<readonly InterfaceView[]> | undefined
  #looks = 0

  constructor(runner: CommandRunner) {
    this.#runner = runner
  }

  /** What is asked while this goes on is of one look. */
  async within<T>(look: () => Promise<T>): Promise<T> {
    this.#looks++
    try {
      return await look()
    } finally {
      if (--this.#looks === 0) this.#seen = undefined
    }
  }

  /** Something was changed, or may have been: what was seen is not so any longer. */
  noteChange(): void {
    this.#seen = undefined
  }

  /** All of them. Fails with COMMAND_FAILED, and is asked for again then. */
  async all(): Promise<readonly InterfaceView[]> {
    const asked = this.#seen ?? showEverything(this.#runner)
    if (this.#looks > 0) this.#seen = asked
    try {
      return await asked
    } catch (error) {
      if (this.#seen === asked) this.#seen = undefined
      throw error
    }
  }

  async named(name: string): Promise<InterfaceView | undefined> {
    return (await this.all()).find(one => one.ifname === name)
  }
}
