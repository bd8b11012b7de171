import { endpointParts, type Endpoint, type EndpointParts, type PeerId } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import { encodeProbe } from '../wire/mod.ts'
import { PROBES_OUTSTANDING_MAX, PROBE_ANSWER_MAX_MS } from './constants.ts'
import { PathLoss, type LossSample } from './path-loss.ts'
import { PathProbes } from './path-probes.ts'
import type { PathSession } from './path-session.ts'
import { isDetour, type Detour, type PathWay } from './path-way.ts'

/**
 * Sends the probes of one path, and answers to those of the far side, each by the way that it is of; knows by which way
 * the probe went that is answered, and how many are not.
 */
export class ProbeSender {
  readonly #session: Pick<PathSession, 'send' | 'reply' | 'sealIndex'>
  readonly #way: PathWay
  readonly #loss = new PathLoss()
  readonly #probes: PathProbes<{
    readonly by: Endpoint | Detour
    /** The relay that there was. */
    readonly via: PeerId | undefined
    readonly sample: LossSample | undefined
  }>

  constructor(given: { session: Pick<PathSession, 'send' | 'reply' | 'sealIndex'>; way: PathWay; chance: Chance }) {
    this.#session = given.session
    this.#way = given.way
    this.#probes = new PathProbes(given.chance, PROBES_OUTSTANDING_MAX)
  }

  /** Of probes over the way that frames take, in the last minute; undefined while there were too few to say. */
  lossPercent(now: Millis): number | undefined {
    return this.#loss.percent(now)
  }

  /** To an endpoint, or by a detour. */
  send(by: Endpoint | Detour, now: Millis): void {
    const isOfFrames = by === (this.#way.direct?.endpoint ?? this.#way.detour)
    const sample = isOfFrames ? this.#loss.add(now) : undefined
    const probe = encodeProbe(this.#probes.add({ by, via: this.#way.via, sample }, now))
    if (!isDetour(by)) this.#session.send(probe, endpointParts(by))
    else if (by === 'link') this.#way.overLink(() => this.#session.send(probe))
    else this.#way.throughRelay(() => this.#session.send(probe))
  }

  /** To each of them; nothing while there are no keys. */
  sendAll(endpoints: readonly Endpoint[], now: Millis): void {
    if (this.#session.sealIndex !== 0) for (const endpoint of endpoints) this.send(endpoint, now)
  }

  /** Whether an answer from an endpoint may yet come. */
  isAwaited(endpoint: Endpoint, now: Millis): boolean {
    return this.#probes.some(probe => probe.by === endpoint && now - probe.sentAt < PROBE_ANSWER_MAX_MS)
  }

  /**
   * The probe that is answered; undefined when nobody asked, or it was answered before, or went through a relay that is
   * not the relay any more: the engine would send frames nowhere while the path is said to be one.
   */
  take(token: number): { readonly by: Endpoint | Detour; readonly sentAt: Millis } | undefined {
    const probe = this.#probes.take(token)
    if (probe?.sample !== undefined) probe.sample.isAnswered = true
    return probe?.by === 'relay' && probe.via !== this.#way.via ? undefined : probe
  }

  /**
   * A probe that came by a detour (no `source`) is answered by every one that there is, for one may answer here and not
   * there. True when there is any.
   */
  answer(receiverIndex: number, reply: Uint8Array, source: EndpointParts | undefined): boolean {
    const { via, hasLink } = this.#way
    if (source !== undefined || (via === undefined && !hasLink)) {
      this.#session.reply(receiverIndex, reply, source)
      return false
    }
    const send = () => this.#session.reply(receiverIndex, reply)
    if (via !== undefined) this.#way.throughRelay(send)
    if (hasLink) this.#way.overLink(send)
    return true
  }

  /** Frames go another way from now on: the loss of the old one is of no interest. */
  wayChanged(): void {
    this.#loss.clear()
  }

  /** The path is no more: nor does an answer say anything. */
  clear(): void {
    this.#probes.clear()
    this.#loss.clear()
  }
}
