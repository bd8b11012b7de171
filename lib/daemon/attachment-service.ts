import type { Logger } from 'pino'
import { parseCidr } from '../address/mod.ts'
import type { Attachment, AttachmentFound, CallHandlers } from '../api/mod.ts'
import { errorText, printable } from '../base/mod.ts'
import type { Monitor } from '../host/mod.ts'
import type { Domain } from '../names/mod.ts'
import type { NodeReport } from '../node/mod.ts'
import { NAMES_MAX } from '../wire/mod.ts'
import type { Attachments } from './attachments.ts'
import type { DockerService } from './docker-service.ts'
import { few } from './few.ts'
import type { Ipv6Mending } from './ipv6-mending.ts'
import type { NodeRunner } from './node-runner.ts'
import { outsideNotes } from './outside-range.ts'
import type { ResolvConfs } from './resolv-confs.ts'
import type { ReturningNamespaces } from './returning-namespaces.ts'
import type { Service } from './service.ts'
import { disputeOf } from './status/disputes.ts'
import { Names } from './status/names.ts'
import { explained } from './status/trouble.ts'

const IPV6_OFF_INSIDE =
  'has IPv6 switched off (net.ipv6.conf.*.disable_ipv6 is 1 inside), so it was given no IPv6 address; if it should have ' +
  'one, switch it on and attach again'

/** `attach`, `detach` and `ps`; gives back what containers that are gone have left. */
export class AttachmentService implements Service {
  readonly name = 'attachments'
  readonly calls: Pick<CallHandlers, 'attach' | 'detach' | 'ps'>
  readonly #attachments: Attachments
  readonly #resolvConfs: Pick<ResolvConfs, 'reconcile' | 'removeAll' | 'warnings'>
  readonly #ipv6: Pick<Ipv6Mending, 'mend'>
  readonly #domain: Pick<Domain, 'faultOf'>
  readonly #docker: Pick<DockerService, 'keeps' | 'stateOf'>
  readonly #returning: Pick<ReturningNamespaces, 'keeps'>
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #watch: Pick<Monitor, 'set'>
  #isStopped = false

  constructor(parts: {
    attachments: Attachments
    resolvConfs: Pick<ResolvConfs, 'reconcile' | 'removeAll' | 'warnings'>
    ipv6: Pick<Ipv6Mending, 'mend'>
    domain: Pick<Domain, 'faultOf'>
    docker: Pick<DockerService, 'keeps' | 'stateOf'>
    returning: Pick<ReturningNamespaces, 'keeps'>
    runner: Pick<NodeRunner, 'report' | 'requireStore'>
    /** Makes what hears of host ends that vanish, and then calls. */
    watch: (check: () => Promise<void>) => Pick<Monitor, 'set'>
    /** What holds addresses here besides: shown first. */
    others: () => Promise<readonly AttachmentFound[]>
    log: Pick<Logger, 'info' | 'warn'>
  }) {
    const { attachments, runner } = parts
    this.#attachments = attachments
    this.#resolvConfs = parts.resolvConfs
    this.#ipv6 = parts.ipv6
    this.#domain = parts.domain
    this.#docker = parts.docker
    this.#returning = parts.returning
    this.#log = parts.log
    this.#watch = parts.watch(() => this.#lookAgain())
    this.calls = {
      attach: async ({ target, addresses, timeoutSeconds, ...options }, { signal }) => {
        runner.requireStore()
        try {
          const { isIpv6Off, ...given } = await attachments.attach(target, addresses, {
            ...options,
            signal,
            ...(timeoutSeconds !== undefined && { waitMs: timeoutSeconds * 1_000 }),
          })
          const report = runner.report()
          return {
            ...given,
            notes: [
              ...(isIpv6Off ? [`${target} ${IPV6_OFF_INSIDE}`] : []),
              ...outsideNotes(given.cidrs, parseCidr(report.ipam.range)!),
              ...disputes(given.cidrs, report),
            ],
          }
        } catch (error) {
          throw explained(error, () => runner.report())
        }
      },
      detach: ({ target, addresses }) => attachments.detach(target, addresses),
      ps: async () => {
        const found = [...(await parts.others()), ...(await attachments.list())]
        return {
          attachments: found.map(one => ({
            ...one,
            ...this.#stateOf(one.id, one.isPresent),
            ipv6: one.ipv6 ?? [],
            isIpv6Off: one.isIpv6Off ?? false,
            network: one.network ?? null,
          })),
        }
      },
    }
  }

  warnings(): readonly string[] {
    const refused = this.#attachments.records.all().flatMap(({ description, refusedNames = [] }) =>
      refusedNames.map(name => {
        const why = this.#domain.faultOf(name) ?? `that is one too many, beyond ${NAMES_MAX}`
        return `${description} is not called "${printable(name)}", as its labels ask: ${printable(why)}`
      }),
    )
    return [
      ...few(refused, more => `${more} more names that labels ask for cannot be`),
      ...few(this.#resolvConfs.warnings(), more => `${more} more files resolv.conf are not kept`),
    ]
  }

  async reconcile(): Promise<void> {
    this.changed()
    await this.#look()
    await this.#ipv6.mend(await this.#attachments.presentIds())
    this.#resolvConfs.reconcile()
    this.changed()
  }

  /** Nobody need listen where the engine tells of the end of all that is attached. */
  changed(): void {
    const isAlone = this.#attachments.records.all().some(({ id }) => !this.#docker.keeps(id))
    this.#watch.set(isAlone && !this.#isStopped)
  }

  stop(isLeaving: boolean): Promise<void> {
    this.#isStopped = true
    this.#watch.set(false)
    if (isLeaving) this.#resolvConfs.removeAll()
    return Promise.resolve()
  }

  /** A host end is gone: perhaps the namespace of what was attached there. Never fails. */
  async #lookAgain(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      this.#log.warn({ event: 'attachments', error: errorText(error) }, 'could not look at what is attached')
    }
  }

  #stateOf(id: string, isPresent: boolean): Pick<Attachment, 'state' | 'why'> {
    return this.#returning.keeps(id)
      ? { state: 'waiting', why: 'its namespace has not been made again since the boot' }
      : this.#docker.stateOf(id, isPresent)
  }

  async #look(): Promise<void> {
    for (const id of await this.#attachments.reconcile(id => this.#docker.keeps(id) || this.#returning.keeps(id)))
      this.#log.info({ event: 'attachment-gone', id }, 'its interface is gone; its addresses rest')
  }
}

/** What a target that is attached has, and that others have the better right to. */
function disputes(cidrs: readonly string[], report: NodeReport): string[] {
  const names = new Names(report)
  return report.ipam.disputed
    .filter(({ cidr }) => cidrs.includes(cidr))
    .map(dispute => {
      const { why, remedy } = disputeOf(dispute, { names, peers: report.peers })
      return `${dispute.cidr} is ${dispute.isAsked === true ? 'to be lent' : 'disputed'}: ${why}; ${remedy}`
    })
}
