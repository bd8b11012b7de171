import type { Logger } from 'pino'
import { contains, formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import type { HostEnd, HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER, type Lease } from '../ipam/mod.ts'
import type { AttachmentRecord } from './attachment-records.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'

interface StrayParts {
  readonly host: Pick<HostNetwork, 'list' | 'resolve' | 'inspect' | 'exposed' | 'bridge'>
  readonly runner: Pick<NodeRunner, 'input'> & { readonly node: Pick<NodeRunner['node'], 'leases'> }
  /** Of all that is attached, or on a network of Docker, as far as it is recorded. */
  readonly targetIds: () => ReadonlySet<string>
  /** That a target is just being plugged in or out. */
  readonly isBusy: (targetId: string) => boolean
  readonly put: (record: AttachmentRecord) => void
  readonly range: Cidr
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * Targets that are plugged into the bridge and that this daemon's store knows nothing of, because it was lost, or is
 * older than they are. Each host end bears its target's name: what can be found is taken up as an attachment, with the
 * addresses that it has; what cannot is told to the node, which gives nothing meanwhile that it may have.
 */
export class Strays implements Service {
  readonly name = 'strays'
  readonly #parts: StrayParts
  #told = new Set<string>()

  constructor(parts: StrayParts) {
    this.#parts = parts
  }

  async reconcile(): Promise<void> {
    const { host, runner, targetIds, isBusy } = this.#parts
    const found: { record: AttachmentRecord; leases: readonly Lease[] }[] = []
    const strays: string[] = []
    for (const end of await host.list()) {
      if (targetIds().has(end.targetId) || isBusy(end.targetId)) continue
      const one = await this.#find(end)
      if (typeof one === 'string') strays.push(one)
      else if (one !== undefined && !targetIds().has(end.targetId) && !isBusy(end.targetId)) found.push(one)
    }
    strays.push(...(await this.#ofBridge()))
    // Recorded first: a lease without a record is given back.
    for (const { record } of found) this.#parts.put(record)
    const leases = found.flatMap(one => one.leases)
    const refused = runner.input((node, now) => node.handlePlugged(leases, strays, now)) ?? []
    this.#tell(found, refused, strays)
  }

  /** What is known of a target by its host end; why nothing is, if so. */
  async #find(
    end: HostEnd,
  ): Promise<{ readonly record: AttachmentRecord; readonly leases: readonly Lease[] } | string | undefined> {
    const { host, range } = this.#parts
    const called = `${end.targetId} (${end.hostInterface})`
    try {
      const target = await host.resolve(end.targetId)
      const plugged = await host.inspect(target)
      if (plugged?.hostInterface !== end.hostInterface) return called
      const cidrs = plugged.addresses.flatMap(text => parseCidr(text) ?? [])
      const { id, description } = target
      const leases = cidrs
        .filter(({ address }) => contains(range, address))
        .map(cidr => ({ ...cidr, container: id, holder: LEASE_HOLDER.attachment }))
      if (leases.length === 0) return undefined
      const record = {
        ...{ id, description, target: id, netnsInode: String(target.netnsInode), mac: plugged.mac },
        cidrs: cidrs.map(formatCidr),
        names: [],
      }
      return { record, leases }
    } catch {
      // It is gone by now, or Docker is away: the next look tells.
      return called
    }
  }

  /** Addresses of the host itself that nobody recorded. */
  async #ofBridge(): Promise<string[]> {
    const { host, runner, range } = this.#parts
    const exposed = new Set(runner.node.leases(LEASE_HOLDER.exposure).map(({ address }) => address))
    return (await host.exposed())
      .filter(text => {
        const cidr = parseCidr(text)
        return cidr !== undefined && contains(range, cidr.address) && !exposed.has(cidr.address)
      })
      .map(text => `the bridge ${host.bridge} itself (${text})`)
  }

  #tell(
    found: readonly { readonly record: AttachmentRecord }[],
    refused: readonly Lease[],
    strays: readonly string[],
  ): void {
    const { log } = this.#parts
    for (const { record } of found)
      log.info(
        { event: 'stray-taken-up', id: record.id, addresses: record.cidrs.join(' ') },
        'it is plugged in, and was not recorded: it keeps what it has',
      )
    for (const lease of refused)
      log.warn(
        { event: 'stray-refused', id: lease.container, address: formatCidr(lease) },
        'it has an address that was given to another one here: detach one of them',
      )
    for (const stray of strays)
      if (!this.#told.has(stray)) log.warn({ event: 'stray', stray }, 'what it has on the overlay cannot be found out')
    this.#told = new Set(strays)
  }
}
