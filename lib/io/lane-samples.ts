import { assert } from '../base/mod.ts'
import { FRAME_SAMPLES_MAX, joinedTallies, type FrameSample, type FrameTally } from '../overlay/mod.ts'
import type { LaneOrder } from './lane-messages.ts'

interface Sample {
  /** Of the lanes that have ended it. */
  readonly tallies: FrameTally[]
  resolve?: (tally: FrameTally) => void
}

/** Samples of what passes all lanes, seen from the main thread: begun and ended in each, and put together. */
export class LaneSamples {
  readonly #laneCount: number
  readonly #order: (order: LaneOrder) => void
  readonly #samples = new Map<number, Sample>()
  #lastId = 0

  /** `order`: tells every lane. */
  constructor(laneCount: number, order: (order: LaneOrder) => void) {
    this.#laneCount = laneCount
    this.#order = order
  }

  /** Undefined: FRAME_SAMPLES_MAX are under way. */
  begin(): FrameSample | undefined {
    if (this.#samples.size >= FRAME_SAMPLES_MAX) return undefined
    const id = ++this.#lastId
    this.#samples.set(id, { tallies: [] })
    this.#order({ kind: 'sample', id })
    return { end: () => this.#end(id) }
  }

  /** A lane has ended one. */
  handle(id: number, tally: FrameTally): void {
    const sample = this.#samples.get(id)
    if (sample !== undefined && sample.tallies.push(tally) === this.#laneCount) this.#finish(id, sample)
  }

  /** No lane answers any more: whoever waits gets what came. */
  stop(): void {
    for (const [id, sample] of this.#samples) this.#finish(id, sample)
  }

  #end(id: number): Promise<FrameTally> {
    const sample = this.#samples.get(id)
    if (sample === undefined) return Promise.resolve(joinedTallies([]))
    assert(sample.resolve === undefined, 'a sample is ended once')
    return new Promise(resolve => {
      sample.resolve = resolve
      this.#order({ kind: 'end-sample', id })
    })
  }

  #finish(id: number, { tallies, resolve }: Sample): void {
    this.#samples.delete(id)
    resolve?.(joinedTallies(tallies))
  }
}
