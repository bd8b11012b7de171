import type { PeerId } from '../address/mod.ts'
import { BoundedMap, type Millis } from '../base/mod.ts'
import { SHUNNED_MAX, SHUN_FIRST_MS, SHUN_LAST_MS, SHUN_MEMORY_MS } from './constants.ts'

interface Pause {
  readonly until: Millis
  readonly pauseMs: number
}

/**
 * Peers that no link is wanted with for a while. One that is shunned again is so for twice as long, up to SHUN_LAST_MS;
 * what it did is forgotten after SHUN_MEMORY_MS without another time. At most SHUNNED_MAX are remembered, the latest.
 */
export class Shunned {
  readonly #pauses = new BoundedMap<PeerId, Pause>(SHUNNED_MAX)

  /** Returns for how long. */
  shun(peer: PeerId, now: Millis): number {
    const before = this.#pauses.get(peer)
    const isRemembered = before !== undefined && now - before.until < SHUN_MEMORY_MS
    const pauseMs = isRemembered ? Math.min(2 * before.pauseMs, SHUN_LAST_MS) : SHUN_FIRST_MS
    this.#pauses.set(peer, { until: now + pauseMs, pauseMs })
    return pauseMs
  }

  /** For how much longer; 0: it is not shunned. */
  leftMs(peer: PeerId, now: Millis): number {
    return Math.max(0, (this.#pauses.get(peer)?.until ?? now) - now)
  }
}
