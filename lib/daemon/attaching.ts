import { formatCidr, type Cidr } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { HostNetwork, Target } from '../host/mod.ts'
import { LEASE_HOLDER, type AddressForm } from '../ipam/mod.ts'
import { attachmentNames } from './attachment-names.ts'
import { familiesOf, ipv6Among, type Ipv6Plan } from './ipv6-plan.ts'
import { isContainerId, macOf, type AttachmentRecord, type AttachmentRecords } from './attachment-records.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'
import type { ResolvConfs } from './resolv-confs.ts'
import { waitBudget } from './wait-budget.ts'

export interface AttachingParts {
  readonly host: Pick<HostNetwork, 'list' | 'attach' | 'unplug'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress'> & {
    readonly node: Pick<NodeRunner['node'], 'leasesOf'>
  }
  readonly records: AttachmentRecords
  readonly book: Pick<NameBook, 'domain' | 'publish'>
  readonly resolvConfs: Pick<ResolvConfs, 'plan' | 'put' | 'remove'>
  readonly ipv6: Pick<Ipv6Plan, 'of'>
}

export interface AttachOrder {
  readonly multicastRoute: boolean
  readonly signal: AbortSignal
  /** Names, relative to the zone. */
  readonly given: readonly string[]
  /** True: no names but those. */
  readonly isBare: boolean
  /** Whether its namespace gets a resolv.conf. */
  readonly resolvConf: boolean
  /** How long all addresses may be waited for. */
  readonly waitMs?: number | undefined
}

/** In CIDR form: what was asked for, and the IPv6 addresses that go with it. */
export interface AttachOutcome {
  readonly cidrs: string[]
  readonly ipv6: string[]
  /** It has none because IPv6 is switched off inside. */
  readonly isIpv6Off: boolean
}

/** How one attachment is made, or gets more than it has. */
export class Attaching {
  readonly #host: AttachingParts['host']
  readonly #runner: AttachingParts['runner']
  readonly #records: AttachmentRecords
  readonly #book: AttachingParts['book']
  readonly #resolvConfs: AttachingParts['resolvConfs']
  readonly #ipv6: AttachingParts['ipv6']

  constructor({ host, runner, records, book, resolvConfs, ipv6 }: AttachingParts) {
    this.#host = host
    this.#runner = runner
    this.#records = records
    this.#book = book
    this.#resolvConfs = resolvConfs
    this.#ipv6 = ipv6
  }

  /**
   * Gives a target what it has not yet of these addresses and names, within its turn; the addresses in CIDR form. On
   * failure nothing is left that was not there before.
   */
  async attach(
    text: string,
    target: Target,
    wanted: readonly AddressForm[],
    { multicastRoute, signal, given, isBare, ...order }: AttachOrder,
  ): Promise<AttachOutcome> {
    const before = this.#records.get(target.id)
    const isOther = before !== undefined && !isContainerId(target.id) && before.netnsInode !== String(target.netnsInode)
    // Its name was given anew, and somebody may be in the namespace that had it: two would have one address.
    if (isOther) await this.#host.unplug(target.id, target)
    if (isOther || (before !== undefined && !isContainerId(target.id) && (await this.isGone(target.id))))
      this.#records.delete(target.id)
    const known = this.#records.get(target.id)
    const held = known?.cidrs ?? []
    const heldBefore = new Set(this.#runner.node.leasesOf(target.id).map(formatCidr))
    const resolvConf = order.resolvConf ? this.#resolvConfs.plan(target, known?.resolvConf) : known?.resolvConf
    const granted: Cidr[] = []
    const { names, refused } = attachmentNames(
      this.#book.domain,
      { kept: known?.names ?? [], given },
      isBare ? {} : target,
    )
    try {
      const left = waitBudget(order.waitMs)
      for (const form of wanted)
        granted.push(...(await this.#runner.requestAddress(target.id, form, signal, LEASE_HOLDER.attachment, left())))
      const asked = granted.map(formatCidr)
      const cidrs = [...new Set([...held, ...asked])]
      const ipv6 = this.#ipv6.of(cidrs)
      const record = {
        id: target.id,
        description: target.description,
        target: text,
        netnsInode: String(target.netnsInode),
        cidrs,
        ipv6,
        multicastRoute,
        names,
        refusedNames: refused,
        ...(resolvConf !== undefined && { resolvConf }),
      }
      // Recorded first: after a crash on the way `reconcile` must not free an address that the container may have.
      this.#records.put({ ...record, mac: known?.mac ?? '' })
      this.#book.publish(record)
      if (order.resolvConf) this.#resolvConfs.put(target.id)
      const attachment = await this.#host.attach(target, cidrs, { multicastRoute, ipv6, ...macOf(known) })
      const families = familiesOf(ipv6, attachment)
      this.#records.put({ ...record, ...families, mac: attachment.mac })
      if (families.isIpv6Off) this.#book.publish({ ...record, ...families })
      return { cidrs: [...new Set(asked)], ipv6: ipv6Among(families.ipv6, asked), isIpv6Off: families.isIpv6Off }
    } catch (error) {
      if (known?.resolvConf === undefined) this.#resolvConfs.remove(target.id, resolvConf)
      this.#takeBack(target.id, known)
      for (const cidr of granted)
        if (!heldBefore.has(formatCidr(cidr)))
          this.#runner.input((node, now) => node.freeAddresses(target.id, cidr.address, now))
      throw error
    }
  }

  async isGone(id: string): Promise<boolean> {
    const plugged = await this.#host.list()
    return !plugged.some(end => end.targetId === id)
  }

  /** As it was before. A disk that takes nothing, perhaps the reason, must not keep addresses from being given back. */
  #takeBack(id: string, known: AttachmentRecord | undefined): void {
    this.#book.publish(known ?? { id, cidrs: [] })
    try {
      if (known === undefined) this.#records.delete(id)
      else this.#records.put(known)
    } catch (error) {
      if (!(error instanceof WeaveError) || error.code !== 'STATE_IO') throw error
    }
  }
}
