import type { CommandWatcher } from './seams.ts'

export interface MonitorOptions {
  /** What tells of changes; it ends with whoever started it, however that ends. */
  readonly argv: readonly string[]
  /** Whether what it printed is worth a check. */
  concerns(output: string): boolean
  /** Changes come in bursts: one check follows each, so much later … */
  readonly quietMs: number
  /** … and they are so far apart. */
  readonly intervalMs: number
  /** Where nothing can be heard, a check and a new start come this often. */
  readonly restartMs: number
}

/**
 * Hears of changes of the host, and asks for a check soon after. Where they cannot be heard, it asks every `restartMs`.
 */
export class Monitor {
  readonly #watcher: CommandWatcher
  readonly #check: () => Promise<void>
  readonly #options: MonitorOptions
  #end: (() => void) | undefined
  #restart: NodeJS.Timeout | undefined
  #quiet: NodeJS.Timeout | undefined
  #checkedAt = -Infinity
  #isOn = false

  /** `check`: must not throw. */
  constructor(watcher: CommandWatcher, check: () => Promise<void>, options: MonitorOptions) {
    this.#watcher = watcher
    this.#check = check
    this.#options = options
  }

  /** True while a change would be heard of. */
  get isListening(): boolean {
    return this.#end !== undefined
  }

  /** Listens from now on, or no longer. Safe to repeat. */
  set(isOn: boolean): void {
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    if (isOn) return this.#begin()
    clearTimeout(this.#restart)
    clearTimeout(this.#quiet)
    this.#quiet = undefined
    this.#end?.()
    this.#end = undefined
  }

  #begin(): void {
    const end = this.#watcher.watch(['setpriv', '--pdeathsig', 'KILL', ...this.#options.argv], {
      onOutput: output => {
        if (this.#options.concerns(output)) this.#heard()
      },
      onEnd: () => {
        if (this.#end !== end) return
        this.#end = undefined
        this.#restart = setTimeout(() => {
          this.#begin()
          // What was not heard meanwhile.
          this.#heard()
        }, this.#options.restartMs)
      },
    })
    this.#end = end
  }

  #heard(): void {
    if (!this.#isOn || this.#quiet !== undefined) return
    const { quietMs, intervalMs } = this.#options
    const sinceMs = performance.now() - this.#checkedAt
    this.#quiet = setTimeout(
      () => {
        this.#checkedAt = performance.now()
        // Cleared first: what changes during the check may be missed by it.
        this.#quiet = undefined
        void this.#check()
      },
      Math.max(quietMs, intervalMs - sinceMs),
    )
  }
}
