import { Status, type CallHandlers, type Report } from '../api/mod.ts'
import { assert, type Millis } from '../base/mod.ts'
import { KeptAnswer } from './kept-answer.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { detailsOf, statusOf, type DaemonFacts, type DataPlaneFacts } from './status/status.ts'

/**
 * `status` and `report`: what the node reports, with what the other services add. The status of a large mesh costs
 * milliseconds, and whoever watches asks for it again and again: it is kept for a while, unless something was changed.
 */
export class StatusService implements Service {
  readonly name = 'status'
  readonly calls: Pick<CallHandlers, 'status' | 'report'>
  readonly #runner: Pick<NodeRunner, 'report'>
  readonly #facts: DaemonFacts
  readonly #others: readonly Service[]
  readonly #now: () => Millis
  readonly #plane: (now: Millis) => DataPlaneFacts
  readonly #kept: KeptAnswer<Status>

  constructor(parts: {
    runner: Pick<NodeRunner, 'report'>
    facts: DaemonFacts
    plane: (now: Millis) => DataPlaneFacts
    /** Whose fields, warnings and waits are shown. */
    others: readonly Service[]
    now: () => Millis
  }) {
    this.#runner = parts.runner
    this.#facts = parts.facts
    this.#others = parts.others
    this.#now = parts.now
    this.#plane = parts.plane
    this.#kept = new KeptAnswer(now => this.#status(now), parts.now)
    this.calls = {
      status: () => this.current(),
      report: () => this.detailed(),
    }
  }

  /** Made anew, or still good. */
  current(): Status {
    return this.#kept.current()
  }

  /** With everything that is known. */
  detailed(): Report {
    const now = this.#now()
    return { ...this.#status(now), ...detailsOf(this.#runner.report(), this.#plane(now), now) }
  }

  changed(): void {
    this.#kept.forget()
  }

  #status(now: Millis): Status {
    const own = statusOf(this.#runner.report(), this.#facts, now)
    const status: Partial<Status> = {
      ...own,
      warnings: [...this.#others.flatMap(service => service.warnings?.() ?? []), ...own.warnings],
      waiting: [...this.#others.flatMap(service => service.waiting?.() ?? []), ...own.waiting],
    }
    for (const service of this.#others) {
      const fields = service.report?.(now) ?? {}
      const twice = Object.keys(fields).find(field => Object.hasOwn(status, field))
      assert(twice === undefined, `the service ${service.name} reports ${twice ?? ''}, which is another's`)
      Object.assign(status, fields)
    }
    assertComplete(status)
    return status
  }
}

function assertComplete(status: Partial<Status>): asserts status is Status {
  const missing = Object.keys(Status.shape).filter(field => !Object.hasOwn(status, field))
  assert(missing.length === 0, `no service reports ${missing.join(', ')}`)
}
