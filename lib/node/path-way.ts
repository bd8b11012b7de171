import { endpointParts, type Endpoint, type PeerId } from '../address/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'

/**
 * Where the frames to one peer go: to the endpoint that is proved or, without one, through the relay, as the engine is
 * told.
 */
export class PathWay {
  readonly #peerIndex: number
  readonly #order: (op: EngineOp) => void
  #direct: { readonly endpoint: Endpoint; readonly rttMs: number } | undefined
  #provedEndpoint: Endpoint | undefined
  #via: { readonly peer: PeerId; readonly index: number } | undefined
  #viaRttMs: number | undefined

  constructor(peerIndex: number, order: (op: EngineOp) => void) {
    this.#peerIndex = peerIndex
    this.#order = order
  }

  get direct(): { readonly endpoint: Endpoint; readonly rttMs: number } | undefined {
    return this.#direct
  }

  /** The endpoint that was proved last, whether it still answers or not. */
  get provedEndpoint(): Endpoint | undefined {
    return this.#provedEndpoint
  }

  /** The relay that there is, whether it answers or not. */
  get via(): PeerId | undefined {
    return this.#via?.peer
  }

  /** Undefined when there is no relay, or it has not answered. */
  get viaRttMs(): number | undefined {
    return this.#viaRttMs
  }

  /** The relay, by its peer index; undefined: there is none. True when frames go by another way now. */
  setVia(peer: PeerId | undefined, index: number): boolean {
    if (this.#via?.peer === peer && (this.#via?.index ?? index) === index) return false
    this.#via = peer === undefined ? undefined : { peer, index }
    this.#viaRttMs = undefined
    if (this.#direct !== undefined) return false
    this.#orderVia(true)
    return true
  }

  /** A probe made the round trip through the relay. True when none had before. */
  relayAnswered(rttMs: number): boolean {
    const isNews = this.#viaRttMs === undefined
    this.#viaRttMs = rttMs
    return isNews
  }

  /** That the relay has answered says nothing any more. */
  forgetRelayAnswer(): void {
    this.#viaRttMs = undefined
  }

  /** An endpoint is proved: frames go there. */
  goDirect(endpoint: Endpoint, rttMs: number): void {
    this.#direct = { endpoint, rttMs }
    this.#provedEndpoint = endpoint
    this.#order({ op: 'set-endpoint', peerIndex: this.#peerIndex, endpoint: endpointParts(endpoint) })
    this.#orderVia(false)
  }

  /** The endpoint has answered again. */
  setRoundTrip(rttMs: number): void {
    if (this.#direct !== undefined) this.#direct = { ...this.#direct, rttMs }
  }

  /** Frames go through the relay from now on, or nowhere. */
  leaveDirect(): void {
    if (this.#direct === undefined) return
    this.#direct = undefined
    this.#order({ op: 'set-endpoint', peerIndex: this.#peerIndex, endpoint: undefined })
    this.#orderVia(true)
  }

  /** What is sent goes through the relay. A moment's frames may go along: they arrive as well. */
  throughRelay(send: () => void): void {
    const isDetour = this.#direct !== undefined
    if (isDetour) this.#orderVia(true)
    send()
    if (isDetour) this.#orderVia(false)
  }

  #orderVia(isRelayed: boolean): void {
    const viaIndex = isRelayed ? (this.#via?.index ?? -1) : -1
    this.#order({ op: 'set-via', peerIndex: this.#peerIndex, viaIndex })
  }
}
