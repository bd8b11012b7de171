import type { Endpoint } from '../address/mod.ts'
import { jittered, type Chance, type Millis } from '../base/mod.ts'
import { CANDIDATES_MAX, PROBE_FIRST_MS, PROBE_INTERVAL_MS, PROBE_LAST_MS, RENDEZVOUS_ANSWER_MS } from './constants.ts'
import type { OwnMappings } from './own-mappings.ts'
import type { PathRendezvous } from './path-rendezvous.ts'
import type { PathWay } from './path-way.ts'
import type { ProbeSender } from './probe-sender.ts'

/**
 * The endpoints that may be one peer's, and the probes to them: less and less often while none answers. What is guessed is
 * behind a NAT, as like as not, and probed only where no rendezvous is to come.
 */
export class CandidateProber {
  readonly #sender: Pick<ProbeSender, 'send' | 'sendAll' | 'isAwaited'>
  readonly #way: Pick<PathWay, 'detour'>
  readonly #rendezvous: Pick<PathRendezvous, 'endpoints' | 'isExpected'>
  readonly #mappings: Pick<OwnMappings, 'mayProbe'>
  readonly #chance: Chance
  #own: readonly Endpoint[] = []
  /** Where others see the peer, and where it was heard from. The newest come first. */
  #guesses: readonly Endpoint[] = []
  /** Where the peer was heard from last besides its path. */
  #heardFrom: Endpoint | undefined
  #waitMs = PROBE_FIRST_MS
  /** Before they are not probed again. */
  #probeAt: Millis = 0
  /** Since when neither a path nor a detour was known to work. */
  #aloneSince: Millis | undefined

  constructor(given: {
    sender: Pick<ProbeSender, 'send' | 'sendAll' | 'isAwaited'>
    way: Pick<PathWay, 'detour'>
    rendezvous: Pick<PathRendezvous, 'endpoints' | 'isExpected'>
    mappings: Pick<OwnMappings, 'mayProbe'>
    chance: Chance
  }) {
    this.#sender = given.sender
    this.#way = given.way
    this.#rendezvous = given.rendezvous
    this.#mappings = given.mappings
    this.#chance = given.chance
  }

  /** At most CANDIDATES_MAX: what the peer tells, its own ones, and what is guessed. */
  get all(): readonly Endpoint[] {
    const told = this.#rendezvous.endpoints.filter(endpoint => this.#mappings.mayProbe(endpoint))
    return [...new Set([...told, ...this.#own, ...this.#guesses])].slice(0, CANDIDATES_MAX)
  }

  /** `guesses`: where others see the peer. True when there is one that was not there before. */
  add(endpoints: readonly Endpoint[], guesses: readonly Endpoint[]): boolean {
    const before = this.all
    this.#own = [...new Set([...endpoints, ...this.#own])].slice(0, CANDIDATES_MAX)
    this.#guesses = [...new Set([...guesses, ...this.#guesses])].slice(0, CANDIDATES_MAX)
    return this.all.some(endpoint => !before.includes(endpoint))
  }

  /** The peer was heard from another address than that of its path, which is probed now. */
  handleHeard(endpoint: Endpoint, now: Millis): void {
    this.#heardFrom = endpoint
    if (!this.all.includes(endpoint)) this.#guesses = [endpoint, ...this.#guesses].slice(0, CANDIDATES_MAX)
    if (!this.#sender.isAwaited(endpoint, now)) this.#sender.send(endpoint, now)
  }

  /** Whether that is where the peer was heard from last. */
  isHeardFrom(endpoint: Endpoint): boolean {
    return this.#heardFrom === endpoint
  }

  /** They are probed from now on, as often as at first. */
  begin(now: Millis): void {
    this.#waitMs = PROBE_FIRST_MS
    this.#probeAt = now
  }

  /** Something is known to work, or may be. */
  endAlone(): void {
    this.#aloneSince = undefined
  }

  /** All at once, for the far side does the same now. */
  probeAll(now: Millis): void {
    this.#sender.sendAll(this.all, now)
  }

  /** Asks, if it is time to. Returns when to look again. */
  probe(now: Millis): Millis {
    if (now < this.#probeAt) return this.#probeAt
    this.#sender.sendAll(this.#mayGuess(now) ? this.all : this.#own, now)
    this.#probeAt = now + jittered(this.#waitMs, this.#chance)
    const lastMs = this.#way.detour === undefined ? PROBE_LAST_MS : PROBE_INTERVAL_MS
    this.#waitMs = Math.min(this.#waitMs * 2, lastMs)
    return this.#probeAt
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
}
