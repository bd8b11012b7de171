import type { PeerId } from '../address/mod.ts'
import { jittered, type Chance, type Millis } from '../base/mod.ts'
import { RETIRE_AFTER_MS, RETIRE_TOGETHER_MS } from './constants.ts'

/** One link as the end of it sees it. */
export interface HeldLink {
  readonly peerId: PeerId
  /** This side dialled it. */
  readonly isOutbound: boolean
}

/**
 * When a link is given up: by the side that dialled it, and only there, once it has not wanted it for a while; those
 * whose time comes soon go along, for each publication of links costs the whole mesh. If the other side wants it, that
 * one dials it anew and is then its keeper. So no link is given up that anybody wants for long, and none that two sides
 * quarrel about.
 */
export class LinkRetirement {
  readonly #chance: Chance
  /** When the link of a peer goes. */
  readonly #dueAt = new Map<PeerId, Millis>()

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** Tells what there is, and who is wanted. */
  update(links: readonly HeldLink[], wanted: ReadonlySet<PeerId>, now: Millis): void {
    const spare = new Set(links.filter(link => link.isOutbound && !wanted.has(link.peerId)).map(link => link.peerId))
    for (const peer of this.#dueAt.keys()) if (!spare.has(peer)) this.#dueAt.delete(peer)
    for (const peer of spare)
      if (!this.#dueAt.has(peer)) this.#dueAt.set(peer, now + jittered(RETIRE_AFTER_MS, this.#chance))
  }

  /** Whose links to give up now. */
  take(now: Millis): PeerId[] {
    const first = this.nextAt()
    if (first === undefined || now < first) return []
    const due = [...this.#dueAt].filter(([, at]) => at <= now + RETIRE_TOGETHER_MS).map(([peer]) => peer)
    for (const peer of due) this.#dueAt.delete(peer)
    return due
  }

  nextAt(): Millis | undefined {
    let first: Millis | undefined
    for (const at of this.#dueAt.values()) if (first === undefined || at < first) first = at
    return first
  }
}
