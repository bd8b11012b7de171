import type { Logger } from 'pino'
import type { Attachment, CallHandlers } from '../api/mod.ts'
import type { Attachments } from './attachments.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { explained } from './status/trouble.ts'

/** `attach`, `detach` and `ps`; gives back what containers that are gone have left. */
export class AttachmentService implements Service {
  readonly name = 'attachments'
  readonly calls: Pick<CallHandlers, 'attach' | 'detach' | 'ps'>
  readonly #attachments: Attachments
  readonly #log: Pick<Logger, 'info'>

  constructor(parts: {
    attachments: Attachments
    runner: Pick<NodeRunner, 'report' | 'requireStore'>
    /** What holds addresses here besides: shown first. */
    others: () => Promise<readonly Attachment[]>
    log: Pick<Logger, 'info'>
  }) {
    const { attachments, runner } = parts
    this.#attachments = attachments
    this.#log = parts.log
    this.calls = {
      attach: async ({ target, addresses, multicastRoute }, { signal }) => {
        runner.requireStore()
        try {
          return { cidrs: await attachments.attach(target, addresses, { multicastRoute, signal }) }
        } catch (error) {
          throw explained(error, () => runner.report())
        }
      },
      detach: async ({ target, addresses }) => ({ cidrs: await attachments.detach(target, addresses) }),
      ps: async () => ({ attachments: [...(await parts.others()), ...(await attachments.list())] }),
    }
  }

  async reconcile(): Promise<void> {
    for (const id of await this.#attachments.reconcile())
      this.#log.info({ event: 'attachment-gone', id }, 'its interface is gone; its addresses rest')
  }
}
