import { adviceText, errorText, WeaveError, type Advice } from '../base/mod.ts'
import type { Service } from './service.ts'

/**
 * Warns of services that could not do their part in their last turn, such as the host whose bridge somebody took away for
 * another one: it is tried again every half a minute, and until then not all is as it should be.
 *
 * `failures`: what was thrown, by the name of the service.
 */
export class FailedTurns implements Service {
  readonly name = 'failed-turns'
  readonly #failures: () => ReadonlyMap<string, unknown>

  constructor(failures: () => ReadonlyMap<string, unknown>) {
    this.#failures = failures
  }

  warnings(): readonly string[] {
    return [...this.#failures()].map(([service, error]) => `${service} is not in order: ${adviceText(adviceOf(error))}`)
  }
}

function adviceOf(error: unknown): Advice {
  if (error instanceof WeaveError) return { what: error.message, remedy: error.remedy }
  return { what: errorText(error) }
}
