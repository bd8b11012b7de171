import type { Logger } from 'pino'
import type { Millis } from '../base/mod.ts'
import type { CacheSeam } from './assembly-seams.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'

/**
 * Gives the node what an earlier run learnt of the mesh, piece by piece, while the API answers and frames are
 * forwarded. Links are made when that is done, or was given up: until then what neighbours tell could not be compared
 * with anything.
 */
export class Memory implements Service {
  readonly name = 'memory'
  readonly #cache: CacheSeam
  readonly #runner: Pick<NodeRunner, 'input' | 'start' | 'hold' | 'release'>
  readonly #now: () => Millis
  readonly #log: Pick<Logger, 'warn' | 'info'>
  #notices: readonly string[] = []
  #entries = 0
  #isReading = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: {
    cache: CacheSeam
    runner: Pick<NodeRunner, 'input' | 'start' | 'hold' | 'release'>
    now: () => Millis
    log: Pick<Logger, 'warn' | 'info'>
  }) {
    this.#cache = parts.cache
    this.#runner = parts.runner
    this.#now = parts.now
    this.#log = parts.log
  }

  /** Starts the runner. Resolves when links may be made. */
  async start(): Promise<void> {
    this.#isReading = true
    this.#runner.hold()
    this.#runner.start()
    const startedAt = this.#now()
    const reading = this.#cache.restore(entries => this.#take(entries), startedAt)
    this.#arm()
    this.#notices = await reading
    clearTimeout(this.#timer)
    this.#take([])
    this.#isReading = false
    for (const notice of this.#notices) this.#log.warn({ event: 'memory' }, notice)
    this.#log.info({ event: 'remembered', entries: this.#entries, ms: this.#now() - startedAt }, 'links may be made')
    this.#runner.release()
  }

  warnings(): readonly string[] {
    return this.#notices
  }

  waiting(): readonly string[] {
    if (!this.#isReading) return []
    return [`links wait until what is remembered of the mesh was read (${this.#entries} entries so far)`]
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
  }

  #take(entries: readonly (readonly [string, Uint8Array])[]): void {
    this.#entries += entries.length
    this.#runner.input((node, now) => node.handleRemembered(entries, now))
  }

  #arm(): void {
    const next = this.#cache.pollTimeout()
    if (next === undefined) return
    this.#timer = setTimeout(
      () => {
        this.#cache.handleTimeout(this.#now())
        this.#arm()
      },
      Math.max(0, next.at - this.#now()),
    )
  }
}
