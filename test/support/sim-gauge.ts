import type { Millis } from '../../lib/base/mod.ts'
import { Gauge } from '../../lib/overlay/mod.ts'
import type { MemoryPlane } from './memory-plane.ts'

type Timeout = { readonly at: Millis; readonly reason: string } | undefined

interface GaugedHost {
  readonly now: Millis
  /** How far that is ahead of the simulation. */
  readonly aheadMs: Millis
  readonly isUp: boolean
  readonly plane: MemoryPlane
}

/** The gauge of a host on virtual time. */
export class SimGauge {
  readonly #host: GaugedHost
  readonly #gauge: Gauge
  #tickedAt: Millis = 0

  constructor(host: GaugedHost) {
    this.#host = host
    this.#gauge = new Gauge({ plane: () => this.#host.plane, nowMicros: () => this.#host.now * 1_000 })
  }

  /** What of it is in the configuration of the host's node. */
  get config() {
    this.#gauge.endSending()
    return { gauge: this.#gauge, measureLimitKbits: 1_000_000 }
  }

  /** The next of what the node waits for and what is to be sent, by the clock of the simulation. */
  sooner(next: Timeout): Timeout {
    const { aheadMs, isUp } = this.#host
    const { nextTickMs } = this.#gauge
    const tickAt = nextTickMs === undefined || !isUp ? Infinity : this.#tickedAt + nextTickMs
    if (tickAt < (next?.at ?? Infinity)) return { at: tickAt - aheadMs, reason: 'gauge' }
    return next && { ...next, at: next.at - aheadMs }
  }

  tick(): void {
    this.#tickedAt = this.#host.now
    this.#gauge.tick()
  }
}
