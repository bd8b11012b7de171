import type { PeerId } from '../address/mod.ts'
import { TokenBucket, type Millis } from '../base/mod.ts'
import { encodeRouted, routedSigningInput, type RoutedMessage } from '../wire/mod.ts'
import {
  NEIGHBOURS_MAX,
  ROUTED_BURST_BYTES,
  ROUTED_BYTES_PER_SECOND,
  ROUTED_HOP_LIMIT,
  WAYS_BACK_MAX,
} from './constants.ts'
import type { NodeContext } from './context.ts'

/** Of one on the link, besides its body. */
const ROUTED_FIXED_BYTES = 100

/**
 * Sends signed control messages to any peer of the mesh, over the links. A message is at most lost: nothing is queued,
 * the sender asks again. What this peer does not understand is passed on all the same.
 */
export class Router {
  readonly #context: NodeContext
  readonly #nextHop: (to: PeerId) => PeerId | undefined
  /** Bytes of the messages that came over each neighbour. */
  readonly #rates = new Map<PeerId, TokenBucket>()
  /** Neighbours, by the source of the messages that came over them. */
  readonly #waysBack = new Map<PeerId, PeerId>()

  constructor(context: NodeContext, nextHop: (to: PeerId) => PeerId | undefined) {
    this.#context = context
    this.#nextHop = nextHop
  }

  /** False when there is no way to the peer now. */
  send(destination: PeerId, routedKind: number, body: Uint8Array, now: Millis): boolean {
    const { config, ledger } = this.#context
    const unsigned = { routedKind, source: config.identity.peerId, destination, body }
    const signature = config.identity.sign(routedSigningInput(ledger.meshId, unsigned))
    return this.#forward({ ...unsigned, signature, hopLimit: ROUTED_HOP_LIMIT }, now)
  }

  /** Returns the message when it is for this peer and genuine; passes it on otherwise. */
  handle(message: RoutedMessage, from: PeerId, now: Millis): RoutedMessage | undefined {
    const { config, ledger } = this.#context
    if (!this.#mayCome(from, message, now)) {
      this.#context.drop('routed-rate')
      return undefined
    }
    if (message.destination !== config.identity.peerId) {
      const hopLimit = Math.min(message.hopLimit, ROUTED_HOP_LIMIT) - 1
      if (hopLimit < 1) this.#context.drop('routed-hop-limit')
      else if (!this.#forward({ ...message, hopLimit }, now, from)) this.#context.drop('routed-no-route')
      return undefined
    }
    const signingPublic = this.#signingPublicOf(message.source)
    if (signingPublic === undefined) {
      this.#context.drop('routed-unknown-source')
      return undefined
    }
    const input = routedSigningInput(ledger.meshId, message)
    if (!config.suite.verify(signingPublic, input, message.signature)) {
      this.#context.drop('routed-signature')
      return undefined
    }
    this.#noteWayBack(message.source, from)
    return message
  }

  /** `from`: whom it came from, and does not go back to; undefined: this peer's own. */
  #forward(message: RoutedMessage, now: Millis, from?: PeerId): boolean {
    const { destination } = message
    const { neighbours } = this.#context
    const next =
      neighbours.neighbour(destination)?.peerId ?? this.#nextHop(destination) ?? this.#waysBack.get(destination)
    if (next === undefined || next === from) return false
    // What others send must not fill the buffer of a slow line until the link is given up.
    if (from !== undefined && neighbours.neighbour(next)?.isBehind === true) return false
    return neighbours.send(next, encodeRouted(message), now)
  }

  /** Routed messages are seldom and small: what a neighbour sends of them is held to a rate. */
  #mayCome(from: PeerId, { body }: RoutedMessage, now: Millis): boolean {
    let rate = this.#rates.get(from)
    if (rate === undefined) {
      if (this.#rates.size >= NEIGHBOURS_MAX) this.#rates.delete(this.#rates.keys().next().value!)
      this.#rates.set(from, (rate = new TokenBucket(ROUTED_BURST_BYTES, ROUTED_BYTES_PER_SECOND)))
    }
    return rate.take(ROUTED_FIXED_BYTES + body.length, now)
  }

  /** Who asks may be known here before the way to it is: a newcomer hears of the others before they hear of it. */
  #noteWayBack(source: PeerId, from: PeerId): void {
    this.#waysBack.delete(source)
    this.#waysBack.set(source, from)
    if (this.#waysBack.size > WAYS_BACK_MAX) this.#waysBack.delete(this.#waysBack.keys().next().value!)
  }

  #signingPublicOf(peer: PeerId): Uint8Array | undefined {
    return this.#context.neighbours.neighbour(peer)?.hello.signingPublic ?? this.#context.ledger.signingPublicOf(peer)
  }
}
