import { formatMac, type Mac, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { FLOODS_MAX, FLOOD_SHOWN_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { namedHost, namedPeer } from './named-peer.ts'
import type { NodePart } from './part.ts'
import { Sightings, type Sighting } from './sightings.ts'

/** A host of which more is to be flooded than is allowed. */
export interface Flood {
  readonly peer: PeerId
  /** Who passed it on last; the same when it came from there itself. */
  readonly by: PeerId
  /** Where it came from last. */
  readonly mac: string
}

/** Says whose broadcasts are dropped for their number, as long as it lasts. */
export class Floods implements NodePart {
  readonly name = 'floods'
  readonly #context: NodeContext
  readonly #seen = new Sightings<Flood>(FLOODS_MAX, FLOOD_SHOWN_MS)

  constructor(context: NodeContext) {
    this.#context = context
  }

  handle(peer: PeerId, by: PeerId, mac: Mac, now: Millis): void {
    if (!this.#seen.note(peer, { peer, by, mac: formatMac(mac) }, now)) return
    const passed = by === peer ? '' : ` as ${namedPeer(this.#context, by)} passes them on`
    const who = namedHost(this.#context, peer)
    const text = `too many broadcasts of ${who}${passed}, of MAC address ${formatMac(mac)} and perhaps others: some are dropped`
    this.#context.log('warn', 'flood-limit', { peer, by, mac: formatMac(mac), text }, now)
  }

  /** Those that last. */
  report(now: Millis): readonly Sighting<Flood>[] {
    return this.#seen.report(now)
  }
}
