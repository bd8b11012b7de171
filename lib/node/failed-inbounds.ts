import type { Endpoint } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { FAILED_INBOUND_MAX, FAILED_INBOUND_SHOWN_MS } from './constants.ts'

/** A connection that somebody else began, and that made no neighbour. */
export interface FailedInbound {
  readonly endpoint: Endpoint
  readonly error: string
  readonly at: Millis
}

/**
 * What became of the connections that others began in vain, for `status connections`: the last of each host, and of at
 * most FAILED_INBOUND_MAX hosts; the oldest is forgotten first.
 */
export class FailedInbounds {
  #failed: FailedInbound[] = []

  add(failed: FailedInbound): void {
    const host = hostOf(failed.endpoint)
    this.#failed = this.#failed.filter(({ endpoint }) => hostOf(endpoint) !== host)
    this.#failed.push(failed)
    if (this.#failed.length > FAILED_INBOUND_MAX) this.#failed.shift()
  }

  /** That host has come through since. */
  forget(endpoint: Endpoint): void {
    const host = hostOf(endpoint)
    this.#failed = this.#failed.filter(one => hostOf(one.endpoint) !== host)
  }

  /** Those of the last FAILED_INBOUND_SHOWN_MS, the oldest first. */
  shown(now: Millis): readonly FailedInbound[] {
    return this.#failed.filter(({ at }) => now - at < FAILED_INBOUND_SHOWN_MS)
  }
}

function hostOf(endpoint: Endpoint): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':'))
}
