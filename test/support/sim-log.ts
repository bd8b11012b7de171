import { createHash } from 'node:crypto'

const LINES_KEPT = 400

/** Every event of a simulation in one hash, and the last of them in words. Unless it is on, it only counts. */
export class SimLog {
  readonly isOn: boolean
  readonly #hash = createHash('sha256')
  readonly #last: string[] = []
  readonly #watched = new Map<string, number>()
  #at = 0
  #count = 0

  constructor(isOn = true) {
    this.isOn = isOn
  }

  get count(): number {
    return this.#count
  }

  write(text: () => string): void {
    this.#count++
    if (!this.isOn) return
    const line = text()
    for (const [words, count] of this.#watched) if (line.includes(words)) this.#watched.set(words, count + 1)
    this.#hash.update(line).update('\n')
    this.#last[this.#at] = line
    this.#at = (this.#at + 1) % LINES_KEPT
  }

  /** How many lines have had these words since they were asked for first, however many lines there were. */
  countOf(words: string): number {
    const count = this.#watched.get(words) ?? 0
    this.#watched.set(words, count)
    return count
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
