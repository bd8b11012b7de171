import { endpointParts, type Endpoint, type PeerId } from '../address/mod.ts'
import { VIA_LINK, type EngineOp } from '../overlay/mod.ts'

/** The way around where UDP does not get through: another peer, or the control link (TCP). */
export type Detour = 'relay' | 'link'

export function isDetour(by: Endpoint | Detour): by is Detour {
  return by === 'relay' || by === 'link'
}

const NO_RELAY = -1

/**
 * Where the frames to one peer go: to the endpoint that is proved or, without one, through the relay, or over the
 * control link where no relay has answered, as the engine is told.
 */
export class PathWay {
  readonly #peerIndex: number
  readonly #order: (op: EngineOp) => void
  #direct: { readonly endpoint: Endpoint; readonly rttMs: number } | undefined
  #provedEndpoint: Endpoint | undefined
  #via: { readonly peer: PeerId; readonly index: number } | undefined
  #viaRttMs: number | undefined
  #hasLink = false
  #linkRttMs: number | undefined
  /** What the engine was told last. */
  #viaIndex = NO_RELAY
  #spareIndex = NO_RELAY

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

  /** There is a control link to the peer, whether datagrams get through over it or not. */
  get hasLink(): boolean {
    return this.#hasLink
  }

  /** Undefined when there is no link, or no probe was answered over it. */
  get linkRttMs(): number | undefined {
    return this.#linkRttMs
  }

  /** What frames take, or would take, without an endpoint; undefined when nothing has answered. */
  get detour(): Detour | undefined {
    if (this.#viaRttMs !== undefined) return 'relay'
    return this.#linkRttMs === undefined ? undefined : 'link'
  }

  /** The relay, by its peer index; undefined: there is none. True when frames go by another way now. */
  setVia(peer: PeerId | undefined, index: number): boolean {
    if (this.#via?.peer === peer && (this.#via?.index ?? index) === index) return false
    const before = this.detour
    this.#via = peer === undefined ? undefined : { peer, index }
    this.#viaRttMs = undefined
    if (this.#direct !== undefined) return false
    this.#orderVia(this.#detourIndex)
    return before !== 'link'
  }

  /** Through whom goes what the relay itself sends for the peer, by its peer index; -1: nobody. */
  setSpare(index: number): void {
    if (this.#spareIndex === index) return
    this.#spareIndex = index
    this.#order({ op: 'set-spare', peerIndex: this.#peerIndex, spareIndex: index })
  }

  /** Whether there is a link to the peer. True when frames go by another way now. */
  setLink(hasLink: boolean): boolean {
    if (this.#hasLink === hasLink) return false
    const before = this.detour
    this.#hasLink = hasLink
    this.forgetLinkAnswer()
    return this.#direct === undefined && this.detour !== before
  }

  /** A probe made the round trip through the relay. True when none had before. */
  relayAnswered(rttMs: number): boolean {
    const isNews = this.#viaRttMs === undefined
    this.#viaRttMs = rttMs
    if (isNews) this.#orderDetour()
    return isNews
  }

  /** One made it over the link. True when frames take that from now on, or would. */
  linkAnswered(rttMs: number): boolean {
    const before = this.detour
    if (!this.#hasLink) return false
    this.#linkRttMs = rttMs
    if (this.detour === before) return false
    this.#orderDetour()
    return true
  }

  /** That the relay has answered says nothing any more. */
  forgetRelayAnswer(): void {
    if (this.#viaRttMs === undefined) return
    this.#viaRttMs = undefined
    this.#orderDetour()
  }

  /** The same of the link. */
  forgetLinkAnswer(): void {
    if (this.#linkRttMs === undefined) return
    this.#linkRttMs = undefined
    this.#orderDetour()
  }

  /** No detour counts as one that answers. */
  forgetAnswers(): void {
    this.forgetRelayAnswer()
    this.forgetLinkAnswer()
  }

  /** An endpoint is proved: frames go there. */
  goDirect(endpoint: Endpoint, rttMs: number): void {
    this.#direct = { endpoint, rttMs }
    this.#provedEndpoint = endpoint
    this.#order({ op: 'set-endpoint', peerIndex: this.#peerIndex, endpoint: endpointParts(endpoint) })
    this.#orderVia(NO_RELAY)
  }

  /** The endpoint has answered again. */
  setRoundTrip(rttMs: number): void {
    if (this.#direct !== undefined) this.#direct = { ...this.#direct, rttMs }
  }

  /** Frames take the detour from now on, or go nowhere. */
  leaveDirect(): void {
    if (this.#direct === undefined) return
    this.#direct = undefined
    this.#order({ op: 'set-endpoint', peerIndex: this.#peerIndex, endpoint: undefined })
    this.#orderVia(this.#detourIndex)
  }

  /** What is sent goes through the relay. A moment's frames may go along: they arrive as well. */
  throughRelay(send: () => void): void {
    this.#by(this.#via?.index ?? NO_RELAY, send)
  }

  /** The same over the link. */
  overLink(send: () => void): void {
    this.#by(VIA_LINK, send)
  }

  #by(viaIndex: number, send: () => void): void {
    const before = this.#viaIndex
    if (viaIndex !== before) this.#orderVia(viaIndex)
    send()
    if (viaIndex !== before) this.#orderVia(before)
  }

  /** Of the detour while there is no endpoint; a relay that has not answered yet is taken for one that will. */
  #orderDetour(): void {
    if (this.#direct !== undefined) return
    const viaIndex = this.#detourIndex
    if (viaIndex !== this.#viaIndex) this.#orderVia(viaIndex)
  }

  get #detourIndex(): number {
    return this.detour === 'link' ? VIA_LINK : (this.#via?.index ?? NO_RELAY)
  }

  #orderVia(viaIndex: number): void {
    this.#viaIndex = viaIndex
    this.#order({ op: 'set-via', peerIndex: this.#peerIndex, viaIndex })
  }
}
