import { WeaveError } from '../base/mod.ts'
import type { StateStore } from '../io/mod.ts'
import {
  DRIVER_ENDPOINTS_MAX,
  DRIVER_ENDPOINT_PREFIX,
  DRIVER_NETWORKS_MAX,
  DRIVER_NETWORK_PREFIX,
} from './constants.ts'

/** A network of Docker whose driver is ours. */
export interface NetworkRecord {
  /** 64 hex characters. */
  readonly id: string
  /** Empty until Docker was asked: libnetwork does not tell it. */
  readonly name: string
  /** As they were given, IPv6 too. */
  readonly subnets: readonly string[]
  readonly hasMulticast: boolean
  /** Null: that of the overlay. */
  readonly mtu: number | null
}

/** A container's place on such a network. */
export interface EndpointRecord {
  /** 64 hex characters. */
  readonly id: string
  readonly network: string
  /** The IPv4 address first. */
  readonly cidrs: readonly string[]
  readonly mac: string
  /** Of the container that has joined; empty while none has. */
  readonly sandbox: string
  /** Its id, once it is known; libnetwork does not tell it. */
  readonly container: string
  readonly description: string
  /** Whoever runs the container has IPv6 switched off in it. */
  readonly isIpv6Off?: boolean
}

/**
 * The networks and endpoints of Docker in the state store: libnetwork tells them once, and never again. Nobody else writes
 * them.
 */
export class DriverRecords {
  readonly #store: Pick<StateStore, 'range' | 'get' | 'write'>
  /** All of a prefix, as of the last write: each request for an address looks through the endpoints. */
  readonly #known = new Map<string, readonly object[]>()

  constructor(store: Pick<StateStore, 'range' | 'get' | 'write'>) {
    this.#store = store
  }

  networks(): readonly NetworkRecord[] {
    return this.#all<NetworkRecord>(DRIVER_NETWORK_PREFIX)
  }

  network(id: string): NetworkRecord | undefined {
    return this.#get<NetworkRecord>(DRIVER_NETWORK_PREFIX + id)
  }

  /** Fails with DRIVER_FULL. */
  addNetwork(record: NetworkRecord): void {
    this.requireRoom('networks')
    this.putNetwork(record)
  }

  /** Fails with DRIVER_FULL when there are as many as may be. */
  requireRoom(what: 'networks' | 'endpoints'): void {
    const [count, most] =
      what === 'networks'
        ? [this.networks().length, DRIVER_NETWORKS_MAX]
        : [this.endpoints().length, DRIVER_ENDPOINTS_MAX]
    if (count < most) return
    throw new WeaveError(
      'DRIVER_FULL',
      `Docker has ${count} ${what} of the driver weave-ts on this host, which is the most`,
      'remove some that are not used: docker network prune, docker container prune',
    )
  }

  putNetwork(record: NetworkRecord): void {
    this.#put(DRIVER_NETWORK_PREFIX, record)
  }

  deleteNetwork(id: string): void {
    this.#write(DRIVER_NETWORK_PREFIX, [], [DRIVER_NETWORK_PREFIX + id])
  }

  endpoints(): readonly EndpointRecord[] {
    return this.#all<EndpointRecord>(DRIVER_ENDPOINT_PREFIX)
  }

  endpoint(id: string): EndpointRecord | undefined {
    return this.#get<EndpointRecord>(DRIVER_ENDPOINT_PREFIX + id)
  }

  /** Why what has an address or a MAC keeps it from others. */
  takenError({ network, ...endpoint }: EndpointRecord): WeaveError {
    const command = disconnectCommand({ network, ...endpoint }, this.network(network))
    return new WeaveError(
      'ADDRESS_TAKEN',
      `${endpoint.description} has ${endpoint.cidrs.join(' ')} and the MAC address ${endpoint.mac} already`,
      `choose another, or take that container off the network first: \`${command}\``,
    )
  }

  /** Commands that take a container off the networks that it is on. */
  disconnects(container: string): string[] {
    return this.endpoints()
      .filter(one => one.container === container)
      .map(one => disconnectCommand(one, this.network(one.network)))
  }

  putEndpoint(record: EndpointRecord): void {
    this.#put(DRIVER_ENDPOINT_PREFIX, record)
  }

  deleteEndpoint(id: string): void {
    this.#write(DRIVER_ENDPOINT_PREFIX, [], [DRIVER_ENDPOINT_PREFIX + id])
  }

  #all<T extends object>(prefix: string): readonly T[] {
    const known = this.#known.get(prefix)
    if (known !== undefined) return known as readonly T[]
    const all = this.#store.range(prefix).map(([, value]) => decode<T>(value))
    this.#known.set(prefix, all)
    return all
  }

  #get<T>(key: string): T | undefined {
    const value = this.#store.get(key)
    return value && decode<T>(value)
  }

  #put(prefix: string, record: { readonly id: string }): void {
    this.#write(prefix, [[prefix + record.id, new TextEncoder().encode(JSON.stringify(record))]], [])
  }

  #write(prefix: string, puts: readonly (readonly [string, Uint8Array])[], deletes: readonly string[]): void {
    // First: a write that fails may have happened.
    this.#known.delete(prefix)
    this.#store.write(puts, deletes)
  }
}

/** What a network is called: by Docker's name once that is known, else by the beginning of its id. */
export function networkTitle(id: string, network: NetworkRecord | undefined): string {
  return network === undefined || network.name === '' ? id.slice(0, 12) : network.name
}

/** How to take a container off a network. */
function disconnectCommand(endpoint: EndpointRecord, network: NetworkRecord | undefined): string {
  const name = /^container (\S+) on the network /.exec(endpoint.description)?.[1]
  const container = name ?? (endpoint.container === '' ? 'NAME' : endpoint.container.slice(0, 12))
  return `docker network disconnect ${networkTitle(endpoint.network, network)} ${container}`
}

/** By which the host and `ps` know an endpoint. */
export function pairId(endpoint: string): string {
  return `docker:${endpoint}`
}

/** For whom the address of an endpoint is leased, and by which its names are published. */
export function leaseKey(mac: string): string {
  return `docker:${mac}`
}

/** What it has of both families, in CIDR form. */
export function familiesOfEndpoint({ cidrs, isIpv6Off = false }: Pick<EndpointRecord, 'cidrs' | 'isIpv6Off'>): {
  readonly cidrs: string[]
  readonly ipv6: string[]
} {
  const isIpv6 = (cidr: string) => cidr.includes(':')
  return { cidrs: cidrs.filter(cidr => !isIpv6(cidr)), ipv6: isIpv6Off ? [] : cidrs.filter(isIpv6) }
}

/** Without prefix length. */
export function addressesOf(endpoint: Pick<EndpointRecord, 'cidrs' | 'isIpv6Off'>): string[] {
  const { cidrs, ipv6 } = familiesOfEndpoint(endpoint)
  return [...cidrs, ...ipv6].map(cidr => cidr.split('/')[0]!)
}

function decode<T>(value: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(value)) as T
}
