import { joinHandlers, type CallHandlers } from '../api/mod.ts'
import type { Service } from './service.ts'

/** The services in the order in which they take their turns. */
export class Services {
  /** All calls of the API. */
  readonly calls: CallHandlers
  readonly #services: readonly Service[]
  readonly #onFailure: (service: string, error: unknown) => void
  readonly #turnOf: (all: () => Promise<void>) => Promise<void>
  readonly #failures = new Map<string, unknown>()
  #turn: Promise<void> = Promise.resolve()
  #isStopped = false

  /** `onFailure`: one of them could not do its part; the others did theirs. `turnOf`: what a turn of all stands in. */
  constructor(
    services: readonly Service[],
    onFailure: (service: string, error: unknown) => void,
    turnOf: (all: () => Promise<void>) => Promise<void> = all => all(),
  ) {
    this.calls = joinHandlers(services, () => this.#changed())
    this.#services = services
    this.#onFailure = onFailure
    this.#turnOf = turnOf
  }

  /** What was thrown by those that failed in their last turn, by their names. */
  get failures(): ReadonlyMap<string, unknown> {
    return this.#failures
  }

  /** Each in turn. A call while one is under way waits for it; nothing happens after `stop`. */
  reconcile(): Promise<void> {
    this.#turn = this.#turn.then(() =>
      this.#turnOf(async () => {
        for (const service of this.#services)
          if (!this.#isStopped) await this.#try(service, () => service.reconcile?.())
      }),
    )
    return this.#turn
  }

  /** Waits for the turn that is under way, then ends each, the last first. */
  async stop(isLeaving = false): Promise<void> {
    this.#isStopped = true
    await this.#turn
    for (const service of [...this.#services].reverse()) await this.#try(service, () => service.stop?.(isLeaving))
  }

  #changed(): void {
    for (const service of this.#services) service.changed?.()
  }

  async #try(service: Service, run: () => Promise<void> | undefined): Promise<void> {
    try {
      await run()
      this.#failures.delete(service.name)
    } catch (error) {
      this.#failures.set(service.name, error)
      this.#onFailure(service.name, error)
    }
  }
}
