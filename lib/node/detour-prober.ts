import { jittered, type Beat, type Chance, type Millis } from '../base/mod.ts'
import { LINK_DETOUR_AFTER_MS, PROBE_BUSY_MS, PROBE_INTERVAL_MS, PROBE_SUSPECT_MS } from './constants.ts'
import type { PathRendezvous } from './path-rendezvous.ts'
import type { PathSuspicion } from './path-suspicion.ts'
import type { Detour, PathWay } from './path-way.ts'
import type { ProbeSender } from './probe-sender.ts'

/**
 * The probes of one path without an endpoint: through the relay, and over the control link where no relay has answered
 * after a while. What frames go by is proved like an endpoint, and the other one takes over where it does not answer.
 */
export class DetourProber {
  readonly #sender: Pick<ProbeSender, 'send' | 'wayChanged'>
  readonly #way: PathWay
  readonly #suspicion: PathSuspicion
  readonly #rendezvous: Pick<PathRendezvous, 'call' | 'handleUse'>
  readonly #chance: Chance
  readonly #beat: Beat
  readonly #isInUse: (now: Millis) => boolean
  readonly #onDetour: (rttMs: Millis, now: Millis) => void
  /** Before the link is not tried; undefined while there is a direct path, or no keys. */
  #linkAt: Millis | undefined

  constructor(given: {
    sender: Pick<ProbeSender, 'send' | 'wayChanged'>
    way: PathWay
    suspicion: PathSuspicion
    rendezvous: Pick<PathRendezvous, 'call' | 'handleUse'>
    chance: Chance
    beat: Beat
    /** Whether the path carried frames of late. */
    isInUse: (now: Millis) => boolean
    /** Frames take what has answered from now on. */
    onDetour: (rttMs: Millis, now: Millis) => void
  }) {
    this.#sender = given.sender
    this.#way = given.way
    this.#suspicion = given.suspicion
    this.#rendezvous = given.rendezvous
    this.#chance = given.chance
    this.#beat = given.beat
    this.#isInUse = given.isInUse
    this.#onDetour = given.onDetour
  }

  /** The link answers, and frames go through the relay. */
  get hasOther(): boolean {
    return this.#way.detour === 'relay' && this.#way.linkRttMs !== undefined
  }

  /** There may be no path for some time: the link's turn comes after a while. */
  begin(now: Millis): void {
    this.#linkAt ??= now + LINK_DETOUR_AFTER_MS
  }

  /** A relay that is lost next has the link behind it at once. */
  hurry(now: Millis): void {
    this.#linkAt = now
  }

  /** There is a path, or there are no keys. */
  end(): void {
    this.#linkAt = undefined
  }

  handleReply(by: Detour, rttMs: Millis, now: Millis): void {
    const isNews = by === 'relay' ? this.#way.relayAnswered(rttMs) : this.#way.linkAnswered(rttMs)
    const { direct, detour } = this.#way
    if (isNews && (direct === undefined || this.#suspicion.isSuspect)) this.#rendezvous.call(rttMs, now)
    // An answer from elsewhere says nothing of the way that frames take.
    if (direct !== undefined || detour !== by) return
    this.#suspicion.prove(now)
    if (!isNews) return
    this.#sender.wayChanged()
    this.#onDetour(rttMs, now)
  }

  /** Leaves a relay that has not answered for long to the link; false when there is none that answers. */
  leave(): boolean {
    if (!this.hasOther) return false
    this.#suspicion.clear()
    this.#way.forgetRelayAnswer()
    return true
  }

  /** Asks by each that there is, if it is time to. Returns when to look again. */
  probe(now: Millis): Millis {
    const relayAt = this.#way.via === undefined ? Infinity : this.#probeRelay(now)
    return Math.min(relayAt, this.#way.hasLink ? this.#probeLink(now) : Infinity)
  }

  #probeLink(now: Millis): Millis {
    const { linkRttMs, detour } = this.#way
    const { isSuspect } = this.#suspicion
    // While a relay answers nobody needs it.
    if (detour === 'relay' && !isSuspect) return Infinity
    const isTried = isSuspect || linkRttMs !== undefined
    if (!isTried && this.#linkAt !== undefined && now < this.#linkAt) return this.#linkAt
    const isBusy = this.#isBusy(now)
    if (!isTried || isSuspect || isBusy || this.#suspicion.provedAgoMs(now) >= PROBE_INTERVAL_MS) {
      this.#sender.send('link', now)
      if (detour === 'link' && linkRttMs !== undefined) this.#suspicion.ask(linkRttMs, now)
    }
    return this.#nextAt(linkRttMs, isBusy, now)
  }

  #probeRelay(now: Millis): Millis {
    const isBusy = this.#isBusy(now)
    const { viaRttMs } = this.#way
    if (viaRttMs === undefined) this.#sender.send('relay', now)
    else if (this.#suspicion.isSuspect || isBusy || this.#suspicion.provedAgoMs(now) >= PROBE_INTERVAL_MS) {
      this.#sender.send('relay', now)
      this.#suspicion.ask(viaRttMs, now)
    }
    return this.#nextAt(viaRttMs, isBusy, now)
  }

  /** Frames go by a detour, and want a path: both sides are to probe each other. */
  #isBusy(now: Millis): boolean {
    const isBusy = this.#isInUse(now)
    if (isBusy) this.#rendezvous.handleUse()
    return isBusy
  }

  /** `rttMs`: of a detour that has answered. */
  #nextAt(rttMs: Millis | undefined, isBusy: boolean, now: Millis): Millis {
    if (this.#suspicion.isSuspect) return now + jittered(PROBE_SUSPECT_MS, this.#chance)
    if (rttMs === undefined) return Infinity
    return isBusy ? this.#beat.next(now) : this.#beat.resting(now + PROBE_BUSY_MS)
  }
}
