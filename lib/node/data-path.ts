import { endpointParts, type Endpoint, type EndpointParts, type PeerId } from '../address/mod.ts'
import {
  isDrop,
  jittered,
  soonest,
  toHex,
  type Beat,
  type Chance,
  type Drop,
  type Machine,
  type Millis,
} from '../base/mod.ts'
import type { PeerSession } from '../noise/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import { decodeControl, encodeControlHandshake, encodePathEnd, encodeProbe, encodeProbeReply } from '../wire/mod.ts'
import {
  CANDIDATES_MAX,
  PROBES_OUTSTANDING_MAX,
  PROBE_ANSWER_MAX_MS,
  PROBE_BUSY_MS,
  PROBE_FIRST_MS,
  PROBE_INTERVAL_MS,
  PROBE_LAST_MS,
  PROBE_SUSPECT_MS,
} from './constants.ts'
import { PathSuspicion } from './path-suspicion.ts'
import { PathProbes } from './path-probes.ts'
import type { PathSize } from './path-size.ts'
import { sourceEndpoint, whyNotDirect, type DataPathOutput, type DataPathReport, type PathState } from './path-state.ts'
import type { PathUse } from './path-use.ts'

/**
 * The way to one remote peer: its session, and the endpoint that is proved to carry data.
 *
 * Candidates are probed with sealed datagrams; an endpoint whose probe is answered becomes the path, and probing goes
 * on over it, seldom while it carries no frames. A path that does not answer is suspect: it is probed often, and so is
 * the way through a relay, which takes over when it answers (PathSuspicion). Then the candidates are tried anew.
 * An authenticated datagram from another address makes that address a candidate which is probed at once (roaming).
 * Without a direct path frames go through the neighbour `via`, once a probe made that round trip. Nothing unauthenticated
 * reaches this machine.
 */
export class DataPath implements Machine<DataPathOutput> {
  readonly peerId: PeerId
  readonly peerIndex: number
  readonly session: PeerSession
  readonly use: PathUse
  readonly #chance: Chance
  readonly #beat: Beat
  readonly #outputs: DataPathOutput[] = []
  /** `endpoint` undefined: through the relay. */
  readonly #probes: PathProbes<{ readonly endpoint: Endpoint | undefined }>
  readonly #size: PathSize
  #candidates: Endpoint[] = []
  #sealIndex = 0
  #direct: { endpoint: Endpoint; rttMs: number } | undefined
  #via: { peer: PeerId; index: number } | undefined
  #viaRttMs: number | undefined
  readonly #suspicion: PathSuspicion
  #probeAt: Millis | undefined
  #probeWaitMs = PROBE_FIRST_MS
  /** Before the candidates are not probed again. */
  #candidatesAt: Millis = 0
  /** Control datagrams sent and received, by receiver index. */
  readonly #control = new Map<number, number>()
  #seenAs: string | undefined
  #provedEndpoint: Endpoint | undefined
  /** The session that a handshake message came over, while it is worked off: what answers it goes the same way. */
  #handshakeCameBy: number | undefined

  constructor(options: {
    peerId: PeerId
    peerIndex: number
    session: PeerSession
    use: PathUse
    chance: Chance
    beat: Beat
    size: PathSize
    /** How many times as long as usual an answer is waited for. */
    patience: () => number
  }) {
    this.#suspicion = new PathSuspicion(options.patience)
    this.peerId = options.peerId
    this.peerIndex = options.peerIndex
    this.session = options.session
    this.use = options.use
    this.#chance = options.chance
    this.#probes = new PathProbes(options.chance, PROBES_OUTSTANDING_MAX)
    this.#beat = options.beat
    this.#size = options.size
  }

  get state(): PathState {
    if (this.#direct !== undefined) return { kind: 'direct', ...this.#direct }
    if (this.#sealIndex === 0)
      return { kind: 'none', why: this.session.lastFailure ?? 'waiting for the session handshake' }
    const why = whyNotDirect(this.#candidates)
    if (this.#via !== undefined && this.#viaRttMs !== undefined)
      return { kind: 'relayed', via: this.#via.peer, rttMs: this.#viaRttMs, why }
    return { kind: 'none', why }
  }

  /** The endpoint that was proved last, whether it still answers or not. */
  get provedEndpoint(): Endpoint | undefined {
    return this.#provedEndpoint
  }

  /** The path is direct, and no answer over it is missing: others can be reached through it. */
  get isSound(): boolean {
    return this.#direct !== undefined && !this.#suspicion.isSuspect
  }

  /** The path is direct, and no answers over it have been missing for long: it may go on as the way to others. */
  get isBelieved(): boolean {
    return this.#direct !== undefined && !this.#suspicion.isLasting
  }

  /** True when frames can be sent to the peer, directly or through a relay. */
  get isUsable(): boolean {
    return this.state.kind !== 'none'
  }

  /** Looks whether the path carried frames since the last look. */
  look(now: Millis): void {
    this.use.look(this.#control, now)
  }

  /** Frames that a smaller path would lose go to the peer. */
  handleLarge(now: Millis): void {
    this.#size.handleUse(now)
    this.#drainSize()
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    this.#suspicion.forgive(lateMs)
  }

  report(now: Millis): DataPathReport {
    const { cipher, epochAgeMs, rekeys } = this.session.report(now)
    const size = this.isUsable ? this.#size.report : undefined
    return { peerId: this.peerId, state: this.state, cipher, epochAgeMs, rekeys, seenAs: this.#seenAs, size }
  }

  setCandidates(endpoints: readonly Endpoint[], now: Millis): void {
    const merged = [...new Set([...endpoints, ...this.#candidates])].slice(0, CANDIDATES_MAX)
    const isNew = merged.some(endpoint => !this.#candidates.includes(endpoint))
    this.#candidates = merged
    if (isNew && this.#direct === undefined) this.#probeSoon(now)
  }

  /** The relay, by its peer index; undefined: there is none. */
  setVia(peer: PeerId | undefined, index: number, now: Millis): void {
    if (this.#via?.peer === peer && (this.#via?.index ?? index) === index) return
    this.#via = peer === undefined ? undefined : { peer, index }
    this.#viaRttMs = undefined
    if (this.#direct !== undefined) return
    this.#size.end()
    this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: this.#via?.index ?? -1 })
    this.#outputs.push({ type: 'changed', peer: this.peerId })
    this.#probeSoon(now)
  }

  /** A session handshake, said to come from the peer. Returns why it was dropped, if it was. */
  handleHandshake(body: Uint8Array, now: Millis): Drop | undefined {
    const drop = this.session.handleMessage(body, now)
    this.#drainSession(now)
    return drop
  }

  /** Sends a session handshake over the path itself, where no control link leads to the peer. False: it cannot. */
  carry(body: Uint8Array): boolean {
    if (!this.isUsable) return false
    this.#sendControl(this.#sealIndex, encodeControlHandshake(body), undefined)
    return true
  }

  /** Sends a probe on the way that frames take, whose answer is for whoever knows the token. False: it cannot. */
  ask(token: number): boolean {
    if (!this.isUsable) return false
    this.#sendControl(this.#sealIndex, encodeProbe(token), undefined)
    return true
  }

  /** `isUrgent`: frames wait, so the handshake begins here, whoever's turn it is. */
  start(now: Millis, isUrgent = false): void {
    this.session.start(now)
    if (isUrgent) this.session.handshakeNow(now)
    this.#drainSession(now)
  }

  /** The remote has forgotten what was agreed. */
  restart(now: Millis): void {
    this.session.restart(now)
    this.#drainSession(now)
  }

  /** Stops, and says so to the remote, which would find out by its probes only. */
  end(now: Millis): void {
    if (this.isUsable) this.#sendControl(this.#sealIndex, encodePathEnd(), undefined)
    this.stop(now)
  }

  /** The remote lives in this incarnation: what was agreed with another one is void. */
  meet(incarnation: Uint8Array, now: Millis): void {
    const known = this.session.report(now).remoteIncarnation
    if (known === undefined || known === toHex(incarnation)) return
    this.session.restart(now, incarnation)
    this.#drainSession(now)
  }

  stop(now: Millis): void {
    this.session.stop()
    this.#drainSession(now)
    this.#probeAt = undefined
    this.#suspicion.clear()
    this.#size.end()
  }

  /**
   * An authenticated control datagram; without a source when a relay passed it on. Returns why what it carried was
   * dropped, if it was.
   */
  handleControl(
    receiverIndex: number,
    body: Uint8Array,
    source: EndpointParts | undefined,
    now: Millis,
  ): Drop | undefined {
    const carried = this.#control.get(receiverIndex)
    if (carried !== undefined) this.#control.set(receiverIndex, carried + 1)
    this.session.handleConfirmed(receiverIndex, now)
    this.#drainSession(now)
    const message = decodeControl(body)
    if (isDrop(message)) return message
    if (message.type === 'probe') {
      const endpoint = sourceEndpoint(source)
      const reply = encodeProbeReply(message.token, endpoint ?? '')
      const isAnswerable = source === undefined || endpoint !== undefined
      if (isAnswerable) this.#answer(receiverIndex, reply, source, now)
      if (endpoint !== undefined) this.#consider(endpoint, now)
      if (endpoint !== undefined && endpoint === this.#direct?.endpoint) this.#suspicion.probed(now)
    } else if (message.type === 'probe-reply') {
      this.#handleReply(message.token, message.seenEndpoint, now)
    } else if (message.type === 'handshake') {
      this.#handshakeCameBy = receiverIndex
      const drop = this.handleHandshake(message.body, now)
      this.#handshakeCameBy = undefined
      return drop
    } else if (message.type === 'path-end' && receiverIndex === this.#sealIndex) {
      // One that was overtaken by newer keys is about the old ones only.
      this.#outputs.push({ type: 'ended', peer: this.peerId })
    }
    return undefined
  }

  /** An authenticated datagram came from another endpoint than the path's. */
  handleMoved(source: EndpointParts, now: Millis): void {
    const endpoint = sourceEndpoint(source)
    if (endpoint !== undefined) this.#consider(endpoint, now)
  }

  handleTimeout(now: Millis): void {
    this.session.handleTimeout(now)
    this.#drainSession(now)
    if (this.#suspicion.takeMiss(now)) this.#suspect(now)
    if (this.#probeAt !== undefined && now >= this.#probeAt) this.#probe(now)
    this.#size.handleTimeout(now)
    this.#drainSize()
  }

  pollOutput(): DataPathOutput | undefined {
    return this.#outputs.shift()
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return soonest([
      this.session.pollTimeout(),
      this.#size.pollTimeout(),
      this.#probeAt === undefined ? undefined : { at: this.#probeAt, reason: 'path probe' },
      this.#suspicion.awaitedUntil === undefined
        ? undefined
        : { at: this.#suspicion.awaitedUntil, reason: 'probe answer' },
    ])
  }

  #drainSession(now: Millis): void {
    for (let output = this.session.pollOutput(); output !== undefined; output = this.session.pollOutput()) {
      switch (output.type) {
        case 'message':
          if (this.#handshakeCameBy !== undefined)
            this.#sendControl(this.#handshakeCameBy, encodeControlHandshake(output.bytes), undefined)
          else this.#outputs.push({ type: 'handshake', to: this.peerId, body: output.bytes })
          break
        case 'add-session':
          this.#control.set(output.session.receiverIndex, 0)
          this.#engine({ op: 'add-session', session: { peerIndex: this.peerIndex, ...output.session } })
          break
        case 'seal-with':
          this.#sealIndex = output.receiverIndex
          this.#engine({ op: 'seal-with', peerIndex: this.peerIndex, receiverIndex: output.receiverIndex })
          if (output.receiverIndex === 0) this.#lose('the session has ended', now)
          else this.#probeSoon(now)
          break
        case 'remove-session':
          this.#control.delete(output.receiverIndex)
          this.#engine({ op: 'remove-session', receiverIndex: output.receiverIndex })
          break
        case 'confirm':
          this.#probeSoon(now)
          break
        case 'established':
          this.#outputs.push({ type: 'established' }, { type: 'changed', peer: this.peerId })
          break
        case 'failed':
          this.#outputs.push({ type: 'note', peer: this.peerId, text: output.reason })
          break
      }
    }
  }

  /** An address that the peer was heard from: probe it now unless it is the path already. */
  #consider(endpoint: Endpoint, now: Millis): void {
    if (this.#direct?.endpoint === endpoint || this.#sealIndex === 0) return
    if (!this.#candidates.includes(endpoint))
      this.#candidates = [endpoint, ...this.#candidates].slice(0, CANDIDATES_MAX)
    const isAwaited = this.#probes.some(
      probe => probe.endpoint === endpoint && now - probe.sentAt < PROBE_ANSWER_MAX_MS,
    )
    if (!isAwaited) this.#sendProbe(endpoint, now)
  }

  /** A probe that came through a relay is answered through one: its sender suspects the direct way, and so should we. */
  #answer(receiverIndex: number, reply: Uint8Array, source: EndpointParts | undefined, now: Millis): void {
    if (source !== undefined || this.#direct === undefined || this.#via === undefined)
      return this.#sendControl(receiverIndex, reply, source)
    this.#sendThroughRelay(receiverIndex, reply)
    if (this.isSound && this.#suspicion.provedAgoMs(now) >= PROBE_SUSPECT_MS) this.#prove(this.#direct, now)
  }

  #prove({ endpoint, rttMs }: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    this.#sendProbe(endpoint, now)
    this.#suspicion.ask(rttMs, now)
  }

  #probeSoon(now: Millis): void {
    this.#probeWaitMs = PROBE_FIRST_MS
    this.#candidatesAt = now
    this.#probeAt = now
  }

  #probe(now: Millis): void {
    this.#probeAt = undefined
    if (this.#sealIndex === 0) return
    if (this.#direct !== undefined) return this.#probePath(this.#direct, now)
    if (this.#isOver(false, now)) return this.#lose('nothing is heard through the relay', now)
    if (now >= this.#candidatesAt) {
      for (const endpoint of this.#candidates) this.#sendProbe(endpoint, now)
      this.#candidatesAt = now + jittered(this.#probeWaitMs, this.#chance)
      const lastMs = this.#viaRttMs === undefined ? PROBE_LAST_MS : PROBE_INTERVAL_MS
      this.#probeWaitMs = Math.min(this.#probeWaitMs * 2, lastMs)
    }
    this.#probeAt = Math.min(this.#candidatesAt, this.#via === undefined ? Infinity : this.#probeRelay(now))
  }

  /** Asks through the relay, if it is time to. Returns when to look again. */
  #probeRelay(now: Millis): Millis {
    this.look(now)
    const isBusy = now - this.use.usedAt < PROBE_INTERVAL_MS
    if (this.#viaRttMs === undefined) this.#sendProbe(undefined, now)
    else if (this.#suspicion.isSuspect || isBusy || this.#suspicion.provedAgoMs(now) >= PROBE_INTERVAL_MS) {
      this.#sendProbe(undefined, now)
      this.#suspicion.ask(this.#viaRttMs, now)
    }
    if (this.#suspicion.isSuspect) return now + jittered(PROBE_SUSPECT_MS, this.#chance)
    return this.#viaRttMs === undefined ? Infinity : this.#beat.after(now + PROBE_BUSY_MS)
  }

  #probePath(direct: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    if (!this.#suspicion.isSuspect) {
      this.#probeAt = this.#beat.after(now + PROBE_BUSY_MS)
      this.look(now)
      if (this.#suspicion.mayRest(this.use.usedAt, now)) return
      this.#prove(direct, now)
      this.#size.handleTraffic(now)
      return this.#drainSize()
    }
    const hasOther = this.#via !== undefined && this.#viaRttMs !== undefined
    if (this.#isOver(hasOther, now)) return this.#lose(`${direct.endpoint} does not answer any more`, now, hasOther)
    if (this.#suspicion.takeLasting(now)) this.#outputs.push({ type: 'suspect', peer: this.peerId })
    this.#sendProbe(direct.endpoint, now)
    if (this.#via !== undefined) this.#sendProbe(undefined, now)
    this.#probeAt = now + jittered(PROBE_SUSPECT_MS, this.#chance)
  }

  #isOver(hasOther: boolean, now: Millis): boolean {
    if (!this.#suspicion.isSuspect) return false
    this.look(now)
    return this.#suspicion.isOver(hasOther, this.use.heardAt, now)
  }

  /** An answer is missing. Loss is likelier than death: ask again at once, and see whether a relay is an other way. */
  #suspect(now: Millis): void {
    if (this.#direct !== undefined) this.#viaRttMs = undefined
    this.#probe(now)
  }

  #sendProbe(endpoint: Endpoint | undefined, now: Millis): void {
    const token = this.#probes.add({ endpoint }, now)
    if (endpoint !== undefined) this.#sendControl(this.#sealIndex, encodeProbe(token), endpointParts(endpoint))
    else this.#sendThroughRelay(this.#sealIndex, encodeProbe(token))
  }

  /** `endpoint` undefined: to where the peer's frames go. */
  #sendControl(receiverIndex: number, body: Uint8Array, endpoint: EndpointParts | undefined, copies = 1): void {
    const carried = this.#control.get(receiverIndex)
    if (carried !== undefined) this.#control.set(receiverIndex, carried + copies)
    this.#engine({ op: 'send-control', receiverIndex, body, endpoint, ...(copies > 1 && { copies }) })
  }

  /** A moment's frames may go along: they arrive as well. */
  #sendThroughRelay(receiverIndex: number, body: Uint8Array): void {
    const isDetour = this.#direct !== undefined
    if (isDetour) this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: this.#via?.index ?? -1 })
    this.#sendControl(receiverIndex, body, undefined)
    if (isDetour) this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: -1 })
  }

  #handleReply(token: number, seenEndpoint: string, now: Millis): void {
    if (this.#size.handleReply(token, now)) return this.#drainSize()
    const probe = this.#probes.take(token)
    if (probe === undefined) return
    const rttMs = now - probe.sentAt
    if (probe.endpoint === undefined) {
      const isNews = this.#viaRttMs === undefined
      this.#viaRttMs = rttMs
      // An answer from elsewhere says nothing of the path that frames take.
      if (this.#direct !== undefined) return
      this.#suspicion.prove(now)
      if (!isNews) return
      this.#beginSize(undefined, rttMs, now)
      this.#outputs.push({ type: 'changed', peer: this.peerId })
      return
    }
    if (seenEndpoint !== '') this.#seenAs = seenEndpoint
    if (this.#direct?.endpoint === probe.endpoint) {
      this.#direct.rttMs = rttMs
      this.#suspicion.prove(now)
      return
    }
    // A working path is left only for an address that the peer was heard from since, or when it stopped answering.
    if (this.isSound && !this.#hasMoved(probe.endpoint)) return
    this.#direct = { endpoint: probe.endpoint, rttMs }
    this.#provedEndpoint = probe.endpoint
    this.#suspicion.prove(now)
    this.#beginSize(probe.endpoint, rttMs, now)
    this.#engine({ op: 'set-endpoint', peerIndex: this.peerIndex, endpoint: endpointParts(probe.endpoint) })
    this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: -1 })
    this.#probeAt = this.#beat.after(now + PROBE_BUSY_MS)
    this.#outputs.push({ type: 'changed', peer: this.peerId })
  }

  /** `#consider` puts what the peer was last heard from first. */
  #hasMoved(endpoint: Endpoint): boolean {
    return this.#candidates[0] === endpoint
  }

  /** `isRelayReady`: frames go through the relay from now on, and nothing is down. */
  #lose(why: string, now: Millis, isRelayReady = false): void {
    this.#suspicion.clear()
    this.#probes.clear()
    const had = this.state.kind !== 'none'
    if (!isRelayReady) this.#viaRttMs = undefined
    this.#size.end()
    if (this.#direct !== undefined) {
      this.#direct = undefined
      this.#engine({ op: 'set-endpoint', peerIndex: this.peerIndex, endpoint: undefined })
      this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: this.#via?.index ?? -1 })
    }
    if (isRelayReady) this.#beginSize(undefined, this.#viaRttMs ?? 0, now)
    if (!had) return
    const text = isRelayReady ? `through a relay: ${why}` : `path down: ${why}`
    this.#outputs.push({ type: 'changed', peer: this.peerId }, { type: 'note', peer: this.peerId, text })
    if (!isRelayReady) this.#outputs.push({ type: 'down', peer: this.peerId })
    this.#probeSoon(now)
  }

  /** `endpoint` undefined: through the relay. */
  #beginSize(endpoint: Endpoint | undefined, rttMs: number, now: Millis): void {
    this.#size.begin(endpoint, rttMs, now)
    this.#drainSize()
  }

  #drainSize(): void {
    for (let output = this.#size.pollOutput(); output !== undefined; output = this.#size.pollOutput()) {
      if (output.type === 'probe') this.#sendControl(this.#sealIndex, output.body, output.endpoint, output.copies)
      else if (output.type === 'note') this.#outputs.push({ ...output, peer: this.peerId })
      else {
        const { bytes, isFound, hasTrains } = output
        this.#engine({ op: 'set-path-bytes', peerIndex: this.peerIndex, bytes, isFound, hasTrains })
      }
    }
  }

  #engine(op: EngineOp): void {
    this.#outputs.push({ type: 'engine', op })
  }
}
