import type { Logger } from 'pino'
import type { AttachmentFound, Status } from '../api/mod.ts'
import { errorText } from '../base/mod.ts'
import type { DriverHandlers, DriverServer } from '../docker/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { DriverAddresses } from './driver-addresses.ts'
import { DriverContainers, type DriverContainerParts } from './driver-containers.ts'
import { DriverNetworks, type DriverParts } from './driver-networks.ts'
import { familiesOfEndpoint, leaseKey, networkTitle, pairId, type DriverRecords } from './driver-records.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { explained } from './status/trouble.ts'

type Served = Pick<DriverServer, 'close'>

/** The network driver and the IPAM driver of Docker: `docker network create -d weave-ts`. */
export class DriverService implements Service {
  readonly name = 'driver'
  readonly #records: DriverRecords
  readonly #host: Pick<HostNetwork, 'list'>
  readonly #serve: (() => Promise<Served>) | undefined
  readonly #socket: string
  readonly #namesOf: (key: string) => string[]
  readonly #containers: DriverContainers | undefined
  readonly #log: Pick<Logger, 'info' | 'warn'>
  #served: Served | undefined
  #trouble: string | undefined

  constructor(parts: {
    network: DriverParts
    host: Pick<HostNetwork, 'routeInto'>
    runner: ConstructorParameters<typeof DriverAddresses>[0]['runner'] & Pick<NodeRunner, 'report'>
    /** Whole names that are published by this key. */
    namesOf: (key: string) => string[]
    /** Undefined: containers are not to be followed, and nothing is served. */
    engine: DriverContainerParts['engine'] | undefined
    containers: Omit<DriverContainerParts, 'engine' | 'networks' | 'records'>
    socket: string
    serve: (path: string, handlers: DriverHandlers) => Promise<Served>
  }) {
    const { network, runner, engine } = parts
    const { records, mesh } = network
    this.#records = records
    this.#host = parts.containers.host
    this.#namesOf = parts.namesOf
    this.#log = parts.containers.log
    this.#socket = parts.socket
    const networks = new DriverNetworks(network, () => this.#containers?.follow())
    this.#containers = engine && new DriverContainers({ ...parts.containers, engine, networks, records })
    const calls = explaining(
      {
        'Plugin.Activate': () => ({ Implements: ['NetworkDriver', 'IpamDriver'] }),
        ...networks.calls,
        ...new DriverAddresses({ runner, records, mesh, host: parts.host }).calls,
      },
      runner,
    )
    this.#serve = engine && (() => parts.serve(parts.socket, calls))
  }

  /** Waits for nothing of Docker, which may wait for this. */
  async reconcile(): Promise<void> {
    void this.#containers?.look()
    if (this.#serve === undefined || this.#served !== undefined) return
    try {
      this.#served = await this.#serve()
      this.#trouble = undefined
      this.#log.info({ event: 'driver', socket: this.#socket }, 'Docker may use networks of the overlay')
    } catch (error) {
      this.#trouble = errorText(error)
      throw error
    }
  }

  report(): Pick<Status, 'driver'> {
    return {
      driver: {
        state: this.#serve === undefined ? 'off' : this.#served === undefined ? 'failed' : 'serving',
        socket: this.#serve === undefined ? null : this.#socket,
        why: this.#trouble ?? null,
        networks: this.#records.networks().map(({ id, name, subnets }) => ({ id, name, subnets: [...subnets] })),
        endpoints: this.#records.endpoints().length,
      },
    }
  }

  warnings(): readonly string[] {
    const misused = this.#containers?.warnings() ?? []
    if (this.#trouble === undefined) return misused
    return [`Docker cannot use networks of the overlay (the driver weave-ts): ${this.#trouble}`, ...misused]
  }

  /** What is plugged in for Docker, by what the host knows it. */
  get targetIds(): readonly string[] {
    return this.#records.endpoints().map(({ id }) => pairId(id))
  }

  /** Endpoints as `ps` shows them. */
  async list(): Promise<AttachmentFound[]> {
    const endpoints = this.#records.endpoints()
    if (endpoints.length === 0) return []
    const present = new Set((await this.#host.list()).map(end => end.targetId))
    return endpoints.map(({ id, network, container, description, mac, cidrs, isIpv6Off = false }) => ({
      id: container === '' ? pairId(id) : container,
      description,
      mac,
      ...familiesOfEndpoint({ cidrs, isIpv6Off }),
      isIpv6Off,
      names: this.#namesOf(leaseKey(mac)),
      isPresent: present.has(pairId(id)),
      network: networkTitle(network, this.#records.network(network)),
    }))
  }

  /** What joins and leaves later finds no socket, and is told so by Docker; what is joined stays. */
  async stop(): Promise<void> {
    await this.#served?.close()
    this.#served = undefined
    await this.#containers?.stop()
  }
}

/** Says of a wait for addresses what is in the way. */
function explaining(handlers: DriverHandlers, runner: Pick<NodeRunner, 'report'>): DriverHandlers {
  const ask = handlers['IpamDriver.RequestAddress']
  return {
    ...handlers,
    'IpamDriver.RequestAddress': async (request, signal) => {
      try {
        return await ask(request, signal)
      } catch (error) {
        throw explained(error, () => runner.report())
      }
    },
  }
}
