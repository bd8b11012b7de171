import type { Endpoint, PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { LASTING_LINK_MS, RETRY_FIRST_MS, RETRY_LAST_MS } from './constants.ts'

/** The last error of a contact that is this very process; it stays while it is tried once more. */
export const TO_OURSELF = 'connected to ourself'

type DialState = 'waiting' | 'resolving' | 'dialling' | 'handshake' | 'connected' | 'ourself'

/** One thing to dial: what the operator named, or a peer that gossip told of. */
export interface Contact {
  /** What the operator wrote; for a discovered peer its id. */
  readonly text: string
  readonly origin: 'configured' | 'discovered'
  readonly state: DialState
  readonly endpoint: Endpoint | undefined
  readonly peerId: PeerId | undefined
  readonly lastError: string | undefined
  /** Why a weave-ts peer that answered has not let this one in; undefined once a link was up. */
  readonly refusal: string | undefined
  readonly attempts: number
  /** When the next dial is due; undefined unless waiting. */
  readonly retryAt: Millis | undefined
  /** It waits, and for nothing: its peer is a neighbour, or is reached through others and needs no link. */
  readonly isReached: boolean
}

/** What the dialler keeps of a contact, with its back-off: all addresses are tried before the wait grows. */
export class KeptContact {
  readonly text: string
  readonly origin: 'configured' | 'discovered'
  state: DialState = 'waiting'
  /** Where it was dialled last. */
  endpoint: Endpoint | undefined
  endpoints: readonly Endpoint[]
  peerId: PeerId | undefined
  lastError: string | undefined
  refusal: string | undefined
  attempts = 0
  connection: number | undefined
  /** It was dialled, and no link to it has lasted since. */
  isTried = false
  #endpointAt = 0
  #retryWaitMs = 0
  #failedRounds = 0
  #upAt: Millis | undefined

  constructor(text: string, origin: 'configured' | 'discovered', endpoints: readonly Endpoint[]) {
    this.text = text
    this.origin = origin
    this.endpoints = endpoints
  }

  /** Rounds through all addresses that failed since a link lasted. */
  get failedRounds(): number {
    return this.#failedRounds
  }

  /** For reports. */
  seen(retryAt: Millis | undefined, isReached: boolean): Contact {
    const { text, origin, state, peerId, lastError, refusal, attempts } = this
    const endpoint = this.endpoint ?? this.endpoints[0]
    return { text, origin, state, endpoint, peerId, lastError, refusal, attempts, retryAt, isReached }
  }

  /** The waits begin anew. */
  resetWait(): void {
    this.#retryWaitMs = 0
  }

  /** The address to dial now, each in its turn; undefined when none is known. */
  nextEndpoint(): Endpoint | undefined {
    const endpoint = this.endpoints[this.#endpointAt % this.endpoints.length]
    if (endpoint !== undefined) this.#endpointAt++
    return endpoint
  }

  /** A link is up. */
  noteUp(peerId: PeerId, now: Millis): void {
    this.state = 'connected'
    this.peerId = peerId
    this.lastError = undefined
    this.refusal = undefined
    this.attempts = 0
    this.#upAt = now
  }

  /**
   * The link ended. Returns whether it had lasted: one that is refused as soon as it is up, for instance by a peer that
   * is full, must not be made anew every second.
   */
  noteDown(now: Millis): boolean {
    const hasLasted = this.#upAt !== undefined && now - this.#upAt >= LASTING_LINK_MS
    this.#upAt = undefined
    if (hasLasted) this.#retryWaitMs = 0
    return hasLasted
  }

  /** A link to it has lasted. */
  forgetFailures(): void {
    this.#failedRounds = 0
  }

  /** An attempt failed. Returns how long to wait, before jitter, and whether all addresses have been tried. */
  noteFailure(error: string): { readonly waitMs: Millis; readonly isRoundDone: boolean } {
    this.lastError = error
    if (this.#endpointAt < this.endpoints.length) return { waitMs: RETRY_FIRST_MS / 4, isRoundDone: false }
    this.#endpointAt = 0
    this.#failedRounds++
    this.#retryWaitMs = Math.min(Math.max(this.#retryWaitMs * 2, RETRY_FIRST_MS), RETRY_LAST_MS)
    return { waitMs: this.#retryWaitMs, isRoundDone: true }
  }
}
