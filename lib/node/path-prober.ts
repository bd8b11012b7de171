import type { Endpoint, EndpointParts } from '../address/mod.ts'
import { jittered, soonest, type Beat, type Chance, type Millis } from '../base/mod.ts'
import { encodeProbeReply, type Rendezvous } from '../wire/mod.ts'
import { CandidateProber } from './candidate-prober.ts'
import { FOLLOW_GAP_MS, PROBE_BUSY_MS, PROBE_INTERVAL_MS, PROBE_SUSPECT_MS } from './constants.ts'
import { DetourProber } from './detour-prober.ts'
import type { OwnMappings } from './own-mappings.ts'
import type { PathFindings } from './path-findings.ts'
import { PathRendezvous } from './path-rendezvous.ts'
import type { PathSession } from './path-session.ts'
import { sourceEndpoint } from './path-state.ts'
import type { SideMappings } from './reasons.ts'
import { PathSuspicion } from './path-suspicion.ts'
import type { PathUse } from './path-use.ts'
import { isDetour, type Detour, type PathWay } from './path-way.ts'
import { ProbeSender } from './probe-sender.ts'

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
  readonly #findings: PathFindings
  readonly #suspicion: PathSuspicion
  readonly #sender: ProbeSender
  readonly #candidates: CandidateProber
  readonly #detours: DetourProber
  readonly #mappings: OwnMappings
  readonly #rendezvous: PathRendezvous
  /** Before a path that works is not left for another address of the peer. */
  #staysUntil: Millis = 0
  #probeAt: Millis | undefined
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
    findings: PathFindings,
  ) {
    this.#session = given.session
    this.#way = given.way
    this.#use = given.use
    this.#chance = given.chance
    this.#beat = given.beat
    this.#suspicion = new PathSuspicion(given.patience)
    this.#sender = new ProbeSender(given)
    this.#mappings = given.mappings
    this.#findings = findings
    this.#rendezvous = new PathRendezvous({
      own: now => ({ endpoints: this.#mappings.endpoints(now), mapping: this.#mappings.mapping(now) }),
      tell: body => {
        if (this.#way.via !== undefined) this.#way.throughRelay(() => this.#session.send(body))
        else if (this.#way.hasLink) this.#way.overLink(() => this.#session.send(body))
      },
      probe: now => this.#candidates.probeAll(now),
    })
    const shared = { ...given, sender: this.#sender, rendezvous: this.#rendezvous }
    this.#candidates = new CandidateProber(shared)
    this.#detours = new DetourProber({
      ...shared,
      suspicion: this.#suspicion,
      isInUse: now => {
        this.look(now)
        return this.#isBusy(now)
      },
      onDetour: (rttMs, now) => findings.onDetour(rttMs, now),
    })
  }

  /** At most CANDIDATES_MAX: what the peer tells, its own ones, and what is guessed. */
  get candidates(): readonly Endpoint[] {
    return this.#candidates.all
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
    return this.#sender.lossPercent(now)
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
    const isNew = this.#candidates.add(endpoints, guesses)
    if (isNew && this.#way.direct === undefined) this.probeSoon(now)
  }

  /** An address that the peer was heard from: probe it now unless it is the path already. */
  consider(endpoint: Endpoint, now: Millis): void {
    if (this.#way.direct?.endpoint === endpoint || this.#session.sealIndex === 0) return
    if (this.isSound && now < this.#staysUntil) return
    this.#candidates.handleHeard(endpoint, now)
  }

  probeSoon(now: Millis): void {
    this.#candidates.begin(now)
    this.#detours.begin(now)
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
    this.#sender.clear()
    this.#detours.end()
    if (!isDetourReady) this.#rendezvous.detourLost()
  }

  /** There is another relay, or none; or the link has gone. */
  detourChanged(now: Millis): void {
    this.#candidates.endAlone()
    this.#rendezvous.detourLost()
    if (this.#way.via === undefined) this.#detours.hurry(now)
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
    if (source === undefined || endpoint !== undefined) {
      const isByDetour = this.#sender.answer(receiverIndex, encodeProbeReply(token, endpoint ?? ''), source)
      if (isByDetour) this.#proveAgain(now)
    }
    if (endpoint === undefined) return
    this.consider(endpoint, now)
    if (endpoint === this.#way.direct?.endpoint) this.#suspicion.probed(now)
  }

  handleReply(token: number, seenEndpoint: string, now: Millis): void {
    const probe = this.#sender.take(token)
    if (probe === undefined) return
    const wasSuspect = this.#suspicion.isSuspect
    this.#handleAnswer(probe, seenEndpoint, now)
    if (wasSuspect && !this.#suspicion.isSuspect) this.#findings.onBack(now)
  }

  #handleAnswer(
    { by, sentAt }: { readonly by: Endpoint | Detour; readonly sentAt: Millis },
    seenEndpoint: string,
    now: Millis,
  ): void {
    const rttMs = now - sentAt
    if (isDetour(by)) return this.#detours.handleReply(by, rttMs, now)
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
      if (!this.#candidates.isHeardFrom(by) || now < this.#staysUntil) return
      // Where both have two addresses, each could follow the other for ever: for how long one stays is its own draw.
      this.#staysUntil = now + FOLLOW_GAP_MS * (1 + 2 * this.#chance())
    }
    this.#suspicion.prove(now)
    this.#detours.end()
    this.#sender.wayChanged()
    this.#rendezvous.end()
    this.#candidates.endAlone()
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

  /** The far side asked by a detour: it suspects the direct way, and so should we. */
  #proveAgain(now: Millis): void {
    const { direct } = this.#way
    if (direct !== undefined && this.isSound && this.#suspicion.provedAgoMs(now) >= PROBE_SUSPECT_MS)
      this.#prove(direct, now)
  }

  #prove({ endpoint, rttMs }: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    this.#sender.send(endpoint, now)
    this.#suspicion.ask(rttMs, now)
  }

  #probe(now: Millis): void {
    this.#probeAt = undefined
    if (this.#session.sealIndex === 0) return
    const { direct } = this.#way
    if (direct !== undefined) return this.#probePath(direct, now)
    if (this.#isOver(this.#detours.hasOther, now)) return this.#leaveDetour(now)
    this.#probeAt = Math.min(this.#candidates.probe(now), this.#detours.probe(now))
  }

  /** What frames go by has not answered for long. */
  #leaveDetour(now: Millis): void {
    const { detour, linkRttMs } = this.#way
    const why = detour === 'link' ? 'nothing is heard over the control link' : 'nothing is heard through the relay'
    if (!this.#detours.leave()) return this.#findings.onLost(why, now, false)
    this.#findings.onDetour(linkRttMs ?? 0, now)
    this.#probe(now)
  }

  #probePath(direct: { endpoint: Endpoint; rttMs: number }, now: Millis): void {
    if (!this.#suspicion.isSuspect) {
      this.look(now)
      const isBusy = this.#isBusy(now)
      this.#probeAt = isBusy ? this.#beat.next(now) : this.#beat.resting(now + PROBE_BUSY_MS)
      if (this.#suspicion.mayRest(this.#use.usedAt, now)) return
      this.#prove(direct, now)
      // Without frames nothing is sent for which its size would matter.
      if (now - this.#use.carriedAt < PROBE_INTERVAL_MS) this.#findings.onTraffic(now)
      return
    }
    const hasDetour = this.#way.detour !== undefined
    if (this.#isOver(hasDetour, now)) {
      this.#findings.onLost(`${direct.endpoint} does not answer any more`, now, hasDetour)
      this.#detours.hurry(now)
      return
    }
    if (this.#suspicion.takeLasting(now)) this.#findings.onSuspect()
    this.#sender.send(direct.endpoint, now)
    if (this.#way.via !== undefined) this.#sender.send('relay', now)
    if (this.#way.hasLink) this.#sender.send('link', now)
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
}
