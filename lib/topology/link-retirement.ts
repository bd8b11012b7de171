import type { PeerId } from '../address/peer-id.ts'
import type { Chance, Millis } from '../base/ports.ts'
import { RETIRE_AFTER_MS, RETIRE_GAP_MS } from './constants.ts'

/** One link as the end of it sees it. */
export interface HeldLink {
  readonly peerId: PeerId
  /** This side dialled it. */
  readonly isOutbound: boolean
}

/**
 * When a link is given up: by the side that dialled it, and only there, once it has not wanted it for a while; one at a
 * time. If the other side wants it, that one dials it anew and is then its keeper. So no link is given up that anybody
 * wants for long, and none that two sides quarrel about.
 */
export class LinkRetirement {
  readonly #chance: Chance
  /** When the link of a peer goes. */
  readonly #dueAt = new Map<PeerId, Millis>()
  #nextAt: Millis = -Infinity

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** Tells what there is, and who is wanted. */
  update(links: readonly HeldLink[], wanted: ReadonlySet<PeerId>, now: Millis): void {
    const spare = new Set(links.filter(link => link.isOutbound && !wanted.has(link.peerId)).map(link => link.peerId))
    for (const peer of this.#dueAt.keys()) if (!spare.has(peer)) this.#dueAt.delete(peer)
    for (const peer of spare)
      if (!this.#dueAt.has(peer))
        this.#dueAt.set(peer, now + Math.round(RETIRE_AFTER_MS * (0.75 + 0.5 * this.#chance())))
  }

  /** Whose link to give up now, if any. */
  take(now: Millis): PeerId | undefined {
    const first = this.#first()
    if (first === undefined || now < first.at) return undefined
    this.#dueAt.delete(first.peer)
    this.#nextAt = now + RETIRE_GAP_MS
    return first.peer
  }

  nextAt(): Millis | undefined {
    return this.#first()?.at
  }

  #first(): { readonly peer: PeerId; readonly at: Millis } | undefined {
    let first: { peer: PeerId; at: Millis } | undefined
    for (const [peer, at] of this.#dueAt) if (first === undefined || at < first.at) first = { peer, at }
    return first && { peer: first.peer, at: Math.max(first.at, this.#nextAt) }
  }
}
