import type { PeerId } from '../address/mod.ts'
import { isDrop, type Millis } from '../base/mod.ts'
import {
  decodeLedgerDelta,
  decodeLedgerDigest,
  encodeLedger,
  encodeLedgerDelta,
  encodeLedgerDigest,
  type LedgerDelta,
  type LedgerDigest,
} from '../wire/mod.ts'
import { DELTA_BUDGET_BYTES, DIGEST_INTERVAL_MS } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart, PartMessage } from './part.ts'

/** Carries the ledger's digests and deltas over the links. Nothing that it is sent can end a link. */
export class Gossip implements NodePart {
  readonly name = 'gossip'
  readonly messageTypes = ['ledger-digest', 'ledger-delta'] as const
  readonly #context: NodeContext
  #digestAt: Millis

  constructor(context: NodeContext, now: Millis) {
    this.#context = context
    this.#digestAt = now + DIGEST_INTERVAL_MS
  }

  handleNeighbourUp(peer: PeerId, now: Millis): void {
    this.#sendDigests(peer, this.#context.ledger.digest(true), now)
  }

  handleMessage(from: PeerId, message: PartMessage, now: Millis): void {
    if (message.type === 'ledger-digest') this.handleDigest(from, message.body, now)
    else this.handleDelta(from, message.body, now)
  }

  handleDigest(from: PeerId, body: Uint8Array, now: Millis): void {
    const digest = decodeLedgerDigest(body)
    if (isDrop(digest)) return this.#context.drop(digest.reason)
    const answer = this.#context.ledger.handleDigest(digest, DELTA_BUDGET_BYTES)
    for (const delta of answer.deltas) this.#sendDelta(from, delta, now)
    this.#sendDigests(from, answer.digests, now)
  }

  /** Merges; what was new goes on to the other neighbours. */
  handleDelta(from: PeerId, body: Uint8Array, now: Millis): void {
    const delta = decodeLedgerDelta(body)
    if (isDrop(delta)) return this.#context.drop(delta.reason)
    const { relay } = this.#context.ledger.handleDelta(delta, now)
    if (relay === undefined) return
    for (const { peerId } of this.#context.neighbours.neighbours)
      if (peerId !== from && peerId !== delta.owner) this.#sendDelta(peerId, relay, now)
  }

  /** Sends what was written here to every neighbour. */
  flush(now: Millis): void {
    for (const delta of this.#context.ledger.takeOwnDeltas())
      for (const { peerId } of this.#context.neighbours.neighbours) this.#sendDelta(peerId, delta, now)
  }

  handleTimeout(now: Millis): void {
    if (now < this.#digestAt) return
    const { chance } = this.#context.config
    this.#digestAt = now + Math.round(DIGEST_INTERVAL_MS * (0.75 + 0.5 * chance()))
    const { neighbours } = this.#context.neighbours
    const one = neighbours[Math.floor(chance() * neighbours.length)]
    if (one !== undefined) this.#sendDigests(one.peerId, this.#context.ledger.digest(true), now)
  }

  pollTimeout(): { at: Millis; reason: string } {
    return { at: this.#digestAt, reason: 'ledger digest' }
  }

  #sendDigests(to: PeerId, digests: readonly LedgerDigest[], now: Millis): void {
    if (!this.#context.isShared()) return
    for (const digest of digests)
      this.#context.neighbours.send(to, encodeLedger('ledger-digest', encodeLedgerDigest(digest)), now)
  }

  #sendDelta(to: PeerId, delta: LedgerDelta, now: Millis): void {
    if (!this.#context.isShared()) return
    this.#context.neighbours.send(to, encodeLedger('ledger-delta', encodeLedgerDelta(delta)), now)
  }
}
