import { formatCidr, formatMac, localMac, parseCidr } from '../address/mod.ts'
import { utf8, WeaveError } from '../base/mod.ts'
import type { DriverHandlers, DriverRequest } from '../docker/mod.ts'
import { OVERLAY_MTU_IPV6_MIN, type HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER } from '../ipam/mod.ts'
import { endpointAnswer, ipv6Interface, macOf } from './driver-interface.ts'
import { knownSettingsOf, networkSettingsOf } from './driver-options.ts'
import type { PoolRange } from './driver-pools.ts'
import {
  addressesOf,
  leaseKey,
  networkTitle,
  pairId,
  type DriverRecords,
  type EndpointRecord,
  type NetworkRecord,
} from './driver-records.ts'
import { checkApart, checkSame, knownSubnets, newSubnets } from './driver-subnets.ts'
import type { Ipv6Plan } from './ipv6-plan.ts'
import { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'

/** Ids are never given again, so it is enough that those of the last seconds are known. */
const ENDED_NETWORKS_MAX = 256
/** Called as Docker calls them: `eth0`, `eth1`, …. */
const GUEST_PREFIX = 'eth'
/** 224.0.0.0/4 in two: a container that was attached has a route for the whole already, and a second one is an error. */
const MULTICAST_HALVES = ['224.0.0.0/5', '232.0.0.0/5']
/** Of a route without a gateway. */
const CONNECTED = 1

type NetworkCalls = Pick<DriverHandlers, Extract<keyof DriverHandlers, `NetworkDriver.${string}`>>

/** What networks and their endpoints stand on. */
export interface DriverParts {
  readonly host: Pick<HostNetwork, 'makePair' | 'removePair'>
  readonly runner: Pick<NodeRunner, 'input' | 'requestAddress' | 'requireStore'>
  readonly records: DriverRecords
  readonly book: Pick<NameBook, 'set'>
  readonly mesh: PoolRange
  readonly ipv6: Pick<Ipv6Plan, 'of'>
  /** Of the overlay, in bytes. */
  readonly mtu: number
  /** Of so many bytes. */
  readonly hash: (bytes: Uint8Array, length: number) => Uint8Array
}

/**
 * Networks of Docker on the overlay: libnetwork's network driver. What it is told is recorded before it is done, so that
 * a daemon that starts again knows it; what is repeated changes nothing.
 */
export class DriverNetworks {
  readonly calls: NetworkCalls
  readonly #parts: DriverParts
  /** Whoever changes an endpoint takes a turn of its id. */
  readonly #turns = new KeyedTurns()
  /** Networks that Docker has ended, the last ones: a list of Docker that is older may still name them. */
  readonly #ended = new Set<string>()

  /** `onNetwork`: there is one more. */
  constructor(parts: DriverParts, onNetwork: () => void) {
    this.#parts = parts
    this.calls = {
      'NetworkDriver.GetCapabilities': () => ({ Scope: 'local', ConnectivityScope: 'global' }),
      'NetworkDriver.CreateNetwork': request => {
        this.#createNetwork(request)
        onNetwork()
        return {}
      },
      'NetworkDriver.DeleteNetwork': async ({ NetworkID }) => {
        await this.forgetNetwork(NetworkID)
        this.#ended.add(NetworkID)
        const [oldest] = this.#ended
        if (this.#ended.size > ENDED_NETWORKS_MAX) this.#ended.delete(oldest!)
        return {}
      },
      'NetworkDriver.CreateEndpoint': (request, signal) =>
        this.#turns.take(request.EndpointID, () => this.#createEndpoint(request, signal)),
      'NetworkDriver.EndpointOperInfo': () => ({ Value: {} }),
      'NetworkDriver.DeleteEndpoint': async at => {
        if (this.#endpointAt(at) !== undefined) await this.forgetEndpoint(at.EndpointID)
        return {}
      },
      'NetworkDriver.Join': request => this.#turns.take(request.EndpointID, () => this.#join(request)),
      'NetworkDriver.Leave': at =>
        this.#turns.take(at.EndpointID, async () => {
          if (this.#endpointAt(at) !== undefined) await this.#leave(at.EndpointID)
          return {}
        }),
      'NetworkDriver.DiscoverNew': () => ({}),
      'NetworkDriver.DiscoverDelete': () => ({}),
      'NetworkDriver.ProgramExternalConnectivity': () => ({}),
      'NetworkDriver.RevokeExternalConnectivity': () => ({}),
    }
  }

  /** One that Docker has and that was not recorded: this daemon's state is younger than it. Never fails. */
  learn(network: Pick<NetworkRecord, 'id' | 'name' | 'subnets'>, options: Readonly<Record<string, string>>): void {
    if (this.#ended.has(network.id)) return
    const known = this.#parts.records.network(network.id)
    const settings = known ?? knownSettingsOf(options, this.#parts.mtu)
    if (known?.name !== network.name)
      this.#parts.records.putNetwork({ ...settings, ...network, subnets: knownSubnets(network.subnets) })
  }

  /** What it is called. Never fails for one that is not recorded. */
  named(id: string, name: string): void {
    const known = this.#parts.records.network(id)
    if (known !== undefined && known.name !== name) this.#parts.records.putNetwork({ ...known, name })
  }

  /** Ends a network with whatever is left on it. None is no error. */
  async forgetNetwork(id: string): Promise<void> {
    const { records } = this.#parts
    for (const endpoint of records.endpoints()) if (endpoint.network === id) await this.forgetEndpoint(endpoint.id)
    records.deleteNetwork(id)
  }

  /** Gives the interface, the address and the names of an endpoint back. None is no error. */
  forgetEndpoint(id: string): Promise<void> {
    return this.#turns.take(id, async () => {
      const { records, runner } = this.#parts
      const endpoint = records.endpoint(id)
      if (endpoint === undefined) return
      await this.#leave(id)
      records.deleteEndpoint(id)
      runner.input((node, now) => node.freeAddresses(leaseKey(endpoint.mac), undefined, now, LEASE_HOLDER.docker))
    })
  }

  /** Notes whose an endpoint is, while it is joined. */
  identify(
    id: string,
    whose: Pick<EndpointRecord, 'container' | 'description' | 'isIpv6Off'>,
  ): Promise<EndpointRecord | undefined> {
    return this.#turns.take(id, () => {
      const { records } = this.#parts
      const endpoint = records.endpoint(id)
      if (endpoint === undefined || endpoint.sandbox === '') return Promise.resolve(undefined)
      const known = { ...endpoint, ...whose }
      const isNews =
        known.container !== endpoint.container ||
        known.description !== endpoint.description ||
        known.isIpv6Off !== endpoint.isIpv6Off
      if (isNews) records.putEndpoint(known)
      return Promise.resolve(known)
    })
  }

  #createNetwork(request: DriverRequest<'NetworkDriver.CreateNetwork'>): void {
    const { NetworkID: id } = request
    const { records, mesh, runner } = this.#parts
    runner.requireStore()
    const { ipv4, texts } = newSubnets(request, mesh.range)
    const others = records.networks().filter(network => network.id !== id)
    for (const subnet of ipv4) checkApart(subnet, others, mesh.defaultSubnet)
    const record = { id, name: '', subnets: texts, ...networkSettingsOf(request.own, this.#parts.mtu) }
    const known = records.network(id)
    if (known === undefined) records.addNetwork(record)
    else checkSame(known, texts)
  }

  async #createEndpoint(request: DriverRequest<'NetworkDriver.CreateEndpoint'>, signal: AbortSignal): Promise<object> {
    const { NetworkID: network, EndpointID: id, Interface } = request
    const { records, runner, hash } = this.#parts
    runner.requireStore()
    const cidr = parseCidr(Interface.Address)
    if (cidr === undefined)
      throw new WeaveError(
        'BAD_ADDRESS',
        'the endpoint has no address of IPv4',
        'create the network with --ipam-driver weave-ts',
      )
    const mac = formatMac(Interface.MacAddress === '' ? localMac(hash(utf8(id), 6)) : macOf(Interface.MacAddress))
    const asked = [formatCidr(cidr), ...(Interface.AddressIPv6 === '' ? [] : [ipv6Interface(Interface.AddressIPv6)])]
    const isDrawn = Interface.MacAddress === ''
    const known = records.endpoint(id)
    if (known?.network === network && known.mac === mac && asked.every((text, at) => known.cidrs[at] === text))
      return endpointAnswer(known, asked, isDrawn)
    const other =
      known ??
      records.endpoints().find(one => one.mac === mac || addressesOf(one)[0] === addressesOf({ cidrs: asked })[0])
    if (other !== undefined) throw records.takenError(other)
    records.requireRoom('endpoints')
    // Leased already when it came from our IPAM driver.
    await runner.requestAddress(leaseKey(mac), { type: 'claim', cidr }, signal, LEASE_HOLDER.docker)
    const description = `a container on the network ${networkTitle(network, records.network(network))}`
    const cidrs = [...asked, ...this.#derived(network, asked)]
    records.putEndpoint({ id, network, cidrs, mac, sandbox: '', container: '', description })
    return endpointAnswer({ cidrs, mac }, asked, isDrawn)
  }

  /**
   * The IPv6 address that goes with the IPv4 address, as attached containers have it. libnetwork takes it from the
   * network driver where its IPAM has given none; not on an interface whose MTU is below that of IPv6.
   */
  #derived(network: string, asked: readonly string[]): string[] {
    const mtu = this.#parts.records.network(network)?.mtu ?? this.#parts.mtu
    return asked.length > 1 || mtu < OVERLAY_MTU_IPV6_MIN ? [] : this.#parts.ipv6.of(asked)
  }

  /** Undefined for what is not on the network that is named with it. */
  #endpointAt({ NetworkID, EndpointID }: DriverRequest<'NetworkDriver.Leave'>): EndpointRecord | undefined {
    const endpoint = this.#parts.records.endpoint(EndpointID)
    return endpoint?.network === NetworkID ? endpoint : undefined
  }

  async #join({ SandboxKey, ...at }: DriverRequest<'NetworkDriver.Join'>): Promise<object> {
    const { records, host, book } = this.#parts
    const id = at.EndpointID
    const endpoint = this.#endpointAt(at)
    if (endpoint === undefined)
      throw new WeaveError(
        'NOT_ATTACHED',
        `weave-ts does not know the endpoint ${id.slice(0, 12)} on the network ${networkTitle(at.NetworkID, records.network(at.NetworkID))}`,
        'disconnect the container from the network and connect it again',
      )
    const network = records.network(endpoint.network)
    const { mtu = null, hasMulticast = true } = network ?? {}
    const pair = await host.makePair(pairId(id), { mac: endpoint.mac, ...(mtu !== null && { mtu }) })
    // A container has one route for multicast, by the first of its networks.
    const isFirst = !records
      .endpoints()
      .some(one => one.id !== id && one.sandbox === SandboxKey && records.network(one.network)?.hasMulticast !== false)
    records.putEndpoint({ ...endpoint, sandbox: SandboxKey })
    // Its names follow, once Docker was asked for them.
    book.set(leaseKey(endpoint.mac), addressesOf(endpoint), [])
    return {
      InterfaceName: { SrcName: pair.guestInterface, DstPrefix: GUEST_PREFIX },
      StaticRoutes:
        hasMulticast && isFirst
          ? MULTICAST_HALVES.map(Destination => ({ Destination, RouteType: CONNECTED, NextHop: '' }))
          : [],
    }
  }

  async #leave(id: string): Promise<void> {
    const { records, host, book } = this.#parts
    const endpoint = records.endpoint(id)
    if (endpoint === undefined) return
    book.set(leaseKey(endpoint.mac), [], [])
    await host.removePair(pairId(id))
    records.putEndpoint({ ...endpoint, sandbox: '' })
  }
}
