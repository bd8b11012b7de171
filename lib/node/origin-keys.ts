import type { PeerId } from '../address/mod.ts'
import { equalBytes, type Millis } from '../base/mod.ts'
import { originKey } from '../noise/mod.ts'
import { ORIGIN_KEYS_PER_TURN } from './constants.ts'
import type { NodeContext } from './context.ts'
import type { NodePart } from './part.ts'

interface Known {
  /** What X25519 makes of both static keys; undefined until it is needed, or when the peer's key is none. */
  shared: Uint8Array | undefined
  start: Uint8Array
  /** When the keys were made that the engine has; undefined: they wait for their turn. */
  keyedAt: Millis | undefined
}

/**
 * Makes the keys by which peers prove to each other what they flooded, a few in a turn, and gives them to the engine: of each
 * peer as soon as its start number is known, and anew when that is another one.
 */
export class OriginKeys implements NodePart {
  readonly name = 'originKeys'
  readonly #context: NodeContext
  readonly #known = new Map<PeerId, Known>()
  readonly #waiting = new Set<PeerId>()
  #dueAt: Millis | undefined

  constructor(context: NodeContext) {
    this.#context = context
  }

  /** A peer's links tell its start number. */
  handleStart(peer: PeerId, start: Uint8Array, now: Millis): void {
    const known = this.#known.get(peer)
    if (known !== undefined && equalBytes(known.start, start)) return
    this.#known.set(peer, { shared: known?.shared, start: start.slice(), keyedAt: undefined })
    this.#waiting.add(peer)
    this.#dueAt ??= now
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer)
    this.#waiting.delete(peer)
  }

  /** Since when the keys with a peer hold; undefined: there are none. */
  keyedAt(peer: PeerId): Millis | undefined {
    return this.#known.get(peer)?.keyedAt
  }

  handleTimeout(now: Millis): void {
    if (this.#dueAt === undefined || now < this.#dueAt) return
    let left = ORIGIN_KEYS_PER_TURN
    for (const peer of this.#waiting) {
      if (left-- === 0) break
      this.#waiting.delete(peer)
      this.#makeKeys(peer, now)
    }
    this.#dueAt = this.#waiting.size === 0 ? undefined : now + 1
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#dueAt === undefined ? undefined : { at: this.#dueAt, reason: 'origin keys' }
  }

  #makeKeys(peer: PeerId, now: Millis): void {
    const { config, view, emit } = this.#context
    const { suite, identity, incarnation } = config
    const known = this.#known.get(peer)
    const peerIndex = view.indexOf(peer)
    if (known === undefined || peerIndex === undefined) return
    known.shared ??= this.#sharedWith(peer)
    if (known.shared === undefined) return
    const self = { peer: identity.peerId, start: incarnation }
    const other = { peer, start: known.start }
    const to = originKey(suite, known.shared, self, other)
    const from = originKey(suite, known.shared, other, self)
    known.keyedAt = now
    emit({ type: 'engine', op: { op: 'set-origin-keys', peerIndex, to, from } })
  }

  #sharedWith(peer: PeerId): Uint8Array | undefined {
    const { config, ledger, neighbours } = this.#context
    const signingPublic = neighbours.neighbour(peer)?.hello.signingPublic ?? ledger.signingPublicOf(peer)
    const exchangePublic = signingPublic && config.suite.exchangePublicKey(signingPublic)
    return exchangePublic && config.identity.exchangeKey.exchange(exchangePublic)
  }
}
