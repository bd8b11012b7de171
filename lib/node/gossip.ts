import type { PeerId } from '../address/mod.ts'
import { isDrop, type Millis } from '../base/mod.ts'
import {
  LEDGER_MESSAGE_BYTES_MAX,
  decodeLedgerDelta,
  decodeLedgerSync,
  encodeLedger,
  encodeLedgerDelta,
  encodeLedgerSync,
  packDeltas,
  type DeltaPart,
  type LedgerSync,
} from '../wire/mod.ts'
import { DIGEST_INTERVAL_MS } from './constants.ts'
import type { NodeContext } from './context.ts'

/** Carries the ledger's syncs and deltas over the links. Nothing that it is sent can end a link. */
export class Gossip {
  readonly #context: NodeContext
  #syncAt: Millis

  constructor(context: NodeContext, now: Millis) {
    this.#context = context
    this.#syncAt = now + DIGEST_INTERVAL_MS
  }

  handleNeighbourUp(peer: PeerId, now: Millis): void {
    this.#sendSync(peer, this.#context.ledger.rootSync(), now)
  }

  handleSync(from: PeerId, body: Uint8Array, now: Millis): void {
    const { ledger } = this.#context
    const sync = decodeLedgerSync(body)
    if (isDrop(sync)) return this.#context.drop(sync.reason)
    const answer = ledger.answer(sync)
    if (answer !== undefined) this.#sendSync(from, answer, now)
    for (const want of sync.wants) {
      const wanted = ledger.recordsFor(want)
      if (wanted !== undefined) this.#sendParts([from], [{ owner: want.owner, ...wanted }], false, now)
    }
  }

  /** Merges; what was new goes on to the other neighbours. */
  handleDelta(from: PeerId, body: Uint8Array, now: Millis): void {
    const { ledger, neighbours } = this.#context
    const delta = decodeLedgerDelta(body)
    if (isDrop(delta)) return this.#context.drop(delta.reason)
    const parts: DeltaPart[] = []
    for (const part of delta.parts) {
      const { changed } = ledger.merge(part, now)
      const signingPublic = ledger.signingPublicOf(part.owner)
      if (changed.length > 0) parts.push({ owner: part.owner, signingPublic, records: changed })
    }
    const others = neighbours.neighbours.map(({ peerId }) => peerId).filter(peerId => peerId !== from)
    this.#sendParts(others, parts, true, now)
  }

  /** Sends what was written here to every neighbour. */
  flush(now: Millis): void {
    const { ledger, config, neighbours } = this.#context
    const records = ledger.takeOwnWrites()
    if (records.length === 0) return
    const { peerId: owner, signingPublic } = config.identity
    const all = neighbours.neighbours.map(({ peerId }) => peerId)
    this.#sendParts(all, [{ owner, signingPublic, records }], true, now)
  }

  handleTimeout(now: Millis): void {
    if (now < this.#syncAt) return
    const { chance } = this.#context.config
    this.#syncAt = now + Math.round(DIGEST_INTERVAL_MS * (0.75 + 0.5 * chance()))
    const { neighbours } = this.#context.neighbours
    const one = neighbours[Math.floor(chance() * neighbours.length)]
    if (one !== undefined) this.#sendSync(one.peerId, this.#context.ledger.rootSync(), now)
  }

  pollTimeout(): { at: Millis; reason: string } {
    return { at: this.#syncAt, reason: 'ledger sync' }
  }

  #sendSync(to: PeerId, sync: LedgerSync, now: Millis): void {
    if (!this.#context.isShared()) return
    this.#context.neighbours.send(to, encodeLedger('ledger-sync', encodeLedgerSync(sync)), now)
  }

  #sendParts(to: readonly PeerId[], parts: readonly DeltaPart[], isPushed: boolean, now: Millis): void {
    if (!this.#context.isShared()) return
    for (const delta of packDeltas(parts, isPushed, LEDGER_MESSAGE_BYTES_MAX)) {
      const message = encodeLedger('ledger-delta', encodeLedgerDelta(delta))
      for (const peer of to) this.#context.neighbours.send(peer, message, now)
    }
  }
}
