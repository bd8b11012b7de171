import type { Logger } from 'pino'
import type { Attachment, CallHandlers, Status } from '../api/mod.ts'
import { EXPOSED_ID, type Exposures } from './exposures.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { explained } from './status/trouble.ts'

/** `expose` and `hide`; puts addresses of the host back that somebody took from the bridge. */
export class ExposureService implements Service {
  readonly name = 'exposures'
  readonly calls: Pick<CallHandlers, 'expose' | 'hide'>
  readonly #exposures: Pick<Exposures, 'all' | 'present' | 'reconcile'>
  readonly #log: Pick<Logger, 'info'>
  readonly #mac: string

  constructor(parts: {
    exposures: Pick<Exposures, 'all' | 'expose' | 'hide' | 'present' | 'reconcile'>
    runner: Pick<NodeRunner, 'report' | 'requireStore'>
    /** Of the bridge, as text. */
    mac: string
    log: Pick<Logger, 'info'>
  }) {
    const { exposures, runner } = parts
    this.#exposures = exposures
    this.#log = parts.log
    this.#mac = parts.mac
    this.calls = {
      expose: async ({ addresses }, { signal }) => {
        runner.requireStore()
        try {
          return { cidrs: await exposures.expose(addresses, signal) }
        } catch (error) {
          throw explained(error, () => runner.report())
        }
      },
      hide: async ({ addresses }) => ({ cidrs: await exposures.hide(addresses) }),
    }
  }

  async reconcile(): Promise<void> {
    const added = await this.#exposures.reconcile()
    if (added.length > 0)
      this.#log.info({ event: 'exposed', cidrs: added.join(' ') }, 'this host has its addresses of the overlay again')
  }

  report(): Pick<Status, 'exposed'> {
    return { exposed: this.#exposures.all.map(({ cidr }) => ({ cidr })) }
  }

  /** This host as `ps` shows it; nothing while it has no address. */
  async list(): Promise<Attachment[]> {
    const cidrs = this.#exposures.all.map(({ cidr }) => cidr)
    if (cidrs.length === 0) return []
    const present = await this.#exposures.present()
    const isPresent = cidrs.every(cidr => present.has(cidr))
    return [{ id: EXPOSED_ID, description: 'this host', mac: this.#mac, cidrs, isPresent }]
  }
}
