import type { Logger } from 'pino'
import { formatMac, type Mac } from '../address/mod.ts'
import type { Status } from '../api/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import type { Service } from './service.ts'

/** Keeps the bridge, what is plugged into it, and the firewall's rules for it as they were made. */
export class HostService implements Service {
  readonly name = 'host'
  readonly #host: Pick<HostNetwork, 'bridge' | 'tap' | 'mend' | 'reconcileFirewall'>
  readonly #overlay: { readonly mtu: number; readonly mac: Mac }
  readonly #targetIds: () => ReadonlySet<string>
  readonly #log: Pick<Logger, 'warn'>
  #firewallWarnings: readonly string[]

  constructor(parts: {
    host: Pick<HostNetwork, 'bridge' | 'tap' | 'mend' | 'reconcileFirewall'>
    overlay: { readonly mtu: number; readonly mac: Mac }
    /** Of all that should be plugged in. */
    targetIds: () => ReadonlySet<string>
    /** Of the firewall as it was when the bridge was made. */
    firewallWarnings: readonly string[]
    log: Pick<Logger, 'warn'>
  }) {
    this.#host = parts.host
    this.#overlay = parts.overlay
    this.#targetIds = parts.targetIds
    this.#firewallWarnings = parts.firewallWarnings
    this.#log = parts.log
  }

  async reconcile(): Promise<void> {
    const mended = await this.#host.mend(this.#targetIds())
    if (mended.length > 0)
      this.#log.warn({ event: 'host-mended', what: mended.join(', ') }, 'was removed by somebody, and is put back')
    this.#firewallWarnings = (await this.#host.reconcileFirewall()).warnings
  }

  report(): Pick<Status, 'overlay'> {
    const { mtu, mac } = this.#overlay
    return { overlay: { bridge: this.#host.bridge, device: this.#host.tap, mtu, mac: formatMac(mac) } }
  }

  warnings(): readonly string[] {
    return this.#firewallWarnings
  }
}
