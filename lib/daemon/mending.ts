import { errorText } from '../base/mod.ts'
import { MEND_AT_ONCE, MEND_KEYS_MAX, MEND_RETRY_FIRST_MS, MEND_RETRY_MAX_MS } from './constants.ts'

export interface Trouble {
  readonly text: string
  readonly attempts: number
}

/**
 * Brings things, each known by a key, to what they should be: at once when asked, and again with growing delays while
 * that fails. Asked for while it is under way, it is done once more. Several at a time, within limits.
 */
export class Mending {
  readonly #mend: (key: string) => Promise<void>
  readonly #onFailure: (key: string, trouble: Trouble) => void
  readonly #waiting = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #troubles = new Map<string, Trouble & { readonly timer: NodeJS.Timeout | undefined }>()
  #isStopped = false

  /** `mend` compares and mends; it may be called when nothing is to be done. */
  constructor(mend: (key: string) => Promise<void>, onFailure: (key: string, trouble: Trouble) => void) {
    this.#mend = mend
    this.#onFailure = onFailure
  }

  /** Returns false when too many wait already. */
  ask(key: string): boolean {
    if (this.#isStopped) return true
    if (this.#waiting.size >= MEND_KEYS_MAX && !this.#waiting.has(key)) return false
    clearTimeout(this.#troubles.get(key)?.timer)
    this.#waiting.add(key)
    this.#advance()
    return true
  }

  /** True while it is being brought in line, or waits for its turn. */
  isBusy(key: string): boolean {
    return this.#running.has(key) || this.#waiting.has(key)
  }

  /** What went wrong when it was tried last, if it has not gone right since. */
  troubleOf(key: string): Trouble | undefined {
    return this.#troubles.get(key)
  }

  /** Begins nothing any more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#waiting.clear()
    for (const { timer } of this.#troubles.values()) clearTimeout(timer)
    await Promise.all(this.#running.values())
  }

  #advance(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= MEND_AT_ONCE) return
      if (this.#running.has(key)) continue
      this.#waiting.delete(key)
      this.#running.set(key, this.#run(key))
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#mend(key)
      clearTimeout(this.#troubles.get(key)?.timer)
      this.#troubles.delete(key)
    } catch (error) {
      this.#failed(key, error)
    }
    this.#running.delete(key)
    if (!this.#isStopped) this.#advance()
  }

  #failed(key: string, error: unknown): void {
    const attempts = (this.#troubles.get(key)?.attempts ?? 0) + 1
    const trouble = { text: errorText(error), attempts }
    const delay = Math.min(MEND_RETRY_MAX_MS, MEND_RETRY_FIRST_MS * 2 ** Math.min(attempts - 1, 10))
    clearTimeout(this.#troubles.get(key)?.timer)
    const timer = this.#isStopped ? undefined : setTimeout(() => this.ask(key), delay)
    this.#troubles.set(key, { ...trouble, timer })
    this.#onFailure(key, trouble)
  }
}
