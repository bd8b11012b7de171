import { assert, type Millis } from '../../lib/base/mod.ts'
import type { SimClock } from './sim-clock.ts'

/** A machine may ask to be woken again at once; never so often that time stands still. */
const WAKES_AT_ONE_TIME_MAX = 200

export interface SimAlarmOptions {
  readonly clock: SimClock
  /** Whose it is, for words. */
  readonly name: string
  /** When the machine next wants to be woken; undefined for never, and while it is down. */
  readonly poll: () => { readonly at: Millis; readonly reason: string } | undefined
  readonly wake: () => void
}

/** The one timer of a machine on virtual time. `arm` it after every input. */
export class SimAlarm {
  readonly #options: SimAlarmOptions
  /** What is planned for another time than this one is void. */
  #at: Millis | undefined
  #plan = 0
  #wakes = { at: -1, count: 0 }

  constructor(options: SimAlarmOptions) {
    this.#options = options
  }

  arm(): void {
    const { clock, poll } = this.#options
    const next = poll()
    if (next === undefined) return
    // The clock knows whole milliseconds: rung before its time, it would be armed for the same moment again.
    const at = Math.ceil(Math.max(next.at, clock.now))
    if (this.#at !== undefined && this.#at <= at) return
    this.#at = at
    const plan = ++this.#plan
    clock.at(at, () => {
      if (this.#plan === plan) this.#ring()
    })
  }

  /** The machine is gone. */
  cancel(): void {
    this.#at = undefined
    this.#plan++
  }

  #ring(): void {
    const { clock, name, poll, wake } = this.#options
    this.#at = undefined
    const next = poll()
    // The machine may have changed its mind since.
    if (next === undefined || next.at > clock.now) return this.arm()
    if (this.#wakes.at !== clock.now) this.#wakes = { at: clock.now, count: 0 }
    this.#wakes.count++
    assert(this.#wakes.count < WAKES_AT_ONE_TIME_MAX, `${name} is never at rest: ${next.reason}`)
    wake()
  }
}
