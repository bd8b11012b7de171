import type { Logger } from 'pino'
import { contains, formatCidr, parseCidr, parseIpv4, type Cidr } from '../address/mod.ts'
import type { HostEnd, HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER, type Lease } from '../ipam/mod.ts'
import type { AttachmentRecord } from './attachment-records.ts'
import { pairId } from './driver-records.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'

/** What was found out of a target. `record` undefined: somebody else keeps its records. */
interface Found {
  readonly id: string
  readonly record: AttachmentRecord | undefined
  readonly leases: readonly Lease[]
}

/** Before the id of an endpoint of Docker, in the name of its pair. */
const DOCKER_PAIR = pairId('')

interface StrayParts {
  readonly host: Pick<HostNetwork, 'list' | 'resolve' | 'inspect' | 'exposed' | 'bridge'>
  readonly runner: Pick<NodeRunner, 'input'> & { readonly node: Pick<NodeRunner['node'], 'leases'> }
  /** Of all that is attached, or on a network of Docker, as far as it is recorded. */
  readonly targetIds: () => ReadonlySet<string>
  /** That a target is just being plugged in or out. */
  readonly isBusy: (targetId: string) => boolean
  readonly put: (record: AttachmentRecord) => void
  /** The addresses of Docker's endpoints on our networks, by the name of their pair. */
  readonly dockerAddresses: () => Promise<ReadonlyMap<string, string>>
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
    const found: Found[] = []
    const strays: string[] = []
    for (const end of await host.list()) {
      // One of another bridge is another daemon's.
      const isHere = end.master === undefined || end.master === host.bridge
      if (!isHere || targetIds().has(end.targetId) || isBusy(end.targetId)) continue
      const one = await this.#find(end)
      if (typeof one === 'string') strays.push(one)
      else if (one !== undefined && !targetIds().has(end.targetId) && !isBusy(end.targetId)) found.push(one)
    }
    const ofBridge = await this.#ofBridge()
    const called = `the bridge ${host.bridge} itself`
    // Recorded first: a lease without a record is given back.
    for (const { record } of found) if (record !== undefined) this.#parts.put(record)
    const leases = found.flatMap(one => one.leases)
    const refused = runner.input((node, now) => node.handlePlugged(leases, strays, now, ofBridge)) ?? []
    this.#tell(found, refused, [...strays, ...ofBridge.map(cidr => `${called} (${formatCidr(cidr)})`)])
  }

  /** What is known of a target by its host end; why nothing is, if so. */
  async #find(end: HostEnd): Promise<Found | string | undefined> {
    const { host, range } = this.#parts
    const called = `${end.targetId} (${end.hostInterface})`
    try {
      // In one that is not placed there is no container yet, and what nobody knows never will be.
      if (end.targetId.startsWith(DOCKER_PAIR))
        return (await this.#ofDocker(end.targetId)) ?? (end.isLoose === true ? undefined : called)
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
      return { id, record, leases }
    } catch {
      // It is gone by now, or Docker is away: the next look tells.
      return called
    }
  }

  /** A container's place on a network of Docker, which knows the address. */
  async #ofDocker(targetId: string): Promise<Found | undefined> {
    const { range, dockerAddresses } = this.#parts
    const address = parseIpv4((await dockerAddresses()).get(targetId) ?? '')
    if (address === undefined) return undefined
    const lease = { container: targetId, holder: LEASE_HOLDER.docker, address, prefix: range.prefix }
    return { id: targetId, record: undefined, leases: contains(range, address) ? [lease] : [] }
  }

  /** Addresses of the host itself that nobody recorded. */
  async #ofBridge(): Promise<Cidr[]> {
    const { host, runner, range } = this.#parts
    const exposed = new Set(runner.node.leases(LEASE_HOLDER.exposure).map(({ address }) => address))
    const cidrs = (await host.exposed()).flatMap(text => parseCidr(text) ?? [])
    return cidrs.filter(({ address }) => contains(range, address) && !exposed.has(address))
  }

  #tell(found: readonly Found[], refused: readonly Lease[], strays: readonly string[]): void {
    const { log } = this.#parts
    for (const { id, leases } of found)
      if (!this.#told.has(id))
        log.info(
          { event: 'stray-taken-up', id, addresses: leases.map(formatCidr).join(' ') },
          'it is plugged in, and was not recorded: it keeps what it has',
        )
    for (const lease of refused)
      log.warn(
        { event: 'stray-refused', id: lease.container, address: formatCidr(lease) },
        'it has an address that was given to another one here: detach one of them',
      )
    for (const stray of strays)
      if (!this.#told.has(stray)) log.warn({ event: 'stray', stray }, 'what it has on the overlay cannot be found out')
    this.#told = new Set([...strays, ...found.map(({ id }) => id)])
  }
}
