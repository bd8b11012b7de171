import type { Logger } from 'pino'
import { parseCidr } from '../address/mod.ts'
import type { AttachmentFound, CallHandlers, Status } from '../api/mod.ts'
import { errorText } from '../base/mod.ts'
import { EXPOSED_ID } from './constants.ts'
import type { Exposures } from './exposures.ts'
import { ipv6Among } from './ipv6-plan.ts'
import type { NodeRunner } from './node-runner.ts'
import { outsideNotes } from './outside-range.ts'
import type { Service } from './service.ts'
import { explained } from './status/trouble.ts'

const NO_FORWARDING =
  'this host does not forward packets (net.ipv4.ip_forward is 0), so containers reach it but nothing beyond it; ' +
  'if they should, `sysctl -w net.ipv4.ip_forward=1`'

const NO_IPV6 =
  'IPv6 is switched off on the bridge of this host (net.ipv6.conf.*.disable_ipv6 is 1), so it was given no IPv6 address'

type Shown = Pick<Exposures['names'], 'full'>

/** `expose` and `hide`; puts addresses of the host back that somebody took from the bridge. */
export class ExposureService implements Service {
  readonly name = 'exposures'
  readonly calls: Pick<CallHandlers, 'expose' | 'hide'>
  readonly #exposures: Pick<Exposures, 'all' | 'ipv6' | 'isIpv6Off' | 'foreign' | 'present' | 'reconcile'> & {
    readonly names: Shown
  }
  readonly #log: Pick<Logger, 'info'>
  readonly #mac: string
  /** Why the host does not have what is recorded. */
  #trouble: string | undefined

  constructor(parts: {
    exposures: Pick<
      Exposures,
      'all' | 'ipv6' | 'isIpv6Off' | 'foreign' | 'expose' | 'hide' | 'present' | 'reconcile'
    > & {
      readonly names: Shown
    }
    runner: Pick<NodeRunner, 'report' | 'requireStore'>
    /** Of the bridge, as text. */
    mac: string
    /** Whether this host routes packets at all. */
    isForwarding: () => Promise<boolean>
    log: Pick<Logger, 'info'>
  }) {
    const { exposures, runner } = parts
    this.#exposures = exposures
    this.#log = parts.log
    this.#mac = parts.mac
    this.calls = {
      expose: async ({ addresses, masquerade, names, timeoutSeconds }, { signal }) => {
        runner.requireStore()
        try {
          const given = await exposures.expose(addresses, {
            isMasqueraded: masquerade,
            signal,
            names,
            ...(timeoutSeconds !== undefined && { waitMs: timeoutSeconds * 1_000 }),
          })
          const outside = outsideNotes(given.cidrs, parseCidr(runner.report().ipam.range)!)
          const notes = [...outside, ...((await parts.isForwarding()) ? [] : [NO_FORWARDING])]
          return { ...given, notes: exposures.isIpv6Off ? [...notes, NO_IPV6] : notes }
        } catch (error) {
          throw explained(error, () => runner.report())
        }
      },
      hide: ({ addresses }) => exposures.hide(addresses),
    }
  }

  async reconcile(): Promise<void> {
    try {
      const added = await this.#exposures.reconcile()
      this.#trouble = undefined
      if (added.length > 0)
        this.#log.info({ event: 'exposed', cidrs: added.join(' ') }, 'this host has its addresses of the overlay again')
    } catch (error) {
      this.#trouble = `this host does not have its addresses of the overlay: ${errorText(error)}`
      throw error
    }
  }

  report(): Pick<Status, 'exposed'> {
    const { all, ipv6 } = this.#exposures
    return { exposed: all.map(one => ({ ...one, ipv6: ipv6Among(ipv6, [one.cidr])[0] ?? null })) }
  }

  warnings(): readonly string[] {
    const foreign = this.#exposures.foreign.map(
      cidr =>
        `the bridge holds ${cidr}, which weave-ts did not give it, so a container may get it too: make it this host's with ` +
        `\`weave-ts expose ip:${cidr}\`, or take it away`,
    )
    return this.#trouble === undefined ? foreign : [this.#trouble, ...foreign]
  }

  /** This host as `ps` shows it; nothing while it has no address. */
  async list(): Promise<AttachmentFound[]> {
    const cidrs = this.#exposures.all.map(({ cidr }) => cidr)
    if (cidrs.length === 0) return []
    const present = await this.#exposures.present()
    const isPresent = cidrs.every(cidr => present.has(cidr))
    const names = this.#exposures.names.full
    const { isIpv6Off, ipv6 } = this.#exposures
    const shown = { mac: this.#mac, cidrs, ipv6: [...ipv6], isIpv6Off, names }
    return [{ id: EXPOSED_ID, description: 'this host', ...shown, isPresent }]
  }
}
