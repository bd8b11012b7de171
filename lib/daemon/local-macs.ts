import type { Mac } from '../address/mod.ts'
import { MAC_HOLD_SECONDS, MAC_LOCAL, type DataPlane, type SwitchNotice } from '../overlay/mod.ts'

/** So many addresses are looked for at once; notices come again. */
const LOOKS_MAX = 4

/**
 * Finds out whether an address that the lanes hold for local, and another peer uses, is still plugged into this host: if
 * not it has moved, and the lanes forget it. Where the kernel does not say, it is as long as it was heard of late.
 */
export class LocalMacs {
  readonly #plane: () => Pick<DataPlane, 'forgetMac' | 'macs'>
  readonly #isPlugged: (mac: Mac) => Promise<boolean | undefined>
  readonly #pass: (notice: SwitchNotice) => void
  readonly #nowSeconds: () => number
  readonly #looking = new Set<Mac>()

  /** `pass`: takes the notices of what is in use twice indeed. */
  constructor(parts: {
    plane: () => Pick<DataPlane, 'forgetMac' | 'macs'>
    isPlugged: (mac: Mac) => Promise<boolean | undefined>
    pass: (notice: SwitchNotice) => void
    nowSeconds: () => number
  }) {
    this.#plane = parts.plane
    this.#isPlugged = parts.isPlugged
    this.#pass = parts.pass
    this.#nowSeconds = parts.nowSeconds
  }

  handle(notice: SwitchNotice): void {
    if (notice.kind !== 'duplicate-mac' || notice.holder !== MAC_LOCAL) return this.#pass(notice)
    if (this.#looking.size >= LOOKS_MAX || this.#looking.has(notice.mac)) return
    this.#looking.add(notice.mac)
    void this.#look(notice).finally(() => this.#looking.delete(notice.mac))
  }

  async #look(notice: SwitchNotice & { kind: 'duplicate-mac' }): Promise<void> {
    const { mac } = notice
    const isPlugged = (await this.#isPlugged(mac)) ?? this.#isHeard(mac)
    if (isPlugged) this.#pass(notice)
    else this.#plane().forgetMac(mac)
  }

  #isHeard(mac: Mac): boolean {
    const nowSeconds = this.#nowSeconds()
    const entry = this.#plane()
      .macs(nowSeconds)
      .find(one => one.mac === mac)
    return entry !== undefined && nowSeconds - entry.lastSeenSeconds <= MAC_HOLD_SECONDS
  }
}
