import { formatMac, shortPeerId, type Mac, type PeerId } from '../address/mod.ts'
import { BoundedMap, type Millis } from '../base/mod.ts'
import { MAC_CONFLICTS_MAX, MAC_CONFLICT_SHOWN_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart } from './part.ts'

/** A MAC address that is in use on two hosts at once. */
export interface MacConflict {
  readonly mac: string
  /** Where frames for it go. */
  readonly holder: PeerId
  /** Whose frames with it are dropped here. */
  readonly rival: PeerId
  readonly since: Millis
  readonly lastAt: Millis
}

/** Says which MAC addresses are in use twice: each of the two containers would seem to lose frames without a cause. */
export class MacConflicts implements NodePart {
  readonly name = 'macConflicts'
  readonly #context: NodeContext
  /** By address and rival, the one that was seen least recently first. */
  readonly #seen = new BoundedMap<string, MacConflict>(MAC_CONFLICTS_MAX)

  constructor(context: NodeContext) {
    this.#context = context
  }

  handle(mac: Mac, holder: PeerId, rival: PeerId, now: Millis): void {
    const text = formatMac(mac)
    const key = `${text} ${rival}`
    const before = this.#seen.get(key)
    const isNew = before === undefined || now - before.lastAt >= MAC_CONFLICT_SHOWN_MS
    this.#seen.set(key, { mac: text, holder, rival, since: isNew ? now : before.since, lastAt: now })
    if (!isNew) return
    const fields = {
      ...{ mac: text, holder, rival },
      text: `MAC address ${text} is in use on ${this.#nameOf(holder)} and on ${this.#nameOf(rival)}: frames of the latter are dropped`,
    }
    this.#context.log('warn', 'duplicate-mac', fields, now)
  }

  /** Those of the last minutes. */
  report(now: Millis): readonly MacConflict[] {
    return [...this.#seen.entries.values()].filter(one => now - one.lastAt < MAC_CONFLICT_SHOWN_MS)
  }

  #nameOf(peer: PeerId): string {
    const { view, config } = this.#context
    return peer === config.identity.peerId ? 'this host' : `${shortPeerId(peer)}(${view.nicknameOf(peer)})`
  }
}
