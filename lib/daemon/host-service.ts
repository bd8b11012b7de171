import type { Logger } from 'pino'
import { formatMac, type Mac } from '../address/mod.ts'
import type { Status } from '../api/mod.ts'
import { adviceText, errorText } from '../base/mod.ts'
import type { FirewallReport, HostNetwork, Monitor } from '../host/mod.ts'
import type { Service } from './service.ts'

/** How often a legacy table that holds rules of ours is looked at. */
const LEGACY_LOOK_MS = 8_000

type Watch = Pick<Monitor, 'isListening' | 'set'>

/** Keeps the bridge, what is plugged into it, and the firewall's rules for it as they were made. */
export class HostService implements Service {
  readonly name = 'host'
  readonly #host: Pick<HostNetwork, 'bridge' | 'tap' | 'mend' | 'reconcileFirewall'>
  readonly #overlay: {
    readonly isAdopted: boolean
    readonly mtu: number
    readonly mac: Mac
    readonly ipv6Off: string | null
  }
  readonly #targetIds: () => ReadonlySet<string>
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly #watch: Watch
  readonly #bridgeWatch: Pick<Monitor, 'set'>
  #firewall: FirewallReport
  #isStopped = false
  #legacyTimer: NodeJS.Timeout | undefined

  constructor(parts: {
    host: Pick<HostNetwork, 'bridge' | 'tap' | 'mend' | 'reconcileFirewall'>
    overlay: { readonly isAdopted: boolean; readonly mtu: number; readonly mac: Mac; readonly ipv6Off: string | null }
    /** Of all that should be plugged in. */
    targetIds: () => ReadonlySet<string>
    /** The firewall as it was when the bridge was made. */
    firewall: FirewallReport
    /** Makes what hears of changes of the firewall, and then calls. */
    watch: (check: () => Promise<void>) => Watch
    /** Makes what hears of the end of an interface of these names, and then has all put back. */
    watchBridge: (names: readonly string[]) => Pick<Monitor, 'set'>
    log: Pick<Logger, 'info' | 'warn' | 'error'>
  }) {
    this.#host = parts.host
    this.#overlay = parts.overlay
    this.#targetIds = parts.targetIds
    this.#firewall = parts.firewall
    this.#log = parts.log
    this.#watch = parts.watch(() => this.firewallChanged())
    this.#bridgeWatch = parts.watchBridge([parts.host.bridge, parts.host.tap])
  }

  /** As it was found last. */
  get firewall(): FirewallReport {
    return this.#firewall
  }

  async reconcile(): Promise<void> {
    // Before it is looked: what vanishes after that is told.
    if (!this.#isStopped) this.#bridgeWatch.set(true)
    const mended = await this.#host.mend(this.#targetIds())
    if (mended.length > 0)
      this.#log.warn({ event: 'host-mended', what: mended.join(', ') }, 'was removed by somebody, and is put back')
    this.#take(await this.#host.reconcileFirewall(this.#watch.isListening))
  }

  report(): Pick<Status, 'overlay'> {
    const { mac, ...overlay } = this.#overlay
    return { overlay: { ...overlay, bridge: this.#host.bridge, device: this.#host.tap, mac: formatMac(mac) } }
  }

  warnings(): readonly string[] {
    return this.#firewall.warnings.map(adviceText)
  }

  stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#legacyTimer)
    this.#watch.set(false)
    this.#bridgeWatch.set(false)
    return Promise.resolve()
  }

  /** Looks at the firewall at once. Never fails. */
  firewallChanged(): Promise<void> {
    return this.#lookAtFirewall(false)
  }

  async #lookAtFirewall(isTold: boolean): Promise<void> {
    try {
      this.#take(await this.#host.reconcileFirewall(isTold))
    } catch (error) {
      this.#log.error({ event: 'firewall', error: errorText(error) }, 'the firewall could not be put back')
    }
  }

  /** Where there is nothing of ours in the firewall, nothing can be taken away, and nobody need listen. */
  #take(report: FirewallReport): void {
    if (report.restored.length > 0)
      this.#log.warn({ event: 'firewall-mended', what: report.restored.join(', ') }, 'was removed, and is put back')
    this.#firewall = report
    this.#watch.set(report.hasRules && !this.#isStopped)
    clearTimeout(this.#legacyTimer)
    if (!report.hasLegacyRules || this.#isStopped) return
    this.#legacyTimer = setTimeout(() => void this.#lookAtFirewall(this.#watch.isListening), LEGACY_LOOK_MS)
  }
}
