import { roomAdvice } from '../doctor/mod.ts'
import { adviceText } from '../base/mod.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'

/** Warns while the disk of the state directory is nearly full: before the store is refused a write, there is time to act. */
export class DiskRoom implements Service {
  readonly name = 'disk-room'
  readonly #stateDir: string
  readonly #freeBytes: (path: string) => number
  readonly #runner: Pick<NodeRunner, 'storeTrouble'>
  #free = Number.NaN

  /** `freeBytes`: of the file system of a path; NaN when the system does not tell. */
  constructor(parts: {
    stateDir: string
    freeBytes: (path: string) => number
    runner: Pick<NodeRunner, 'storeTrouble'>
  }) {
    this.#stateDir = parts.stateDir
    this.#freeBytes = parts.freeBytes
    this.#runner = parts.runner
  }

  async reconcile(): Promise<void> {
    this.#free = this.#freeBytes(this.#stateDir)
  }

  /** Of a store that is refused its writes another service tells. */
  warnings(): readonly string[] {
    const advice = roomAdvice(this.#free, this.#stateDir)
    return advice === undefined || this.#runner.storeTrouble !== undefined ? [] : [adviceText(advice)]
  }
}
