import type { Logger } from 'pino'
import { formatIpv4 } from '../address/mod.ts'
import { errorText, printable, WeaveError, type Millis } from '../base/mod.ts'
import {
  NETWORK_EVENT_FILTERS,
  type DockerClient,
  type DockerEvent,
  type DockerNetwork,
  type EventFilters,
  type EventListener,
  type EventStream,
} from '../docker/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER } from '../ipam/mod.ts'
import { isContainerId } from './attachment-records.ts'
import { DRIVER_NAME, DRIVER_ORPHAN_MS } from './constants.ts'
import type { DriverNetworks } from './driver-networks.ts'
import { addressesOf, leaseKey, pairId, type DriverRecords } from './driver-records.ts'
import { few } from './few.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'
import { Mending } from './mending.ts'

type Stream = Pick<EventStream, 'isUp' | 'start' | 'stop'>

export interface NetworkEngine extends Pick<DockerClient, 'networks' | 'network' | 'inspectNetworked'> {
  events(listener: EventListener, filters: EventFilters): Stream
}

export interface DriverContainerParts {
  readonly engine: NetworkEngine
  readonly networks: Pick<DriverNetworks, 'learn' | 'named' | 'identify' | 'forgetEndpoint' | 'forgetNetwork'>
  readonly records: DriverRecords
  readonly host: Pick<HostNetwork, 'resolve' | 'list' | 'adoptPair'>
  readonly runner: Pick<NodeRunner, 'input'> & { readonly node: Pick<NodeRunner['node'], 'leases'> }
  readonly book: Pick<NameBook, 'domain' | 'set'>
  readonly now: () => Millis
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/** The addresses of all endpoints on our networks, as Docker knows them, by the names of their pairs. */
export async function endpointAddresses(
  engine: Pick<NetworkEngine, 'networks' | 'network'> | undefined,
): Promise<ReadonlyMap<string, string>> {
  const listed = (await engine?.networks()) ?? []
  const ours = listed.filter(({ driver }) => driver === DRIVER_NAME)
  const known = await Promise.all(ours.map(({ id }) => engine?.network(id)))
  const endpoints = known.flatMap(network => network?.endpoints ?? [])
  return new Map(endpoints.map(({ id, address }) => [pairId(id), address]))
}

/**
 * What libnetwork does not tell of its endpoints: Docker is asked whose they are, for their names and for our settings of
 * the interface; and which there are at all, so that nothing is left of those that ended while nobody listened.
 */
export class DriverContainers {
  readonly #parts: DriverContainerParts
  readonly #stream: Stream
  readonly #mending: Mending
  /** Since when Docker does not know what is recorded, or leased. */
  readonly #orphans = new Map<string, Millis>()
  /** Endpoints whose interface has our settings, by the container that they were given in. */
  readonly #adopted = new Map<string, string>()
  /** Networks whose addresses are of the mesh, and which are not on it. */
  #misused: readonly DockerNetwork[] = []
  #isFollowing = false
  #isLooking = false
  /** A gap came while Docker was being asked. */
  #isToLookAgain = false

  constructor(parts: DriverContainerParts) {
    this.#parts = parts
    this.#stream = parts.engine.events(
      { onUp: () => void this.look(true), onEvent: event => this.#hear(event), onDown: () => undefined },
      NETWORK_EVENT_FILTERS,
    )
    this.#mending = new Mending(
      id => this.#mend(id),
      (id, { text, attempts }) =>
        parts.log.warn({ event: 'driver-mend', id, attempts, error: text }, 'could not be named'),
    )
  }

  /** Listens to Docker from the first network on: most hosts have none. */
  follow(): void {
    if (this.#isFollowing) return
    this.#isFollowing = true
    this.#stream.start()
  }

  /**
   * Compares what is recorded with what Docker says; it is not waited for, since Docker may hang. `isAfterGap`: also
   * what seems to be known may have changed.
   */
  async look(isAfterGap = false): Promise<void> {
    if (this.#parts.records.networks().length > 0) this.follow()
    if (this.#isLooking) {
      this.#isToLookAgain ||= isAfterGap
      return
    }
    this.#isLooking = true
    try {
      const listed = (await this.#parts.engine.networks()).filter(isOurs)
      const known = (await Promise.all(listed.map(({ id }) => this.#parts.engine.network(id)))).filter(
        network => network !== undefined,
      )
      this.#misused = known.filter(({ driver }) => driver !== DRIVER_NAME)
      await this.#compare(known, isAfterGap)
    } catch (error) {
      // That Docker is away is shown by who follows it.
      if (!(error instanceof WeaveError) || error.code !== 'DOCKER_UNREACHABLE')
        this.#parts.log.warn({ event: 'driver-look', error: errorText(error) }, 'networks could not be compared')
    } finally {
      this.#isLooking = false
    }
    if (!this.#isToLookAgain) return
    this.#isToLookAgain = false
    await this.look(true)
  }

  /** Of networks that take a part of the mesh's range away from it, as Docker said last. */
  warnings(): readonly string[] {
    const warnings = this.#misused.map(
      ({ id, name, driver, subnets }) =>
        `the network ${printable(name)} of Docker's driver ${printable(driver)} has ${subnets.map(printable).join(' ')} of the ` +
        'mesh, but is not on the overlay, and the route to it keeps this host from being exposed and from the next launch: ' +
        `remove it with \`docker network rm ${id.slice(0, 12)}\`, and create it with -d ${DRIVER_NAME}`,
    )
    return few(
      warnings,
      more => `${more} more networks of Docker have addresses of the mesh and are not on the overlay`,
    )
  }

  async stop(): Promise<void> {
    this.#stream.stop()
    await this.#mending.stop()
  }

  #hear({ type, action, id, attributes }: DockerEvent): void {
    const container = type === 'container' ? id : (attributes['container'] ?? '')
    if (!isContainerId(container)) return
    const isOfOurs =
      type === 'network' ? action === 'connect' : this.#parts.records.endpoints().some(one => one.container === id)
    if (isOfOurs) this.#mending.ask(container)
  }

  async #compare(networks: readonly DockerNetwork[], isAfterGap: boolean): Promise<void> {
    const { records } = this.#parts
    for (const { driver, options, id, name, subnets } of networks)
      if (driver === DRIVER_NAME) this.#parts.networks.learn({ id, name: printable(name), subnets }, options)
    for (const { container, id } of networks.flatMap(({ endpoints }) => endpoints)) {
      const record = records.endpoint(id)
      if (container !== '' && record !== undefined && (isAfterGap || this.#adopted.get(id) !== container))
        this.#mending.ask(container)
    }
    await this.#freeOrphans(networks)
  }

  async #freeOrphans(networks: readonly DockerNetwork[]): Promise<void> {
    const { records, host, runner, log } = this.#parts
    const endpoints = new Set(networks.flatMap(network => network.endpoints.map(({ id }) => id)))
    const held = new Set([
      ...networks.flatMap(network => [...network.endpoints.map(({ address }) => address), ...network.reserved]),
      ...records.endpoints().flatMap(addressesOf),
    ])
    // What is plugged into something alive stays: another engine may run it.
    const alive = new Set((await host.list()).filter(end => end.isLoose !== true).map(end => end.targetId))
    const orphans = [
      ...records
        .endpoints()
        .filter(({ id }) => !endpoints.has(id) && !alive.has(pairId(id)))
        .map(({ id }) => id),
      ...this.#unknownNetworks(networks),
    ]
    const leases = runner.node.leases(LEASE_HOLDER.docker).filter(({ address }) => !held.has(formatIpv4(address)))
    const keys = new Set([...orphans, ...leases.map(({ address }) => formatIpv4(address))])
    for (const key of this.#orphans.keys()) if (!keys.has(key)) this.#orphans.delete(key)
    for (const id of orphans) {
      if (!this.#isOverdue(id)) continue
      if (records.endpoint(id) === undefined) await this.#parts.networks.forgetNetwork(id)
      else await this.#parts.networks.forgetEndpoint(id)
      log.info({ event: 'driver-orphan', id }, 'Docker does not know it any more: it is given up')
    }
    for (const { container, address } of leases) {
      if (!this.#isOverdue(formatIpv4(address))) continue
      runner.input((node, now) => node.freeAddresses(container, address, now, LEASE_HOLDER.docker))
      log.info(
        { event: 'driver-orphan', address: formatIpv4(address) },
        'no container has it: the address is given back',
      )
    }
  }

  #unknownNetworks(networks: readonly DockerNetwork[]): string[] {
    const { records } = this.#parts
    const known = new Set(networks.map(({ id }) => id))
    const inUse = new Set(records.endpoints().map(({ network }) => network))
    return records
      .networks()
      .map(({ id }) => id)
      .filter(id => !known.has(id) && !inUse.has(id))
  }

  #isOverdue(key: string): boolean {
    const now = this.#parts.now()
    const since = this.#orphans.get(key) ?? now
    this.#orphans.set(key, since)
    return now - since >= DRIVER_ORPHAN_MS
  }

  /** Names of a container on our networks, and our settings on its interfaces there. */
  async #mend(id: string): Promise<void> {
    const { engine, networks, records, host, book } = this.#parts
    const container = await engine.inspectNetworked(id).catch((error: unknown) => {
      if (error instanceof WeaveError && error.code === 'TARGET_NOT_FOUND') return undefined
      throw error
    })
    for (const { id: endpoint, networkName, aliases } of container?.endpoints ?? []) {
      if (container === undefined || records.endpoint(endpoint) === undefined) continue
      const name = printable(container.names[0] ?? '')
      const description = `container ${name} on the network ${printable(networkName)}`
      let record = await networks.identify(endpoint, { container: id, description })
      if (record === undefined) continue
      if (this.#adopted.get(endpoint) !== id) {
        const { addresses } = await host.adoptPair(pairId(endpoint), await host.resolve(id))
        // \`docker run --sysctl net.ipv6.conf.all.disable_ipv6=1\` takes away what Docker has just given.
        const isIpv6Off = record.cidrs.some(cidr => cidr.includes(':')) && !addresses.some(each => each.includes(':'))
        record = await networks.identify(endpoint, { container: id, description, isIpv6Off })
        if (record === undefined) continue
        this.#adopted.set(endpoint, id)
      }
      networks.named(record.network, printable(networkName))
      const names = [...container.names, ...aliases].flatMap(text => book.domain.tryParse(text) ?? [])
      book.set(leaseKey(record.mac), addressesOf(record), [...new Set(names)])
    }
    for (const endpoint of this.#adopted.keys())
      if (records.endpoint(endpoint) === undefined) this.#adopted.delete(endpoint)
  }
}

function isOurs({ driver, ipamDriver }: DockerNetwork): boolean {
  return driver === DRIVER_NAME || ipamDriver === DRIVER_NAME
}
