import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { FLOOD_ORIGINS_MAX, FLOOD_ORIGIN_DOUBT_MS, FLOOD_ORIGIN_SHOWN_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import { namedHost, namedPeer } from './named-peer.ts'
import type { NodePart } from './part.ts'
import { Sightings, type Sighting } from './sightings.ts'

/** Broadcasts that are not proved to be of the peer as which they came. */
export interface FloodOrigin {
  readonly origin: PeerId
  /** Who passed them on. */
  readonly by: PeerId
}

/**
 * Says whose broadcasts are dropped because nothing proves that they are its. Of a restart, of either side, others hear
 * only after a moment; so what was seen is told only when no new keys have come within that.
 */
export class FloodOrigins implements NodePart {
  readonly name = 'floodOrigins'
  readonly #context: NodeContext
  readonly #keyedAt: (peer: PeerId) => Millis | undefined
  readonly #seen = new Sightings<FloodOrigin>(FLOOD_ORIGINS_MAX, FLOOD_ORIGIN_SHOWN_MS)
  /** By both peers: since when it is doubted. */
  readonly #doubted = new Map<string, FloodOrigin & { readonly at: Millis }>()
  readonly #startedAt: Millis

  /** `keyedAt`: since when there are keys that prove what a peer floods. */
  constructor(context: NodeContext, keyedAt: (peer: PeerId) => Millis | undefined, now: Millis) {
    this.#context = context
    this.#keyedAt = keyedAt
    this.#startedAt = now
  }

  handle(origin: PeerId, by: PeerId, now: Millis): void {
    const key = `${origin} ${by}`
    if (this.#doubted.has(key) || this.#doubted.size >= FLOOD_ORIGINS_MAX) return
    this.#doubted.set(key, { origin, by, at: now })
  }

  handleTimeout(now: Millis): void {
    for (const [key, doubt] of this.#doubted) {
      if (now < doubt.at + FLOOD_ORIGIN_DOUBT_MS) return
      this.#doubted.delete(key)
      if (this.#isFresh(doubt.origin, doubt.at)) continue
      const { origin, by } = doubt
      if (this.#seen.note(key, { origin, by }, now)) this.#tell(origin, by, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    for (const { at } of this.#doubted.values()) return { at: at + FLOOD_ORIGIN_DOUBT_MS, reason: 'flood origins' }
    return undefined
  }

  /** Those of the last minute. */
  report(now: Millis): readonly Sighting<FloodOrigin>[] {
    return this.#seen.report(now)
  }

  /** Whether the keys with the peer were new at that time, or have become so since. */
  #isFresh(origin: PeerId, at: Millis): boolean {
    const since = Math.max(this.#startedAt, this.#keyedAt(origin) ?? Infinity)
    return at - since < FLOOD_ORIGIN_DOUBT_MS
  }

  #tell(origin: PeerId, by: PeerId, now: Millis): void {
    const text =
      `broadcasts that ${namedPeer(this.#context, by)} passes on as of ${namedHost(this.#context, origin)} are dropped: ` +
      'nothing proves that they began there'
    this.#context.log('warn', 'flood-origin', { peer: origin, by, text }, now)
  }
}
