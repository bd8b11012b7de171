import { createHash } from 'node:crypto'

const LINES_KEPT = 400

/** Every event of a simulation in one hash, and the last of them in words. */
export class SimLog {
  readonly #hash = createHash('sha256')
  readonly #last: string[] = []
  #at = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  write(line: string): void {
    this.#count++
    this.#hash.update(line).update('\n')
    this.#last[this.#at] = line
    this.#at = (this.#at + 1) % LINES_KEPT
  }

  /** The last lines, oldest first. */
  tail(lines = LINES_KEPT): string[] {
    const ordered = [...this.#last.slice(this.#at), ...this.#last.slice(0, this.#at)]
    return ordered.filter(line => line !== undefined).slice(-lines)
  }

  /** Of all lines so far. */
  digest(): string {
    return `${this.#count}:${this.#hash.copy().digest('hex')}`
  }
}
