import type { Chance, Millis } from '../../lib/base/mod.ts'
import type { SimClock } from './sim-clock.ts'

/** What messages suffer, as shares 0 … 1. May be changed at any time; holds for what is sent from then on. */
export interface MailFaults {
  /** Of every copy of a message. */
  loss: number
  /** Of every message: it arrives twice. */
  duplicate: number
}

/** How long messages take: where the two differ, they overtake each other. */
export interface MailDelays {
  delayMinMs: Millis
  delayMaxMs: Millis
}

export function drawDelay(chance: Chance, { delayMinMs, delayMaxMs }: MailDelays): Millis {
  return delayMinMs + Math.floor(chance() * (delayMaxMs - delayMinMs + 1))
}

export interface SimMailboxOptions {
  readonly clock: SimClock
  readonly chance: Chance
  /** Read for every message. */
  readonly faults: MailFaults
  /** Drawn for every copy. */
  readonly delayOf: (from: number, to: number) => Millis
}

/** Messages between numbered places, on virtual time: late, lost, doubled, overtaking, and kept apart by partitions. */
export class SimMailbox {
  readonly #options: SimMailboxOptions
  #sides: readonly number[] | undefined

  constructor(options: SimMailboxOptions) {
    this.#options = options
  }

  /** Places on different sides hear nothing of each other; undefined heals. */
  partition(sides: readonly number[] | undefined): void {
    this.#sides = sides
  }

  canReach(from: number, to: number): boolean {
    return this.#sides === undefined || this.#sides[from] === this.#sides[to]
  }

  /** `deliver` runs once for each copy that arrives. A message needs its way when it is sent and when it arrives. */
  post(from: number, to: number, deliver: () => void): void {
    if (!this.canReach(from, to)) return
    const { clock, chance, faults, delayOf } = this.#options
    const { loss, duplicate } = faults
    const copies = duplicate > 0 && chance() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (loss > 0 && chance() < loss) continue
      clock.after(delayOf(from, to), () => {
        if (this.canReach(from, to)) deliver()
      })
    }
  }
}
