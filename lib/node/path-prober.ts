import { endpointParts, type Endpoint, type EndpointParts } from '../address/mod.ts'
import { jittered, soonest, type Beat, type Chance, type Millis } from '../base/mod.ts'
import { encodeProbe, encodeProbeReply, type Rendezvous } from '../wire/mod.ts'
import {
  CANDIDATES_MAX,
  FOLLOW_GAP_MS,
  LINK_DETOUR_AFTER_MS,
  PROBES_OUTSTANDING_MAX,
  PROBE_ANSWER_MAX_MS,
  PROBE_BUSY_MS,
  PROBE_FIRST_MS,
  PROBE_INTERVAL_MS,
  PROBE_LAST_MS,
  PROBE_SUSPECT_MS,
  RENDEZVOUS_ANSWER_MS,
} from './constants.ts'
import type { OwnMappings } from './own-mappings.ts'
import { PathLoss, type LossSample } from './path-loss.ts'
import { PathProbes } from './path-probes.ts'
import { PathRendezvous } from './path-rendezvous.ts'
import type { PathSession } from './path-session.ts'
import { sourceEndpoint } from './path-state.ts'
import type { SideMappings } from './reasons.ts'
import { PathSuspicion } from './path-suspicion.ts'
import type { PathUse } from './path-use.ts'
import { isDetour, type Detour, type PathWay } from './path-way.ts'

/** What comes of probing. */
interface Findings {
  /** An endpoint that is not the path has answered, and is to be it. */
  onProved: (endpoint: Endpoint, rttMs: Millis, now: Millis) => void
  /** Frames take the relay or the link from now on, which has answered: there is no direct way. */
  onDetour: (rttMs: Millis, now: Millis) => void
  /** The path carries frames, or nobody has proved it for long. */
  onUse: (now: Millis) => void
  /** The peer says where a probe came from. */
  onSeen: (endpoint: string) => void
  /** An answer is missing, and the relay is asked. */
  onDoubt: () => void
  /** It has not answered for a while. */
  onSuspect: () => void
  /** It is to be given up; `isDetourReady`: for the relay or the link, which answers. */
  onLost: (why: string, now: Millis, isDetourReady: boolean) => void
}

/**
 * Finds and proves the way to one peer by sealed probes: to the candidates while there is no path, through the relay,
 * over the control link where there is no other way, and over the path itself; tells when one is proved, suspect or lost.
 */
export class PathProber {
  readonly #session: PathSession
  readonly #way: PathWay
  readonly #use: PathUse
  readonly #chance: Chance
  readonly #beat: Beat
  readonly #findings: Findings
  readonly #suspicion: PathSuspicion
  readonly #loss = new PathLoss()
  readonly #probes: PathProbes<{ readonly by: Endpoint | Detour; readonly sample: LossSample | undefined }>
  readonly #mappings: OwnMappings
  readonly #rendezvous: PathRendezvous
  #candidates: readonly Endpoint[] = []
  /** Where others see the peer, and where it was heard from: behind a NAT, as like as not. The newest come first. */
  #guesses: readonly Endpoint[] = []
  /** Where the peer was heard from last besides its path. */
  #heardFrom: Endpoint | undefined
  /** Before a path that works is not left for another address of the peer. */
  #staysUntil: Millis = 0
  #probeAt: Millis | undefined
  #probeWaitMs = PROBE_FIRST_MS
  /** Before the candidates are not probed again. */
  #candidatesAt: Millis = 0
  /** Since when neither a path nor a detour was known to work. */
  #aloneSince: Millis | undefined
  /** Before the link is not tried; undefined while there is a direct path, or no keys. */
  #linkAt: Millis | undefined
  #seenAs: string | undefined

  constructor(
    given: {
      session: PathSession
      way: PathWay
      use: PathUse
      chance: Chance
      beat: Beat
      /** How many times as long as usual an answer is waited for. */
      patience: () => number
      mappings: OwnMappings
    },
    findings: Findings,
  ) {
    this.#session = given.session
    this.#way = given.way
    this.#use = given.use
    this.#chance = given.chance
    this.#beat = given.beat
    this.#suspicion = new PathSuspicion(given.patience)
    this.#probes = new PathProbes(given.chance, PROBES_OUTSTANDING_MAX)
    this.#mappings = given.mappings
    this.#findings = findings
    this.#rendezvous = new PathRendezvous({
      own: now => ({ endpoints: this.#mappings.endpoints(now), mapping: this.#mappings.mapping(now) }),
      tell: body => {
        if (this.#way.via !== undefined) this.#way.throughRelay(() => this.#session.send(body))
        else if (this.#way.hasLink) this.#way.overLink(() => this.#session.send(body))
      },
      probe: now => this.#sendAll(this.candidates, now),
    })
  }

  /** At most CANDIDATES_MAX: what the peer tells, its own ones, and what is guessed. */
  get candidates(): readonly Endpoint[] {
    const told = this.#rendezvous.endpoints.filter(endpoint => this.#mappings.mayProbe(endpoint))
    return [...new Set([...told, ...this.#candidates, ...this.#guesses])].slice(0, CANDIDATES_MAX)
  }

  /** What the NATs on both sides make of the port that datagrams leave from; undefined while that is not known. */
  mappings(): SideMappings | undefined {
    return this.#rendezvous.mappings
  }

  /** The address at which the remote sees this peer, by its last probe reply. */
  get seenAs(): string | undefined {
    return this.#seenAs
  }

  /** Of probes over the way that frames take, in the last minute; undefined while there were too few to say. */
  lossPercent(now: Millis): number | undefined {
    return this.#loss.percent(now)
  }

  /** The path is direct, and no answer over it is missing. */
  get isSound(): boolean {
    return this.#way.direct !== undefined && !this.#suspicion.isSuspect
  }

  /** The path is direct, and no answers over it have been missing for long. */
  get isBelieved(): boolean {
    return this.#way.direct !== undefined && !this.#suspicion.isLasting
  }

  /** Looks whether the path carried frames since the last look. */
  look(now: Millis): void {
    this.#use.look(this.#session.control, now)
  }

  /** This peer itself was not there for so long. */
  forgive(lateMs: Millis): void {
    this.#suspicion.forgive(lateMs)
  }

  /** `guesses`: where others see the peer. */
  setCandidates(endpoints: readonly Endpoint[], guesses: readonly Endpoint[], now: Millis): void {
    const before = this.candidates
    this.#candidates = [...new Set([...endpoints, ...this.#candidates])].slice(0, CANDIDATES_MAX)
    this.#guesses = [...new Set([...guesses, ...this.#guesses])].slice(0, CANDIDATES_MAX)
    const isNew = this.candidates.some(endpoint => !before.includes(endpoint))
    if (isNew && this.#way.direct === undefined) this.probeSoon(now)
  }

  /** An address that the peer was heard from: probe it now unless it is the path already. */
  consider(endpoint: Endpoint, now: Millis): void {
    if (this.#way.direct?.endpoint === endpoint || this.#session.sealIndex === 0) return
    if (this.isSound && now < this.#staysUntil) return
    this.#heardFrom = endpoint
    if (!this.candidates.includes(endpoint)) this.#guesses = [endpoint, ...this.#guesses].slice(0, CANDIDATES_MAX)
    const isAwaited = this.#probes.some(probe => probe.by === endpoint && now - probe.sentAt < PROBE_ANSWER_MAX_MS)
    if (!isAwaited) this.#send(endpoint, now)
  }

  probeSoon(now: Millis): void {
    this.#probeWaitMs = PROBE_FIRST_MS
    this.#candidatesAt = now
    this.#linkAt ??= now + LINK_DETOUR_AFTER_MS
    this.#probeAt = now
  }

  /** The peer tells where it is seen, or asks to be probed now. */
  handleRendezvous(message: Rendezvous, now: Millis): void {
    if (this.#session.sealIndex !== 0) this.#rendezvous.handleMessage(message, this.isSound, now)
  }

  /** Somebody relies on the path, and doubts it. */
  doubt(now: Millis): void {
    const { direct } = this.#way
    if (direct !== undefined && this.#session.sealIndex !== 0) this.#prove(direct, now)
  }

  /** Where this peer is seen by others has changed. */
  handleMapping(now: Millis): void {
    if (!this.isSound) this.#rendezvous.handleMapping(now)
  }

  /** What is awaited and suspected is of a path that is no more. */
  forget(isDetourReady: boolean): void {
    this.#suspicion.clear()
    this.#probes.clear()
    this.#loss.clear()
    this.#linkAt = undefined
    if (!isDetourReady) this.#rendezvous.relayLost()
  }

  /** There is another relay, or none; or the link has gone. */
  detourChanged(now: Millis): void {
    this.#aloneSince = undefined
    this.#rendezvous.relayLost()
    this.probeSoon(now)
  }

  stop(): void {
    this.#probeAt = undefined
    this.#suspicion.clear()
    this.#rendezvous.clear()
  }

  /** The far side probes; without a source when a relay passed it on. */
  handleProbe(receiverIndex: number, token: number, source: EndpointParts | undefined, now: Millis): void {
    const endpoint = sourceEndpoint(source)
    const isAnswerable = source === undefined || endpoint !== undefined
    if (isAnswerable) this.#answer(receiverIndex, encodeProbeReply(token, endpoint ?? ''), source, now)
    if (endpoint === undefined) return
    this.consider(endpoint, now)
    if (endpoint === this.#way.direct?.endpoint) this.#suspicion.probed(now)
  }

  handleReply(token: number, seenEndpoint: string, now: Millis): void {
    const probe = this.#probes.take(token)
    if (probe === undefined) return
    const rttMs = now - probe.sentAt
    const { by, sample } = probe
    if (sample !== undefined) sample.isAnswered = true
    if (isDetour(by)) return this.#handleDetour(by, rttMs, now)
    if (seenEndpoint !== '') {
      this.#seenAs = seenEndpoint
      this.#findings.onSeen(seenEndpoint)
    }
    if (this.#way.direct?.endpoint === by) {
      this.#way.setRoundTrip(rttMs)
      if (this.#suspicion.isSuspect) this.#rendezvous.end()
      this.#suspicion.prove(now)
      return
    }
    // A working path is left only for an address that the peer was heard from since, or when it stopped answering.
    if (this.isSound) {
      if (!this.#hasMoved(by) || now < this.#staysUntil) return
      // Where both have two addresses, each could follow the other for ever: for how long one stays is its own draw.
      this.#staysUntil = now + FOLLOW_GAP_MS * (1 + 2 * this.#chance())
    }
    this.#suspicion.prove(now)
    this.#linkAt = undefined
    this.#loss.clear()
    this.#rendezvous.end()
    this.#aloneSince = undefined
    this.#findings.onProved(by, rttMs, now)
    this.#probeAt = this.#beat.after(now + PROBE_BUSY_MS)
  }

  handleTimeout(now: Millis): void {
    if (this.#suspicion.takeMiss(now)) this.#suspect(now)
    if (this.#probeAt !== undefined && now >= this.#probeAt) this.#probe(now)
    this.#rendezvous.handleTimeout(now)
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    const { awaitedUntil } = this.#suspicion
    return soonest([
      this.#probeAt === undefined ? undefined : { at: this.#probeAt, reason: 'path probe' },
      awaitedUntil === undefined ? undefined : { at: awaitedUntil, reason: 'probe answer' },
      this.#rendezvous.pollTimeout(),
    ])
  }

  #handleDetour(by: Detour, rttMs: Millis, now: Millis): void {
    const isNews = by === 'relay' ? this.#way.relayAnswered(rttMs) : this.#way.linkAnswered(rttMs)
    if (isNews && !this.isSound) this.#rendezvous.call(rttMs, now)
    // An answer from elsewhere says nothing of the way that frames take.
    if (this.#way.direct !== undefined || this.#way.detour !== by) return
    this.#suspicion.prove(now)
    if (!isNews) return
    this.#loss.clear()
    this.#findings.onDetour(rttMs, now)
  }

  #hasMoved(endpoint: Endpoint): boolean {
    return this.#heardFrom === endpoint
  }

  /**
   * A probe that came by a detour is answered by every one that there is: its sender suspects the direct way, and so
   * should we, and one may answer here and not there.
   */
  #answer(receiverIndex: number, reply: Uint8Array, source: EndpointParts | undefined, now: Millis): void {
    const { direct, via, hasLink } = this.#way
    if (source !== undefined || (via === undefined && !hasLink))
      return this.#session.reply(receiverIndex, reply, source)
    const send = () => this.#session.reply(receiverIndex, reply)
    if (via !== undefined) this.#way.throughRelay(send)
    if (hasLink) this.#way.overLink(send)
    if (direct !== undefined && this.isSound && this.#suspicion.provedAgoMs(now) >= PROBE_SUSPECT_MS)
      this.#prove(direct, now)
  }

  #prove({ endpoint, rttMs }: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    this.#send(endpoint, now)
    this.#suspicion.ask(rttMs, now)
  }

  #probe(now: Millis): void {
    this.#probeAt = undefined
    if (this.#session.sealIndex === 0) return
    const { direct } = this.#way
    if (direct !== undefined) return this.#probePath(direct, now)
    if (this.#isOver(this.#hasOtherDetour, now)) return this.#leaveDetour(now)
    if (now >= this.#candidatesAt) {
      this.#sendAll(this.#mayGuess(now) ? this.candidates : this.#candidates, now)
      this.#candidatesAt = now + jittered(this.#probeWaitMs, this.#chance)
      const lastMs = this.#way.detour === undefined ? PROBE_LAST_MS : PROBE_INTERVAL_MS
      this.#probeWaitMs = Math.min(this.#probeWaitMs * 2, lastMs)
    }
    const relayAt = this.#way.via === undefined ? Infinity : this.#probeRelay(now)
    this.#probeAt = Math.min(this.#candidatesAt, relayAt, this.#way.hasLink ? this.#probeLink(now) : Infinity)
  }

  /** The link answers, and frames go through the relay. */
  get #hasOtherDetour(): boolean {
    return this.#way.detour === 'relay' && this.#way.linkRttMs !== undefined
  }

  /** What frames go by has not answered for long. */
  #leaveDetour(now: Millis): void {
    const { detour, linkRttMs } = this.#way
    const why = detour === 'link' ? 'nothing is heard over the control link' : 'nothing is heard through the relay'
    if (!this.#hasOtherDetour) return this.#findings.onLost(why, now, false)
    this.#suspicion.clear()
    this.#way.forgetRelayAnswer()
    this.#findings.onDetour(linkRttMs ?? 0, now)
    this.#probe(now)
  }

  /** Asks over the control link, if it is time to. Returns when to look again. */
  #probeLink(now: Millis): Millis {
    const { linkRttMs, detour } = this.#way
    const { isSuspect } = this.#suspicion
    // While a relay answers nobody needs it.
    if (detour === 'relay' && !isSuspect) return Infinity
    const isTried = isSuspect || linkRttMs !== undefined
    if (!isTried && this.#linkAt !== undefined && now < this.#linkAt) return this.#linkAt
    this.look(now)
    const isBusy = this.#isBusy(now)
    if (isBusy) this.#rendezvous.handleUse()
    if (!isTried || isSuspect || isBusy || this.#suspicion.provedAgoMs(now) >= PROBE_INTERVAL_MS) {
      this.#send('link', now)
      if (detour === 'link' && linkRttMs !== undefined) this.#suspicion.ask(linkRttMs, now)
    }
    if (isSuspect) return now + jittered(PROBE_SUSPECT_MS, this.#chance)
    return linkRttMs === undefined ? Infinity : this.#beat.after(now + PROBE_BUSY_MS)
  }

  /** Asks through the relay, if it is time to. Returns when to look again. */
  #probeRelay(now: Millis): Millis {
    this.look(now)
    const { viaRttMs } = this.#way
    const isBusy = this.#isBusy(now)
    if (isBusy) this.#rendezvous.handleUse()
    if (viaRttMs === undefined) this.#send('relay', now)
    else if (this.#suspicion.isSuspect || isBusy || this.#suspicion.provedAgoMs(now) >= PROBE_INTERVAL_MS) {
      this.#send('relay', now)
      this.#suspicion.ask(viaRttMs, now)
    }
    if (this.#suspicion.isSuspect) return now + jittered(PROBE_SUSPECT_MS, this.#chance)
    return viaRttMs === undefined ? Infinity : this.#beat.after(now + PROBE_BUSY_MS)
  }

  #probePath(direct: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    if (!this.#suspicion.isSuspect) {
      this.#probeAt = this.#beat.after(now + PROBE_BUSY_MS)
      this.look(now)
      if (this.#suspicion.mayRest(this.#use.usedAt, now)) return
      this.#prove(direct, now)
      // At rest nothing is sent for which its size would matter.
      if (this.#isBusy(now)) this.#findings.onUse(now)
      return
    }
    const hasDetour = this.#way.detour !== undefined
    if (this.#isOver(hasDetour, now)) {
      this.#findings.onLost(`${direct.endpoint} does not answer any more`, now, hasDetour)
      // A relay that is lost next has the link behind it at once.
      this.#linkAt = now
      return
    }
    if (this.#suspicion.takeLasting(now)) this.#findings.onSuspect()
    this.#send(direct.endpoint, now)
    if (this.#way.via !== undefined) this.#send('relay', now)
    if (this.#way.hasLink) this.#send('link', now)
    this.#probeAt = now + jittered(PROBE_SUSPECT_MS, this.#chance)
  }

  /** It carried frames of late. */
  #isBusy(now: Millis): boolean {
    return now - this.#use.usedAt < PROBE_INTERVAL_MS
  }

  #isOver(hasOther: boolean, now: Millis): boolean {
    if (!this.#suspicion.isSuspect) return false
    this.look(now)
    return this.#suspicion.isOver(hasOther, this.#use.heardAt, now)
  }

  /** An answer is missing. Loss is likelier than death: ask again at once, and see whether a detour is an other way. */
  #suspect(now: Millis): void {
    if (this.#way.direct !== undefined || this.#way.detour === 'relay') this.#way.forgetLinkAnswer()
    if (this.#way.direct !== undefined) {
      this.#way.forgetRelayAnswer()
      this.#findings.onDoubt()
    }
    this.#probe(now)
  }

  /** Whether what is behind a NAT may be probed uncalled: a detour, with which there is a rendezvous, may be late. */
  #mayGuess(now: Millis): boolean {
    if (this.#way.detour !== undefined) {
      this.#aloneSince = undefined
      return !this.#rendezvous.isExpected(now)
    }
    this.#aloneSince ??= now
    return now - this.#aloneSince >= RENDEZVOUS_ANSWER_MS
  }

  #sendAll(endpoints: readonly Endpoint[], now: Millis): void {
    if (this.#session.sealIndex !== 0) for (const endpoint of endpoints) this.#send(endpoint, now)
  }

  #send(by: Endpoint | Detour, now: Millis): void {
    const isOfFrames = by === (this.#way.direct?.endpoint ?? this.#way.detour)
    const sample = isOfFrames ? this.#loss.add(now) : undefined
    const probe = encodeProbe(this.#probes.add({ by, sample }, now))
    if (!isDetour(by)) this.#session.send(probe, endpointParts(by))
    else if (by === 'link') this.#way.overLink(() => this.#session.send(probe))
    else this.#way.throughRelay(() => this.#session.send(probe))
  }
}
