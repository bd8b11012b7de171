import type { Endpoint } from '../address/mod.ts'
import type { Chance, Millis } from '../base/mod.ts'
import { PROBE_ANSWER_MS, PROBES_OUTSTANDING_MAX } from './constants.ts'

interface Probe {
  /** Undefined: through the relay. */
  readonly endpoint: Endpoint | undefined
  readonly sentAt: Millis
}

/** The probes of one path whose answers are awaited; the oldest is forgotten first. */
export class PathProbes {
  readonly #chance: Chance
  readonly #probes = new Map<number, Probe>()

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** The token of one more. */
  add(endpoint: Endpoint | undefined, now: Millis): number {
    const token = Math.floor(this.#chance() * 0x1_0000_0000)
    if (this.#probes.size >= PROBES_OUTSTANDING_MAX) this.#probes.delete(this.#probes.keys().next().value!)
    this.#probes.set(token, { endpoint, sentAt: now })
    return token
  }

  /** The probe that is answered; undefined when nobody asked, or it was answered before. */
  take(token: number): Probe | undefined {
    const probe = this.#probes.get(token)
    this.#probes.delete(token)
    return probe
  }

  /** Whether an answer from the endpoint may still come in time. */
  isAwaited(endpoint: Endpoint, now: Millis): boolean {
    for (const probe of this.#probes.values()) {
      if (probe.endpoint === endpoint && now - probe.sentAt < PROBE_ANSWER_MS) return true
    }
    return false
  }

  clear(): void {
    this.#probes.clear()
  }
}
