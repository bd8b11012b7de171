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
  PROBE_ANSWER_MS,
  PROBE_FIRST_MS,
  PROBE_IDLE_MS,
  PROBE_INTERVAL_MS,
  PROBE_LAST_MS,
  PROBE_MISSES_MAX,
  PROBE_PROOF_MS,
} from './constants.ts'
import { PathProbes } from './path-probes.ts'
import type { PathSize } from './path-size.ts'
import { sourceEndpoint, whyNotDirect, type DataPathOutput, type DataPathReport, type PathState } from './path-state.ts'
import type { PathUse } from './path-use.ts'

/**
 * The way to one remote peer: its session, and the endpoint that is proved to carry data.
 *
 * Candidates are probed with sealed datagrams; an endpoint whose probe is answered becomes the path, and probing goes
 * on over it, seldom while it carries no frames. After PROBE_MISSES_MAX unanswered probes the path is down and the
 * candidates are tried anew. An authenticated datagram from another address makes that address a candidate which is
 * probed at once (roaming). Without a direct path frames go through the neighbour `via`, once a probe made that round
 * trip. Nothing unauthenticated reaches this machine.
 */
export class DataPath implements Machine<DataPathOutput> {
  readonly peerId: PeerId
  readonly peerIndex: number
  readonly session: PeerSession
  readonly use: PathUse
  readonly #chance: Chance
  readonly #beat: Beat
  readonly #outputs: DataPathOutput[] = []
  readonly #probes: PathProbes
  readonly #size: PathSize
  #candidates: Endpoint[] = []
  #sealIndex = 0
  #direct: { endpoint: Endpoint; rttMs: number } | undefined
  #via: { peer: PeerId; index: number } | undefined
  #viaRttMs: number | undefined
  #misses = 0
  #unproved: Endpoint | undefined
  #probeAt: Millis | undefined
  #probeWaitMs = PROBE_FIRST_MS
  #awaiting: { token: number; until: Millis } | undefined
  #provedAt: Millis = 0
  /** When the far side last probed the path. */
  #probedAt: Millis = 0
  /** Control datagrams sent and received, by receiver index. */
  readonly #control = new Map<number, number>()
  #seenAs: string | undefined
  #heardAt: Endpoint | undefined
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
  }) {
    this.peerId = options.peerId
    this.peerIndex = options.peerIndex
    this.session = options.session
    this.use = options.use
    this.#chance = options.chance
    this.#probes = new PathProbes(options.chance)
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
  get heardAt(): Endpoint | undefined {
    return this.#heardAt
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
    this.#awaiting = undefined
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
      if (isAnswerable) this.#sendControl(receiverIndex, reply, source)
      if (endpoint !== undefined) this.#consider(endpoint, now)
      if (endpoint !== undefined && endpoint === this.#direct?.endpoint) this.#postpone(now)
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
    if (this.#awaiting !== undefined && now >= this.#awaiting.until) this.#handleMiss(now)
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
      this.#awaiting === undefined ? undefined : { at: this.#awaiting.until, reason: 'probe answer' },
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
    if (!this.#probes.isAwaited(endpoint, now)) this.#sendProbe(endpoint, now)
  }

  /**
   * The far side probed the path: it works from there to here, and our answer proves the rest to the far side. Our own
   * proof may wait for another interval then; yet it is not older than PROBE_PROOF_MS before it is sought anew, for a
   * path may fail in one direction only.
   */
  #postpone(now: Millis): void {
    this.#probedAt = now
    if (this.#awaiting !== undefined || this.#misses > 0 || this.#probeAt === undefined) return
    const later = Math.min(this.#nextProbeAt(now), this.#provedAt + PROBE_PROOF_MS)
    this.#probeAt = Math.max(this.#probeAt, later)
  }

  #nextProbeAt(now: Millis): Millis {
    return this.#beat.after(now + jittered(PROBE_INTERVAL_MS, this.#chance))
  }

  /** The path works, and nobody uses it: whether either side proved it lately, and this one not too long ago. */
  #mayRest(now: Millis): boolean {
    this.look(now)
    if (this.#misses > 0 || this.#unproved !== undefined || now - this.use.usedAt < PROBE_INTERVAL_MS) return false
    return now - Math.max(this.#provedAt, this.#probedAt) < PROBE_IDLE_MS && now - this.#provedAt < 2 * PROBE_IDLE_MS
  }

  #probeSoon(now: Millis): void {
    this.#probeWaitMs = PROBE_FIRST_MS
    this.#probeAt = now
  }

  #probe(now: Millis): void {
    this.#probeAt = undefined
    if (this.#sealIndex === 0) return
    if (this.#direct !== undefined) {
      this.#probeAt = this.#nextProbeAt(now)
      if (this.#mayRest(now)) return
      const token = this.#sendProbe(this.#direct.endpoint, now)
      this.#awaiting ??= { token, until: now + PROBE_ANSWER_MS }
      return
    }
    for (const endpoint of this.#candidates) this.#sendProbe(endpoint, now)
    if (this.#via !== undefined) {
      const token = this.#sendProbe(undefined, now)
      if (this.#viaRttMs !== undefined) this.#awaiting ??= { token, until: now + PROBE_ANSWER_MS }
    }
    this.#probeAt = now + jittered(this.#probeWaitMs, this.#chance)
    this.#probeWaitMs = Math.min(
      this.#probeWaitMs * 2,
      this.#viaRttMs === undefined ? PROBE_LAST_MS : PROBE_INTERVAL_MS,
    )
  }

  #sendProbe(endpoint: Endpoint | undefined, now: Millis): number {
    const token = this.#probes.add(endpoint, now)
    const parts = endpoint === undefined ? undefined : endpointParts(endpoint)
    this.#sendControl(this.#sealIndex, encodeProbe(token), parts)
    return token
  }

  /** `endpoint` undefined: to where the peer's frames go. */
  #sendControl(receiverIndex: number, body: Uint8Array, endpoint: EndpointParts | undefined): void {
    const carried = this.#control.get(receiverIndex)
    if (carried !== undefined) this.#control.set(receiverIndex, carried + 1)
    this.#engine({ op: 'send-control', receiverIndex, body, endpoint })
  }

  #handleReply(token: number, seenEndpoint: string, now: Millis): void {
    if (this.#size.handleReply(token, now)) return this.#drainSize()
    const probe = this.#probes.take(token)
    if (probe === undefined) return
    // An answer from elsewhere says nothing of the path that frames take.
    if (this.#direct === undefined || this.#direct.endpoint === probe.endpoint) {
      this.#awaiting = undefined
      this.#misses = 0
    }
    const rttMs = now - probe.sentAt
    if (probe.endpoint === undefined) {
      const isNews = this.#viaRttMs === undefined
      this.#viaRttMs = rttMs
      if (!isNews || this.#direct !== undefined) return
      this.#beginSize(undefined, rttMs, now)
      this.#outputs.push({ type: 'changed', peer: this.peerId })
      return
    }
    if (seenEndpoint !== '') this.#seenAs = seenEndpoint
    if (this.#direct?.endpoint === probe.endpoint) {
      this.#direct.rttMs = rttMs
      this.#unproved = undefined
      this.#provedAt = now
      return
    }
    // A working path is left only for an address that the peer was heard from since, or when it stopped answering.
    if (this.#direct !== undefined && this.#unproved === undefined && !this.#hasMoved(probe.endpoint)) return
    this.#direct = { endpoint: probe.endpoint, rttMs }
    this.#heardAt = probe.endpoint
    this.#awaiting = undefined
    this.#misses = 0
    this.#provedAt = now
    this.#unproved = undefined
    this.#beginSize(probe.endpoint, rttMs, now)
    this.#engine({ op: 'set-endpoint', peerIndex: this.peerIndex, endpoint: endpointParts(probe.endpoint) })
    this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: -1 })
    this.#probeAt = this.#nextProbeAt(now)
    this.#outputs.push({ type: 'changed', peer: this.peerId })
  }

  /** `#consider` puts what the peer was last heard from first. */
  #hasMoved(endpoint: Endpoint): boolean {
    return this.#candidates[0] === endpoint
  }

  #handleMiss(now: Millis): void {
    this.#awaiting = undefined
    this.#misses++
    if (this.#misses < PROBE_MISSES_MAX) {
      // Loss is likelier than death: ask again at once.
      this.#unproved = this.#direct?.endpoint
      this.#probe(now)
      return
    }
    this.#lose(`${this.#misses} probes in a row were not answered`, now)
  }

  #lose(why: string, now: Millis): void {
    this.#misses = 0
    this.#awaiting = undefined
    this.#probes.clear()
    const had = this.state.kind !== 'none'
    this.#viaRttMs = undefined
    this.#unproved = undefined
    this.#size.end()
    if (this.#direct !== undefined) {
      this.#direct = undefined
      this.#engine({ op: 'set-endpoint', peerIndex: this.peerIndex, endpoint: undefined })
      this.#engine({ op: 'set-via', peerIndex: this.peerIndex, viaIndex: this.#via?.index ?? -1 })
    }
    if (!had) return
    this.#outputs.push(
      { type: 'changed', peer: this.peerId },
      { type: 'note', peer: this.peerId, text: `path down: ${why}` },
      { type: 'down', peer: this.peerId },
    )
    this.#probeSoon(now)
  }

  /** `endpoint` undefined: through the relay. */
  #beginSize(endpoint: Endpoint | undefined, rttMs: number, now: Millis): void {
    this.#size.begin(endpoint, rttMs, now)
    this.#drainSize()
  }

  #drainSize(): void {
    for (let output = this.#size.pollOutput(); output !== undefined; output = this.#size.pollOutput()) {
      if (output.type === 'probe') this.#sendControl(this.#sealIndex, output.body, output.endpoint)
      else if (output.type === 'note') this.#outputs.push({ ...output, peer: this.peerId })
      else
        this.#engine({ op: 'set-path-bytes', peerIndex: this.peerIndex, bytes: output.bytes, isFound: output.isFound })
    }
  }

  #engine(op: EngineOp): void {
    this.#outputs.push({ type: 'engine', op })
  }
}
