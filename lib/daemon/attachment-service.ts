import type { Logger } from 'pino'
import type { AttachmentFound, CallHandlers } from '../api/mod.ts'
import { printable } from '../base/mod.ts'
import type { Attachments } from './attachments.ts'
import type { DockerService } from './docker-service.ts'
import { few } from './few.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { explained } from './status/trouble.ts'

/** `attach`, `detach` and `ps`; gives back what containers that are gone have left. */
export class AttachmentService implements Service {
  readonly name = 'attachments'
  readonly calls: Pick<CallHandlers, 'attach' | 'detach' | 'ps'>
  readonly #attachments: Attachments
  readonly #docker: Pick<DockerService, 'keeps' | 'stateOf'>
  readonly #log: Pick<Logger, 'info'>

  constructor(parts: {
    attachments: Attachments
    docker: Pick<DockerService, 'keeps' | 'stateOf'>
    runner: Pick<NodeRunner, 'report' | 'requireStore'>
    /** What holds addresses here besides: shown first. */
    others: () => Promise<readonly AttachmentFound[]>
    log: Pick<Logger, 'info'>
  }) {
    const { attachments, runner } = parts
    this.#attachments = attachments
    this.#docker = parts.docker
    this.#log = parts.log
    this.calls = {
      attach: async ({ target, addresses, ...options }, { signal }) => {
        runner.requireStore()
        try {
          return { cidrs: await attachments.attach(target, addresses, { ...options, signal }) }
        } catch (error) {
          throw explained(error, () => runner.report())
        }
      },
      detach: async ({ target, addresses }) => ({ cidrs: await attachments.detach(target, addresses) }),
      ps: async () => {
        const found = [...(await parts.others()), ...(await attachments.list())]
        return { attachments: found.map(one => ({ ...one, ...this.#docker.stateOf(one.id, one.isPresent) })) }
      },
    }
  }

  warnings(): readonly string[] {
    const refused = this.#attachments.records
      .all()
      .flatMap(({ description, refusedNames = [] }) =>
        refusedNames.map(
          name =>
            `${description} is not called "${printable(name)}", as its labels ask: that is no name of the zone, or one too many`,
        ),
      )
    return few(refused, more => `${more} more names that labels ask for cannot be`)
  }

  async reconcile(): Promise<void> {
    for (const id of await this.#attachments.reconcile(id => this.#docker.keeps(id)))
      this.#log.info({ event: 'attachment-gone', id }, 'its interface is gone; its addresses rest')
  }
}
