import type { Endpoint } from '../address/mod.ts'
import { TokenBucket, soonest, type Millis } from '../base/mod.ts'
import { encodeRendezvous, type PortMapping, type Rendezvous } from '../wire/mod.ts'
import {
  RENDEZVOUS_ANSWER_MS,
  RENDEZVOUS_BUSY_MS,
  RENDEZVOUS_FIRST_MS,
  RENDEZVOUS_GAP_MS,
  RENDEZVOUS_PROBE_FIRST_MS,
  RENDEZVOUS_PROBES,
  RENDEZVOUS_REST_FIRST_MS,
  RENDEZVOUS_REST_LAST_MS,
  RENDEZVOUS_SOUND_MAX,
  RENDEZVOUS_SOUND_MS,
} from './constants.ts'
import type { SideMappings } from './reasons.ts'

/** How this peer is seen by others. */
export interface OwnView {
  readonly endpoints: readonly Endpoint[]
  readonly mapping: PortMapping
}

/**
 * Makes both sides of a path probe each other in the same moments (RFC 5128 §3.3): a NAT lets in only what answers to
 * what went out. What is needed is told through the detour (relay or link): where each side is seen, and when to begin.
 *
 * `call` when there is no sound direct path and the detour has answered: the first time it tells where this peer is seen;
 * whoever knows that of both sides says "go", and begins when that should have arrived. A *round* is RENDEZVOUS_PROBES
 * probes of every candidate. Between rounds nobody probes what is behind a NAT: some hold a port for whoever came
 * uncalled, and give the peer behind them another one. They forget it when nothing comes for 30 s.
 */
export class PathRendezvous {
  readonly #own: (now: Millis) => OwnView
  readonly #tell: (body: Uint8Array) => void
  readonly #probe: (now: Millis) => void
  #theirs: Rendezvous | undefined
  #told: OwnView | undefined
  #toldAt: Millis = -Infinity
  /** Since when an answer to what was told is missing. */
  #awaitedSince: Millis | undefined
  /** The last round, or that it was called. */
  #roundAt: Millis = -Infinity
  #probesLeft = 0
  #probeAt: Millis | undefined
  #probeWaitMs = RENDEZVOUS_PROBE_FIRST_MS
  /** Of the detour; undefined: it is not known to work. */
  #rttMs: Millis | undefined
  #callAt: Millis | undefined
  /** The next round follows soon, for what of the last one is lost. */
  #isFirst = true
  #restMs = RENDEZVOUS_REST_FIRST_MS
  /** Rounds that the peer asks for while there is a direct path that works from here. */
  readonly #soundRounds = new TokenBucket(RENDEZVOUS_SOUND_MAX, 1000 / RENDEZVOUS_SOUND_MS)

  /** `tell` sends through the detour; `probe`: all candidates. */
  constructor(given: {
    readonly own: (now: Millis) => OwnView
    readonly tell: (body: Uint8Array) => void
    readonly probe: (now: Millis) => void
  }) {
    this.#own = given.own
    this.#tell = given.tell
    this.#probe = given.probe
  }

  /** Where others see the peer, as it says. */
  get endpoints(): readonly Endpoint[] {
    return this.#theirs?.endpoints ?? []
  }

  /** What the NATs on both sides make of a port, as last told; undefined until both have. */
  get mappings(): SideMappings | undefined {
    if (this.#theirs === undefined || this.#told === undefined) return undefined
    return { own: this.#told.mapping, theirs: this.#theirs.mapping }
  }

  /** Whether what is behind a NAT is left to the rounds; not with a peer that does not know of them. */
  isExpected(now: Millis): boolean {
    return this.#theirs !== undefined || now - (this.#awaitedSince ?? now) < RENDEZVOUS_ANSWER_MS
  }

  /** There is no sound direct path, and the detour has answered, or what is known of the sides has changed. */
  call(rttMs: Millis, now: Millis): void {
    this.#rttMs = rttMs
    if (this.#probeAt !== undefined) return
    const lastAt = Math.max(this.#toldAt, this.#roundAt)
    if (now - this.#roundAt < RENDEZVOUS_GAP_MS) this.#callAt = lastAt + RENDEZVOUS_GAP_MS
    else if (this.#theirs === undefined) this.#ask(now)
    else {
      this.#say(true, now)
      this.#begin(now + Math.round(rttMs / 2), now)
    }
  }

  /** The detour works no more, or there is none. */
  detourLost(): void {
    this.#rttMs = undefined
    this.#callAt = undefined
  }

  /** Frames take the detour. */
  handleUse(): void {
    if (this.#callAt === undefined) return
    this.#callAt = Math.min(this.#callAt, Math.max(this.#toldAt, this.#roundAt) + RENDEZVOUS_BUSY_MS)
  }

  /** Where this peer is seen has changed: a round at once and one soon after, and then they go on as they did. */
  handleMapping(now: Millis): void {
    this.#isFirst = true
    if (this.#rttMs !== undefined) this.call(this.#rttMs, now)
  }

  /** The peer tells where it is seen. `isSound`: there is a direct path that works from here. */
  handleMessage(message: Rendezvous, isSound: boolean, now: Millis): void {
    const isNews = !areSame(this.#theirs, message)
    this.#theirs = message
    this.#awaitedSince = undefined
    if (isNews) this.#isFirst = true
    if (message.isGo) {
      if (now - this.#roundAt >= RENDEZVOUS_GAP_MS) this.#answer(isSound, now)
      else if (this.#probeAt !== undefined) this.#probeAt = Math.min(this.#probeAt, now)
      if (!areSame(this.#told, this.#own(now))) this.#say(false, now)
    } else if (!isSound && this.#rttMs !== undefined) this.call(this.#rttMs, now)
    else if (isSound && now - this.#toldAt >= RENDEZVOUS_GAP_MS) this.#say(false, now)
  }

  /** There is a direct path. */
  end(): void {
    this.#probeAt = undefined
    this.#awaitedSince = undefined
    this.#isFirst = true
    this.#restMs = RENDEZVOUS_REST_FIRST_MS
    this.detourLost()
  }

  /** The keys are gone: nothing that was told is known any more. */
  clear(): void {
    this.end()
    this.#theirs = undefined
    this.#told = undefined
    this.#toldAt = -Infinity
    this.#roundAt = -Infinity
  }

  handleTimeout(now: Millis): void {
    if (this.#probeAt !== undefined && now >= this.#probeAt) this.#probeRound(now)
    if (this.#callAt !== undefined && now >= this.#callAt) {
      this.#callAt = undefined
      if (this.#rttMs !== undefined) this.call(this.#rttMs, now)
    }
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return soonest([
      this.#probeAt === undefined ? undefined : { at: this.#probeAt, reason: 'rendezvous probe' },
      this.#callAt === undefined ? undefined : { at: this.#callAt, reason: 'rendezvous' },
    ])
  }

  /** Tells first, and again while nothing is heard. */
  #ask(now: Millis): void {
    this.#awaitedSince ??= now
    this.#say(false, now)
    this.#rest(now)
  }

  /** The peer says go. Its own side may be in need where this one is sound, but not for ever. */
  #answer(isSound: boolean, now: Millis): void {
    if (!isSound || this.#soundRounds.take(1, now)) this.#begin(now, now)
  }

  #begin(at: Millis, now: Millis): void {
    this.#roundAt = now
    this.#probesLeft = RENDEZVOUS_PROBES
    this.#probeWaitMs = RENDEZVOUS_PROBE_FIRST_MS
    this.#probeAt = at
    if (this.#rttMs !== undefined) this.#rest(at)
  }

  #rest(now: Millis): void {
    this.#callAt = now + (this.#isFirst ? RENDEZVOUS_FIRST_MS : this.#restMs)
    if (!this.#isFirst) this.#restMs = Math.min(2 * this.#restMs, RENDEZVOUS_REST_LAST_MS)
    this.#isFirst = false
  }

  #probeRound(now: Millis): void {
    this.#probesLeft--
    this.#probeAt = this.#probesLeft > 0 ? now + this.#probeWaitMs : undefined
    this.#probeWaitMs *= 2
    this.#probe(now)
  }

  #say(isGo: boolean, now: Millis): void {
    this.#toldAt = now
    this.#told = this.#own(now)
    this.#tell(encodeRendezvous({ ...this.#told, isGo }))
  }
}

function areSame(a: OwnView | undefined, b: OwnView): boolean {
  return a?.endpoints.length === b.endpoints.length && a.endpoints.every(endpoint => b.endpoints.includes(endpoint))
}
