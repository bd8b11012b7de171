import type { Millis } from '../base/mod.ts'
import { WORK_PER_MS, type WorkMeter } from '../topology/mod.ts'
import {
  REBUILD_CALM_LAST_MS,
  REBUILD_CALM_FACTOR,
  REBUILD_REST_FACTOR,
  VIEW_CALM_MS,
  VIEW_DELAY_LAST_MS,
  VIEW_DELAY_MS,
  WORK_PER_SLICE,
} from './constants.ts'

/**
 * Runs one job again and again, whenever something changed, in slices of bounded work and with rests in between:
 * whatever others make this peer compute, it has the rest of its time for everything else. A job that fits into one
 * slice is done at once.
 */
export class Rebuild<T> {
  readonly #begin: (meter: WorkMeter) => Generator<undefined, T, undefined>
  readonly #meter: WorkMeter = { work: 0, pauseAt: 0 }
  #job: Generator<undefined, T, undefined> | undefined
  #isWanted = false
  #isUrgent = false
  #dueAt: Millis | undefined
  #notBefore: Millis = -Infinity
  /** The same for what is not urgent. */
  #notSooner: Millis = -Infinity
  #endedAt: Millis = -Infinity
  #delayMs = VIEW_DELAY_MS
  #slices = 0
  #work = 0

  constructor(begin: (meter: WorkMeter) => Generator<undefined, T, undefined>) {
    this.#begin = begin
  }

  /** How many slices were worked so far. */
  get slices(): number {
    return this.#slices
  }

  /** What it all cost. */
  get work(): number {
    return this.#work
  }

  /** A job that takes this into account is due. `isUrgent`: however restless the mesh is. */
  want(now: Millis, isUrgent = false): void {
    this.#isWanted = true
    this.#isUrgent ||= isUrgent
    if (this.#job !== undefined) return
    if (now - this.#endedAt >= VIEW_CALM_MS) this.#delayMs = VIEW_DELAY_MS
    const at = this.#nextAt(now, isUrgent)
    this.#dueAt = Math.min(this.#dueAt ?? at, at)
  }

  /** Does what is due, WORK_PER_SLICE of it. The result, when a job has come to its end. */
  handleTimeout(now: Millis): T | undefined {
    if (this.#dueAt === undefined || now < this.#dueAt) return undefined
    const result = this.#slice(WORK_PER_SLICE)
    if (result === undefined) {
      this.#dueAt = now + 1
      return undefined
    }
    const tookMs = this.#meter.work / WORK_PER_MS
    this.#notBefore = now + Math.max(VIEW_DELAY_MS, Math.ceil(tookMs * REBUILD_REST_FACTOR))
    const calmMs = Math.min(Math.ceil(tookMs * REBUILD_CALM_FACTOR), REBUILD_CALM_LAST_MS)
    this.#notSooner = Math.max(this.#notBefore, now + calmMs)
    this.#endedAt = now
    this.#delayMs = Math.min(2 * this.#delayMs, VIEW_DELAY_LAST_MS)
    this.#dueAt = this.#isWanted ? this.#nextAt(now, this.#isUrgent) : undefined
    return result
  }

  /** A whole job without a pause, on what there is now. */
  runNow(): T {
    this.#job = undefined
    this.#dueAt = undefined
    return this.#slice(Infinity)!
  }

  pollTimeout(): { at: Millis; reason: string } | undefined {
    return this.#dueAt === undefined ? undefined : { at: this.#dueAt, reason: 'mesh view' }
  }

  #nextAt(now: Millis, isUrgent: boolean): Millis {
    return isUrgent ? Math.max(now + VIEW_DELAY_MS, this.#notBefore) : Math.max(now + this.#delayMs, this.#notSooner)
  }

  #slice(workMax: number): T | undefined {
    this.#slices++
    if (this.#job === undefined) {
      this.#isWanted = false
      this.#isUrgent = false
      this.#meter.work = 0
      this.#job = this.#begin(this.#meter)
    }
    const before = this.#meter.work
    this.#meter.pauseAt = before + workMax
    const step = this.#job.next()
    this.#work += this.#meter.work - before
    if (step.done !== true) return undefined
    this.#job = undefined
    return step.value
  }
}
