import type { Mac } from '../address/mod.ts'
import { BoundedMap } from '../base/mod.ts'
import { MAC_KEPT_SECONDS, MAC_LOCAL, type DataPlane, type SwitchNotice } from '../overlay/mod.ts'

/** So many addresses are looked for at once; notices come again. */
const LOOKS_MAX = 4
/** An address is looked for once in so long, and so many addresses in that time. */
const LOOK_SECONDS = 1
const LOOKED_MAX = 64

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
  /** When an address was last looked for, the one for longest first. */
  readonly #lookedAt = new BoundedMap<Mac, number>(LOOKED_MAX)

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
    if (notice.kind !== 'duplicate-mac' || notice.keptAt !== MAC_LOCAL) return this.#pass(notice)
    if (this.#looking.size >= LOOKS_MAX || !this.#isDue(notice.mac)) return
    this.#looking.add(notice.mac)
    this.#lookedAt.set(notice.mac, this.#nowSeconds())
    void this.#look(notice).finally(() => this.#looking.delete(notice.mac))
  }

  #isDue(mac: Mac): boolean {
    const isOver = (at: number | undefined) => at === undefined || this.#nowSeconds() - at >= LOOK_SECONDS
    if (this.#looking.has(mac) || !isOver(this.#lookedAt.get(mac))) return false
    const [longest] = this.#lookedAt.entries.values()
    return this.#lookedAt.size < LOOKED_MAX || this.#lookedAt.has(mac) || isOver(longest)
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
    return entry !== undefined && nowSeconds - entry.lastSeenSeconds <= MAC_KEPT_SECONDS
  }
}
