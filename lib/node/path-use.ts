import type { Millis } from '../base/mod.ts'
import type { SessionTotals } from '../overlay/mod.ts'

/** When a path was last of use: when somebody wanted it, or when it was last seen to have carried frames. */
export class PathUse {
  readonly #totalsOf: (receiverIndex: number) => SessionTotals | undefined
  #usedAt: Millis
  #carriedAt: Millis = -Infinity
  #heardAt: Millis = -Infinity
  /** Datagrams that each session was seen to have received. */
  readonly #received = new Map<number, number>()
  /** The most frames that each session was seen to have carried, by receiver index. */
  readonly #frames = new Map<number, number>()

  /** @param totalsOf what the engine counted for a session. */
  constructor(totalsOf: (receiverIndex: number) => SessionTotals | undefined, now: Millis) {
    this.#totalsOf = totalsOf
    this.#usedAt = now
  }

  get usedAt(): Millis {
    return this.#usedAt
  }

  /** When it was last seen that it had carried frames. */
  get carriedAt(): Millis {
    return this.#carriedAt
  }

  /** When it was last seen that anything had come, control datagrams too. */
  get heardAt(): Millis {
    return this.#heardAt
  }

  want(now: Millis): void {
    this.#usedAt = now
  }

  /**
   * Looks whether the sessions carried anything since the last look but the control datagrams that the path itself sent
   * and received (`control`: by receiver index). What was ordered and is not sent yet makes a count too small for a
   * moment: only a new highest one is use.
   */
  look(control: ReadonlyMap<number, number>, now: Millis): void {
    for (const [receiverIndex, datagrams] of control) {
      const totals = this.#totalsOf(receiverIndex)
      if (totals === undefined) continue
      if (totals.receivedDatagrams > (this.#received.get(receiverIndex) ?? 0)) {
        this.#received.set(receiverIndex, totals.receivedDatagrams)
        this.#heardAt = now
      }
      const frames = totals.sentDatagrams + totals.receivedDatagrams - datagrams
      if (frames <= (this.#frames.get(receiverIndex) ?? 0)) continue
      this.#frames.set(receiverIndex, frames)
      this.#usedAt = now
      this.#carriedAt = now
    }
    for (const seen of [this.#frames, this.#received])
      for (const receiverIndex of seen.keys()) if (!control.has(receiverIndex)) seen.delete(receiverIndex)
  }
}
