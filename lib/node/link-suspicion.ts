import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { SUSPECT_LINK_LAST_MS, SUSPECT_LINK_LOOK_MS, SUSPECT_LINK_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { LocalHealth } from './local-health.ts'
import type { NodePart } from './part.ts'

/** A neighbour that is suspected: since when, and who was linked to it then, but those that are gone by now. */
interface Suspect {
  readonly since: Millis
  readonly others: Set<PeerId>
}

/**
 * Neighbours whose data path does not answer, or leads elsewhere than before: their link is asked at once, and given up
 * early if nothing at all comes over it. How early depends on who else has lost its path to the neighbour, as the ledger
 * tells: from SUSPECT_LINK_LAST_MS when nobody has to SUSPECT_LINK_MS when all its other neighbours have that are not
 * suspected themselves; and on how well this process keeps time itself.
 */
export class LinkSuspicion implements NodePart {
  readonly name = 'link-suspicion'
  readonly #context: NodeContext
  readonly #health: LocalHealth
  readonly #suspects = new Map<PeerId, Suspect>()
  #lookAt: Millis | undefined

  constructor(context: NodeContext, health: LocalHealth) {
    this.#context = context
    this.#health = health
  }

  /** The data path to a peer does not answer, or leads elsewhere than before. */
  suspect(peer: PeerId, now: Millis): void {
    if (this.#suspects.has(peer) || !this.#context.neighbours.ask(peer, now)) return
    this.#suspects.set(peer, { since: now, others: this.#linkedTo(peer) })
    this.#lookAt ??= now + SUSPECT_LINK_LOOK_MS
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    for (const [peer, { since, others }] of this.#suspects) this.#suspects.set(peer, { since: since + lateMs, others })
  }

  handleTimeout(now: Millis): void {
    if (this.#lookAt === undefined || now < this.#lookAt) return
    const { neighbours } = this.#context
    for (const [peer, { since, others }] of this.#suspects) {
      const heardAt = neighbours.heardAt(peer)
      if (heardAt === undefined || heardAt > since) this.#suspects.delete(peer)
      else if (now - since >= this.#limitMs(peer, others)) {
        this.#suspects.delete(peer)
        for (const suspect of this.#suspects.values()) suspect.others.delete(peer)
        neighbours.giveUp(peer, now)
      }
    }
    this.#lookAt = this.#suspects.size === 0 ? undefined : now + SUSPECT_LINK_LOOK_MS
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#lookAt === undefined ? undefined : { at: this.#lookAt, reason: 'link suspicion' }
  }

  /** All but this peer that have a link to it. */
  #linkedTo(peer: PeerId): Set<PeerId> {
    const { view, config } = this.#context
    const others = new Set(view.graph.neighbours('control', peer))
    others.delete(config.identity.peerId)
    return others
  }

  #limitMs(peer: PeerId, others: ReadonlySet<PeerId>): Millis {
    // Of many that are gone at once none will say so of another.
    const witnesses = [...others].filter(other => !this.#suspects.has(other))
    const believing = new Set(this.#context.view.graph.neighbours('data', peer))
    const confirmations = witnesses.filter(other => !believing.has(other)).length
    return this.#health.patience * linkSuspicionMs(confirmations, witnesses.length)
  }
}

/** How long a neighbour is waited for that so many of so many others have lost, too (Lifeguard's formula). */
export function linkSuspicionMs(confirmations: number, others: number): Millis {
  const share = others === 0 ? 0 : Math.log(confirmations + 1) / Math.log(others + 1)
  return SUSPECT_LINK_LAST_MS - (SUSPECT_LINK_LAST_MS - SUSPECT_LINK_MS) * share
}
