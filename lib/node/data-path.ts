import type { Endpoint, EndpointParts, PeerId } from '../address/mod.ts'
import { isDrop, soonest, type Beat, type Chance, type Drop, type Machine, type Millis } from '../base/mod.ts'
import type { PeerSession } from '../noise/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import { decodeControl, encodeControlHandshake, encodePathEnd, encodeProbe } from '../wire/mod.ts'
import type { OwnMappings } from './own-mappings.ts'
import { PathProber } from './path-prober.ts'
import { PathSession } from './path-session.ts'
import type { PathSize } from './path-size.ts'
import { PathSizer } from './path-sizer.ts'
import { sourceEndpoint, whyNotDirect, type DataPathOutput, type DataPathReport, type PathState } from './path-state.ts'
import type { PathUse } from './path-use.ts'
import { PathWay } from './path-way.ts'

/**
 * The way to one remote peer: its session (PathSession), and the endpoint that is proved to carry data (PathWay).
 *
 * Candidates are probed with sealed datagrams (PathProber); an endpoint whose probe is answered becomes the path, and
 * probing goes on over it, seldom while it carries no frames. A path that does not answer is suspect: it is probed often,
 * and so is the way through a relay, which takes over when it answers (PathSuspicion). Then the candidates are tried
 * anew. An authenticated datagram from another address makes that address a candidate which is probed at once (roaming).
 * Without a direct path frames go through the neighbour `via` or, where that does not answer, over the control link, once
 * a probe made that round trip. Nothing unauthenticated reaches this machine.
 */
export class DataPath implements Machine<DataPathOutput> {
  readonly peerId: PeerId
  readonly peerIndex: number
  readonly use: PathUse
  readonly #session: PathSession
  readonly #way: PathWay
  readonly #prober: PathProber
  readonly #size: PathSizer
  readonly #outputs: DataPathOutput[] = []
  /** Of the endpoint at which the remote saw this peer last. */
  #seenHost: string | undefined

  constructor(options: {
    peerId: PeerId
    peerIndex: number
    session: PeerSession
    use: PathUse
    chance: Chance
    beat: Beat
    size: PathSize
    /** How others see this peer. */
    mappings: OwnMappings
    /** How many times as long as usual an answer is waited for. */
    patience: () => number
  }) {
    const { peerId, peerIndex, use, chance, beat, patience, mappings } = options
    this.peerId = peerId
    this.peerIndex = peerIndex
    this.use = use
    const order = (op: EngineOp) => void this.#outputs.push({ type: 'engine', op })
    this.#way = new PathWay(peerIndex, order)
    this.#session = new PathSession({
      peerId,
      peerIndex,
      session: options.session,
      emit: output => this.#outputs.push(output),
      onKeys: now => this.#prober.probeSoon(now),
      onEnd: now => this.#lose('the session has ended', now, false),
    })
    this.#size = new PathSizer({
      peerIndex,
      size: options.size,
      session: this.#session,
      order,
      onNote: text => this.#outputs.push({ type: 'note', peer: peerId, text }),
    })
    this.#prober = new PathProber(
      { session: this.#session, way: this.#way, use, chance, beat, patience, mappings },
      {
        onProved: (endpoint, rttMs, now) => this.#goDirect(endpoint, rttMs, now),
        onDetour: (rttMs, now) => {
          this.#size.begin(this.#way.detour ?? 'relay', rttMs, now)
          this.#outputs.push({ type: 'changed', peer: peerId })
        },
        onTraffic: now => this.#size.handleTraffic(now),
        onBack: now => this.#size.handleBack(now),
        onSeen: endpoint => {
          this.#outputs.push({ type: 'seen', peer: peerId, endpoint })
          this.#noteSeen(endpoint)
        },
        onDoubt: () => this.#outputs.push({ type: 'doubt', peer: peerId }),
        onSuspect: () => this.#outputs.push({ type: 'suspect', peer: peerId }),
        onLost: (why, now, isDetourReady) => this.#lose(why, now, isDetourReady),
      },
    )
  }

  get state(): PathState {
    const { direct, via, viaRttMs, linkRttMs } = this.#way
    if (direct !== undefined) return { kind: 'direct', ...direct }
    if (this.#session.sealIndex === 0)
      return { kind: 'none', why: this.#session.lastFailure ?? 'waiting for the session handshake' }
    const why = whyNotDirect(this.#prober.candidates, this.#prober.mappings())
    if (via !== undefined && viaRttMs !== undefined) return { kind: 'relayed', via, rttMs: viaRttMs, why }
    if (linkRttMs !== undefined) return { kind: 'tcp', rttMs: linkRttMs, why }
    return { kind: 'none', why }
  }

  /** The endpoint that was proved last, whether it still answers or not. */
  get provedEndpoint(): Endpoint | undefined {
    return this.#way.provedEndpoint
  }

  /** The path is direct, and no answer over it is missing: others can be reached through it. */
  get isSound(): boolean {
    return this.#prober.isSound
  }

  /** The path is direct, and no answers over it have been missing for long: it may go on as the way to others. */
  get isBelieved(): boolean {
    return this.#prober.isBelieved
  }

  /** True when frames can be sent to the peer, by whichever way. */
  get isUsable(): boolean {
    return this.state.kind !== 'none'
  }

  /** Looks whether the path carried frames since the last look. */
  look(now: Millis): void {
    this.#prober.look(now)
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(now: Millis): void {
    this.#size.handleLarge(now)
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    this.#prober.forgive(lateMs)
  }

  report(now: Millis): DataPathReport {
    const { cipher, epochAgeMs, rekeys } = this.#session.report(now)
    const { seenAs } = this.#prober
    const size = this.isUsable ? this.#size.report : undefined
    const lossPercent = this.isUsable ? this.#prober.lossPercent(now) : undefined
    return { peerId: this.peerId, state: this.state, cipher, epochAgeMs, rekeys, seenAs, size, lossPercent }
  }

  /** `endpoints`: its own ones; `guesses`: where others see it. */
  setCandidates(endpoints: readonly Endpoint[], guesses: readonly Endpoint[], now: Millis): void {
    this.#prober.setCandidates(endpoints, guesses, now)
  }

  /** Where this peer is seen by others has changed. */
  handleMapping(now: Millis): void {
    this.#prober.handleMapping(now)
  }

  /** Somebody relies on the path, and doubts it: it is proved at once. */
  doubt(now: Millis): void {
    this.#prober.doubt(now)
  }

  /** The relay, by its peer index; undefined: there is none. */
  setVia(peer: PeerId | undefined, index: number, now: Millis): void {
    if (!this.#way.setVia(peer, index)) return
    this.#size.end()
    if (this.#way.detour === 'link') this.#size.begin('link', 0, now)
    this.#outputs.push({ type: 'changed', peer: this.peerId })
    this.#prober.detourChanged(now)
  }

  /** Through whom goes what the relay itself sends for the peer, by its peer index; -1: nobody. */
  setSpare(index: number): void {
    this.#way.setSpare(index)
  }

  /** Whether there is a control link to the peer. */
  setLink(hasLink: boolean, now: Millis): void {
    if (!this.#way.setLink(hasLink)) return
    this.#size.end()
    this.#outputs.push({ type: 'changed', peer: this.peerId })
    this.#prober.detourChanged(now)
  }

  /** A session handshake, said to come from the peer. Returns why it was dropped, if it was. */
  handleHandshake(body: Uint8Array, now: Millis): Drop | undefined {
    return this.#session.handleHandshake(body, now)
  }

  /** Sends a session handshake over the path itself, where no control link leads to the peer. False: it cannot. */
  carry(body: Uint8Array): boolean {
    return this.#send(encodeControlHandshake(body))
  }

  /** Sends a control datagram on the way that frames take. False: it cannot. */
  tell(body: Uint8Array): boolean {
    return this.#send(body)
  }

  /** Sends a probe on the way that frames take, whose answer is for whoever knows the token. False: it cannot. */
  ask(token: number): boolean {
    return this.#send(encodeProbe(token))
  }

  /** `isUrgent`: frames wait, so the handshake begins here, whoever's turn it is. */
  start(now: Millis, isUrgent = false): void {
    this.#session.start(now, isUrgent)
  }

  /** The remote has forgotten what was agreed. */
  restart(now: Millis): void {
    this.#session.restart(now)
  }

  /** The remote lives in this incarnation: what was agreed with another one is void. */
  meet(incarnation: Uint8Array, now: Millis): void {
    this.#session.meet(incarnation, now)
  }

  /** Stops, and says so to the remote, which would find out by its probes only. */
  end(now: Millis): void {
    this.#send(encodePathEnd())
    this.stop(now)
  }

  stop(now: Millis): void {
    this.#session.stop(now)
    this.#prober.stop()
    this.#size.end()
  }

  /**
   * An authenticated control datagram; without a source when a relay passed it on, or it came over the link. Returns why
   * what it carried was dropped, if it was.
   */
  handleControl(
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): Drop | undefined {
    this.#session.handleOpened(receiverIndex, now)
    const message = decodeControl(body)
    if (isDrop(message)) return message
    if (message.type === 'handshake') return this.#session.handleHandshake(message.body, now, receiverIndex)
    if (message.type === 'probe') this.#prober.handleProbe(receiverIndex, message.token, source, now)
    else if (message.type === 'probe-reply') {
      const { token, seenEndpoint } = message
      if (!this.#size.handleReply(token, now)) this.#prober.handleReply(token, seenEndpoint, now)
    } else if (message.type === 'rendezvous') this.#prober.handleRendezvous(message, now)
    // One that was overtaken by newer keys is about the old ones only.
    else if (message.type === 'path-end' && receiverIndex === this.#session.sealIndex)
      this.#outputs.push({ type: 'ended', peer: this.peerId })
    return undefined
  }

  /** An authenticated datagram came from another endpoint than the path's. */
  handleMoved(source: EndpointParts, now: Millis): void {
    const endpoint = sourceEndpoint(source)
    if (endpoint !== undefined) this.#prober.consider(endpoint, now)
  }

  handleTimeout(now: Millis): void {
    this.#session.handleTimeout(now)
    this.#prober.handleTimeout(now)
    this.#size.handleTimeout(now)
  }

  pollOutput(): DataPathOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return soonest([this.#session.pollTimeout(), this.#size.pollTimeout(), this.#prober.pollTimeout()])
  }

  /** To where the peer's frames go. False: there is no such way. */
  #send(body: Uint8Array): boolean {
    if (!this.isUsable) return false
    this.#session.send(body)
    return true
  }

  /** Where the remote sees this peer; another port says nothing, for a NAT may give one for each endpoint. */
  #noteSeen(endpoint: string): void {
    const host = endpoint.slice(0, endpoint.lastIndexOf(':'))
    if (this.#seenHost !== undefined && this.#seenHost !== host)
      this.#outputs.push({ type: 'roamed', peer: this.peerId })
    this.#seenHost = host
  }

  #goDirect(endpoint: Endpoint, rttMs: Millis, now: Millis): void {
    const before = this.#way.provedEndpoint
    const { direct, detour } = this.#way
    // A first path is no news: each peer has one to each of its neighbours.
    if (direct === undefined && (before !== undefined || detour !== undefined))
      this.#note(`direct: ${endpoint} answers`)
    else if (direct !== undefined) this.#note(`direct: at ${endpoint} now, before at ${direct.endpoint}`)
    if (before !== undefined && before !== endpoint) this.#outputs.push({ type: 'roamed', peer: this.peerId })
    this.#size.begin(endpoint, rttMs, now)
    this.#way.goDirect(endpoint, rttMs)
    this.#outputs.push({ type: 'changed', peer: this.peerId })
  }

  /** `isDetourReady`: frames go through the relay or over the link from now on, and nothing is down. */
  #lose(why: string, now: Millis, isDetourReady: boolean): void {
    this.#prober.forget(isDetourReady)
    const had = this.isUsable
    if (!isDetourReady) this.#way.forgetAnswers()
    this.#size.end()
    this.#way.leaveDirect()
    const { detour, viaRttMs, linkRttMs } = this.#way
    if (detour !== undefined) this.#size.begin(detour, (detour === 'relay' ? viaRttMs : linkRttMs) ?? 0, now)
    if (!had) return
    const text = { relay: `through a relay: ${why}`, link: `over TCP: ${why}`, none: `path down: ${why}` }
    this.#outputs.push({ type: 'changed', peer: this.peerId })
    this.#note(text[detour ?? 'none'])
    if (!isDetourReady) this.#outputs.push({ type: 'down', peer: this.peerId })
    this.#prober.probeSoon(now)
  }

  #note(text: string): void {
    this.#outputs.push({ type: 'note', peer: this.peerId, text })
  }
}
