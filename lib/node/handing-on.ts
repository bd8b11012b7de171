import type { Millis } from '../base/mod.ts'
import type { Addresses } from './addresses.ts'
import { HAND_ON_AFTER_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart } from './part.ts'

/**
 * An ephemeral peer holds no blocks: those that it has of an earlier life, or was handed by a peer that left, go to a
 * peer that owns some. What its containers have of them is lent by the new owner. Only while such a peer can be reached, and
 * at times that are drawn, so that two ephemeral peers do not hand theirs to each other and back for ever.
 */
export class HandingOn implements NodePart {
  readonly name = 'handing-on'
  readonly #context: NodeContext
  readonly #addresses: Pick<Addresses, 'handOn' | 'ipam'>
  #dueAt: Millis | undefined

  constructor(context: NodeContext, addresses: Pick<Addresses, 'handOn' | 'ipam'>) {
    this.#context = context
    this.#addresses = addresses
  }

  viewChanged(now: Millis): void {
    if (this.#context.config.isEphemeral === true) this.#dueAt ??= this.#next(now)
  }

  handleTimeout(now: Millis): void {
    if (this.#dueAt === undefined || now < this.#dueAt) return
    // What rests, or is held back, goes later; and a peer that leaves may choose this one for its blocks.
    this.#dueAt = this.#next(now)
    const outcome = this.#addresses.ipam.ownsBlocks ? this.#addresses.handOn(now) : undefined
    if (outcome !== undefined && outcome.blocks > 0)
      this.#context.log('info', 'blocks-handed-on', { peer: outcome.heir, blocks: outcome.blocks }, now)
  }

  pollTimeout(): { readonly at: Millis; readonly reason: string } | undefined {
    return this.#dueAt === undefined ? undefined : { at: this.#dueAt, reason: 'hand blocks on' }
  }

  #next(now: Millis): Millis {
    return now + Math.round(HAND_ON_AFTER_MS * (1 + this.#context.config.chance()))
  }
}
