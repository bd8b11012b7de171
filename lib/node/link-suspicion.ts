import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { SUSPECT_LINK_LAST_MS, SUSPECT_LINK_LOOK_MS, SUSPECT_LINK_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { LocalHealth } from './local-health.ts'
import type { NodePart } from './part.ts'

/**
 * Neighbours whose data path does not answer, or leads elsewhere than before: their link is asked at once, and given up early if nothing at all comes
 * over it. How early depends on who else has lost its path to the neighbour, as the ledger tells: from SUSPECT_LINK_LAST_MS
 * when nobody has to SUSPECT_LINK_MS when all its other neighbours have, and on how well this process keeps time itself.
 */
export class LinkSuspicion implements NodePart {
  readonly name = 'link-suspicion'
  readonly #context: NodeContext
  readonly #health: LocalHealth
  /** Neighbours that are suspected, and since when. */
  readonly #since = new Map<PeerId, Millis>()
  #lookAt: Millis | undefined

  constructor(context: NodeContext, health: LocalHealth) {
    this.#context = context
    this.#health = health
  }

  /** The data path to a peer does not answer, or leads elsewhere than before. */
  suspect(peer: PeerId, now: Millis): void {
    if (this.#since.has(peer) || !this.#context.neighbours.ask(peer, now)) return
    this.#since.set(peer, now)
    this.#lookAt ??= now + SUSPECT_LINK_LOOK_MS
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    for (const [peer, since] of this.#since) this.#since.set(peer, since + lateMs)
  }

  handleTimeout(now: Millis): void {
    if (this.#lookAt === undefined || now < this.#lookAt) return
    const { neighbours } = this.#context
    for (const [peer, since] of this.#since) {
      const heardAt = neighbours.heardAt(peer)
      if (heardAt === undefined || heardAt > since) this.#since.delete(peer)
      else if (now - since >= this.#limitMs(peer)) {
        this.#since.delete(peer)
        neighbours.giveUp(peer, now)
      }
    }
    this.#lookAt = this.#since.size === 0 ? undefined : now + SUSPECT_LINK_LOOK_MS
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#lookAt === undefined ? undefined : { at: this.#lookAt, reason: 'link suspicion' }
  }

  #limitMs(peer: PeerId): Millis {
    const { graph } = this.#context.view
    const self = graph.indexOf(this.#context.config.identity.peerId)
    const index = graph.indexOf(peer)
    const others = graph.neighbourIndices('control', index).filter(other => other !== self)
    const believing = new Set(graph.neighbourIndices('data', index))
    const confirmations = others.filter(other => !believing.has(other)).length
    return this.#health.patience * linkSuspicionMs(confirmations, others.length)
  }
}

/** How long a neighbour is waited for that so many of so many others have lost, too (Lifeguard's formula). */
export function linkSuspicionMs(confirmations: number, others: number): Millis {
  const share = others === 0 ? 0 : Math.log(confirmations + 1) / Math.log(others + 1)
  return SUSPECT_LINK_LAST_MS - (SUSPECT_LINK_LAST_MS - SUSPECT_LINK_MS) * share
}
