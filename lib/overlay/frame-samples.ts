import type { Chance, Millis } from '../base/mod.ts'
import { FrameSampler } from './frame-sampler.ts'
import type { FrameTally } from './frame-tally.ts'
import type { EngineLane } from './packet-engine.ts'

/** The samples that are taken of what passes one lane; mostly there is none, and then a batch costs one comparison more. */
export class FrameSamples {
  readonly #samplers = new Map<number, FrameSampler>()
  readonly #onBegin: () => void

  /** `onBegin`: from now on everything has to be seen. */
  constructor(onBegin: () => void) {
    this.#onBegin = onBegin
  }

  get isIdle(): boolean {
    return this.#samplers.size === 0
  }

  /** From the next batch on. `id`: by which it is ended. */
  begin(id: number, chance: Chance, now: Millis): void {
    this.#onBegin()
    this.#samplers.set(id, new FrameSampler(chance, now))
  }

  /** What it came to. One that is not known has seen nothing. */
  end(id: number): FrameTally {
    const tally = this.#samplers.get(id)?.tally()
    this.#samplers.delete(id)
    return tally ?? { talks: [], others: { frames: 0, bytes: 0 }, seen: 0 }
  }

  /** A batch from the TAP, as it was read. */
  outward(lane: Pick<EngineLane, 'rows' | 'slab'>, count: number, now: Millis): void {
    if (this.isIdle) return
    for (const sampler of this.#samplers.values()) sampler.outward(lane, count, now)
  }

  /** A batch for the TAP, before it is written. */
  inward(lane: Pick<EngineLane, 'rows' | 'slab' | 'deliveries'>, count: number, now: Millis): void {
    if (this.isIdle) return
    for (const sampler of this.#samplers.values()) sampler.inward(lane, count, now)
  }
}
