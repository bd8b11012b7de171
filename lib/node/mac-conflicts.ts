import { formatMac, type Mac, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { MAC_CONFLICTS_MAX, MAC_CONFLICT_SHOWN_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { namedHost } from './named-peer.ts'
import type { NodePart } from './part.ts'
import { Sightings, type Sighting } from './sightings.ts'

/** A MAC address that is in use on two hosts at once. */
export interface MacConflict {
  readonly mac: string
  /** Where frames for it go. */
  readonly keptAt: PeerId
  /** Whose frames with it are dropped here. */
  readonly droppedAt: PeerId
}

/** Says which MAC addresses are in use twice: each of the two containers would seem to lose frames without a cause. */
export class MacConflicts implements NodePart {
  readonly name = 'macConflicts'
  readonly #context: NodeContext
  /** By address and whose frames are dropped. */
  readonly #seen = new Sightings<MacConflict>(MAC_CONFLICTS_MAX, MAC_CONFLICT_SHOWN_MS)

  constructor(context: NodeContext) {
    this.#context = context
  }

  handle(mac: Mac, keptAt: PeerId, droppedAt: PeerId, now: Millis): void {
    const text = formatMac(mac)
    if (!this.#seen.note(`${text} ${droppedAt}`, { mac: text, keptAt, droppedAt }, now)) return
    const [kept, dropped] = [namedHost(this.#context, keptAt), namedHost(this.#context, droppedAt)]
    const fields = {
      ...{ mac: text, keptAt, droppedAt },
      text: `MAC address ${text} is in use on ${kept} and on ${dropped}: frames of the latter are dropped`,
    }
    this.#context.log('warn', 'duplicate-mac', fields, now)
  }

  /** Those of the last minutes. */
  report(now: Millis): readonly Sighting<MacConflict>[] {
    return this.#seen.report(now)
  }
}
