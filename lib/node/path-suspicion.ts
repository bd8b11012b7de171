import type { Millis } from '../base/mod.ts'
import {
  PROBE_ANSWER_MIN_MS,
  PROBE_ANSWER_MAX_MS,
  PROBE_IDLE_MS,
  PROBE_INTERVAL_MS,
  SUSPECT_HEARD_MS,
  SUSPECT_ALONE_MS,
  SUSPECT_LASTING_MS,
  SUSPECT_RELAYED_MS,
} from './constants.ts'

/**
 * Whether a path may still be believed: what is awaited over it, since when it is suspected, and when it was last
 * proved. One answer that is missing makes it suspect; then it is asked often, and given up after SUSPECT_RELAYED_MS where
 * there is another way, after SUSPECT_ALONE_MS where there is none. Any answer over it ends the suspicion.
 */
export class PathSuspicion {
  readonly #patience: () => number
  #awaitedUntil: Millis | undefined
  #suspectSince: Millis | undefined
  #isLasting = false
  #provedAt: Millis = 0
  /** When the far side last probed the path. */
  #probedAt: Millis = 0

  /** `patience`: how many times as long as usual is waited (LocalHealth). */
  constructor(patience: () => number) {
    this.#patience = patience
  }

  get isSuspect(): boolean {
    return this.#suspectSince !== undefined
  }

  /** The suspicion has lasted: whoever goes through the peer had better look for another way. */
  get isLasting(): boolean {
    return this.#isLasting
  }

  get awaitedUntil(): Millis | undefined {
    return this.#awaitedUntil
  }

  /** A probe was sent over the path; `rttMs`: what it usually takes. */
  ask(rttMs: Millis, now: Millis): void {
    if (this.#suspectSince !== undefined) return
    this.#awaitedUntil ??=
      now + this.#patience() * Math.min(PROBE_ANSWER_MAX_MS, Math.max(PROBE_ANSWER_MIN_MS, 4 * rttMs))
  }

  /** A probe over the path was answered. */
  prove(now: Millis): void {
    this.clear()
    this.#provedAt = now
  }

  /** The far side probed it: it works from there to here, and our answer proves the rest to the far side. */
  probed(now: Millis): void {
    this.#probedAt = now
  }

  /** Nothing is awaited, and nothing suspected. */
  clear(): void {
    this.#awaitedUntil = undefined
    this.#suspectSince = undefined
    this.#isLasting = false
  }

  /** This peer itself was not there for so long: that time does not count. */
  forgive(lateMs: Millis): void {
    if (this.#awaitedUntil !== undefined) this.#awaitedUntil += lateMs
    if (this.#suspectSince !== undefined) this.#suspectSince += lateMs
  }

  /** True when an answer has been missing for too long since the last call. */
  takeMiss(now: Millis): boolean {
    if (this.#awaitedUntil === undefined || now < this.#awaitedUntil) return false
    this.#awaitedUntil = undefined
    this.#suspectSince ??= now
    return true
  }

  /** True once, when the suspicion has lasted for SUSPECT_LASTING_MS. */
  takeLasting(now: Millis): boolean {
    if (this.#isLasting || this.#suspectSince === undefined || now - this.#suspectSince < SUSPECT_LASTING_MS)
      return false
    this.#isLasting = true
    return true
  }

  /**
   * Whether to give it up. `hasOther`: there is another way that works. `heardAt`: when anything came over its session
   * last; whoever sends frames and answers no probe is busy, not gone.
   */
  isOver(hasOther: boolean, heardAt: Millis, now: Millis): boolean {
    const since = this.#suspectSince
    if (since === undefined) return false
    if (hasOther) return now - since >= SUSPECT_RELAYED_MS
    const isHeard = now - heardAt < SUSPECT_RELAYED_MS
    return now - since >= (isHeard ? SUSPECT_HEARD_MS : SUSPECT_ALONE_MS)
  }

  /** How long it was proved before. */
  provedAgoMs(now: Millis): Millis {
    return now - this.#provedAt
  }

  /** The path works, and nobody uses it: whether either side proved it lately, and this one not too long ago. */
  mayRest(usedAt: Millis, now: Millis): boolean {
    if (this.isSuspect || now - usedAt < PROBE_INTERVAL_MS) return false
    return now - Math.max(this.#provedAt, this.#probedAt) < PROBE_IDLE_MS && now - this.#provedAt < 2 * PROBE_IDLE_MS
  }
}
