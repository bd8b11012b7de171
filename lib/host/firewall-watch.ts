import { FIREWALL_CHECK_INTERVAL_MS, FIREWALL_SETTLE_MS, FIREWALL_WATCH_RESTART_MS } from './limits.ts'
import type { CommandWatcher } from './seams.ts'

/** `nft monitor` ends with whoever started it, however that ends. */
const MONITOR = ['setpriv', '--pdeathsig', 'KILL', 'nft', 'monitor'] as const

/**
 * Hears of every change of nftables, ours and those of iptables-nft included, and asks for a check soon after. Where
 * that cannot be heard (no nft), it asks every FIREWALL_WATCH_RESTART_MS.
 */
export class FirewallWatch {
  readonly #watcher: CommandWatcher
  readonly #check: () => Promise<void>
  #end: (() => void) | undefined
  #restart: NodeJS.Timeout | undefined
  #settle: NodeJS.Timeout | undefined
  #checkedAt = -Infinity
  #isOn = false

  /** `check`: must not throw. */
  constructor(watcher: CommandWatcher, check: () => Promise<void>) {
    this.#watcher = watcher
    this.#check = check
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
    clearTimeout(this.#settle)
    this.#settle = undefined
    this.#end?.()
    this.#end = undefined
  }

  #begin(): void {
    const end = this.#watcher.watch(MONITOR, {
      onOutput: () => this.#heard(),
      onEnd: () => {
        if (this.#end !== end) return
        this.#end = undefined
        this.#restart = setTimeout(() => {
          this.#begin()
          // What was not heard meanwhile.
          this.#heard()
        }, FIREWALL_WATCH_RESTART_MS)
      },
    })
    this.#end = end
  }

  /** Changes come in bursts: one check follows each, and they are apart. */
  #heard(): void {
    if (!this.#isOn || this.#settle !== undefined) return
    const sinceMs = performance.now() - this.#checkedAt
    this.#settle = setTimeout(
      () => {
        this.#checkedAt = performance.now()
        // Cleared first: what changes during the check may be missed by it.
        this.#settle = undefined
        void this.#check()
      },
      Math.max(FIREWALL_SETTLE_MS, FIREWALL_CHECK_INTERVAL_MS - sinceMs),
    )
  }
}
