import {
  containsCidr,
  formatCidr,
  formatMac,
  isGroupMac,
  localMac,
  parseCidr,
  parseMac,
  type Cidr,
} from '../address/mod.ts'
import { utf8, WeaveError } from '../base/mod.ts'
import type { DriverHandlers, DriverRequest } from '../docker/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER } from '../ipam/mod.ts'
import { ADDRESS_SPACE } from './driver-addresses.ts'
import { isMulticastWanted, networkSettingsOf } from './driver-options.ts'
import { networkSubnet, type PoolRange } from './driver-pools.ts'
import {
  addressesOf,
  leaseKey,
  networkTitle,
  pairId,
  type DriverRecords,
  type EndpointRecord,
  type NetworkRecord,
} from './driver-records.ts'
import { KeyedTurns } from './keyed-turns.ts'
import type { NameBook } from './name-book.ts'
import type { NodeRunner } from './node-runner.ts'

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
        return {}
      },
      'NetworkDriver.CreateEndpoint': (request, signal) =>
        this.#turns.take(request.EndpointID, () => this.#createEndpoint(request, signal)),
      'NetworkDriver.EndpointOperInfo': () => ({ Value: {} }),
      'NetworkDriver.DeleteEndpoint': async ({ EndpointID }) => {
        await this.forgetEndpoint(EndpointID)
        return {}
      },
      'NetworkDriver.Join': request => this.#turns.take(request.EndpointID, () => this.#join(request)),
      'NetworkDriver.Leave': ({ EndpointID }) => this.#turns.take(EndpointID, () => this.#leave(EndpointID)),
      'NetworkDriver.DiscoverNew': () => ({}),
      'NetworkDriver.DiscoverDelete': () => ({}),
      'NetworkDriver.ProgramExternalConnectivity': () => ({}),
      'NetworkDriver.RevokeExternalConnectivity': () => ({}),
    }
  }

  /** One that Docker has and that was not recorded: this daemon's state is younger than it. Never fails. */
  learn(network: Pick<NetworkRecord, 'id' | 'name' | 'subnets'>, options: Readonly<Record<string, string>>): void {
    const known = this.#parts.records.network(network.id)
    const settings = known ?? { hasMulticast: isMulticastWanted(options), mtu: null }
    if (known?.name !== network.name) this.#parts.records.putNetwork({ ...settings, ...network })
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
  identify(id: string, whose: Pick<EndpointRecord, 'container' | 'description'>): Promise<EndpointRecord | undefined> {
    return this.#turns.take(id, () => {
      const { records } = this.#parts
      const endpoint = records.endpoint(id)
      if (endpoint === undefined || endpoint.sandbox === '') return Promise.resolve(undefined)
      const known = { ...endpoint, ...whose }
      if (known.container !== endpoint.container || known.description !== endpoint.description)
        records.putEndpoint(known)
      return Promise.resolve(known)
    })
  }

  #createNetwork({ NetworkID: id, IPv4Data, IPv6Data, own }: DriverRequest<'NetworkDriver.CreateNetwork'>): void {
    const { records, mesh, runner } = this.#parts
    runner.requireStore()
    const subnets = IPv4Data.map(({ Pool }) => networkSubnet(Pool, mesh.range))
    if (subnets.length === 0)
      throw new WeaveError('BAD_ADDRESS', 'the network has no subnet of IPv4', 'create it with --ipam-driver weave-ts')
    if (IPv6Data.some(({ AddressSpace }) => AddressSpace !== ADDRESS_SPACE))
      throw new WeaveError(
        'BAD_ADDRESS',
        "addresses of IPv6 from Docker's own IPAM driver would be given twice in the mesh",
        'create the network with --ipam-driver weave-ts',
      )
    for (const subnet of subnets) this.#checkOverlap(subnet, id)
    const record = {
      id,
      name: '',
      subnets: [...subnets.map(formatCidr), ...IPv6Data.map(({ Pool }) => Pool)],
      ...networkSettingsOf(own, this.#parts.mtu),
    }
    if (records.network(id) === undefined) records.addNetwork(record)
  }

  /** A subnet inside another's would be neither apart from it nor one with it. The default subnet has all others in it. */
  #checkOverlap(subnet: Cidr, id: string): void {
    const isDefault = (cidr: Cidr) => formatCidr(cidr) === formatCidr(this.#parts.mesh.defaultSubnet)
    for (const network of this.#parts.records.networks())
      for (const text of network.subnets) {
        const other = parseCidr(text)
        if (other === undefined || network.id === id || text === formatCidr(subnet)) continue
        if (isDefault(subnet) || isDefault(other)) continue
        if (containsCidr(subnet, other) || containsCidr(other, subnet))
          throw new WeaveError(
            'RANGE_OVERLAP',
            `the subnet ${formatCidr(subnet)} overlaps ${text} of the network ${networkTitle(network.id, network)}`,
            'give a subnet that is apart from it, or the very same to be one with it',
          )
      }
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
    const cidrs = [formatCidr(cidr), ...(Interface.AddressIPv6 === '' ? [] : [Interface.AddressIPv6])]
    const answer = Interface.MacAddress === '' ? { Interface: { MacAddress: mac } } : {}
    const known = records.endpoint(id)
    if (known?.mac === mac && known.cidrs.join(' ') === cidrs.join(' ')) return answer
    const other =
      known ?? records.endpoints().find(one => one.mac === mac || addressesOf(one)[0] === addressesOf({ cidrs })[0])
    if (other !== undefined)
      throw new WeaveError(
        'ADDRESS_TAKEN',
        `${other.description} has ${other.cidrs.join(' ')} and the MAC address ${other.mac} already`,
        'choose another address, or remove that endpoint first',
      )
    records.requireRoom('endpoints')
    // Leased already when it came from our IPAM driver.
    await runner.requestAddress(leaseKey(mac), { type: 'claim', cidr }, signal, LEASE_HOLDER.docker)
    const description = `a container on the network ${networkTitle(network, records.network(network))}`
    records.putEndpoint({ id, network, cidrs, mac, sandbox: '', container: '', description })
    return answer
  }

  async #join({ EndpointID: id, SandboxKey }: DriverRequest<'NetworkDriver.Join'>): Promise<object> {
    const { records, host } = this.#parts
    const endpoint = records.endpoint(id)
    if (endpoint === undefined)
      throw new WeaveError(
        'NOT_ATTACHED',
        `weave-ts does not know the endpoint ${id.slice(0, 12)}`,
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
    return {
      InterfaceName: { SrcName: pair.guestInterface, DstPrefix: GUEST_PREFIX },
      StaticRoutes:
        hasMulticast && isFirst
          ? MULTICAST_HALVES.map(Destination => ({ Destination, RouteType: CONNECTED, NextHop: '' }))
          : [],
    }
  }

  async #leave(id: string): Promise<object> {
    const { records, host, book } = this.#parts
    const endpoint = records.endpoint(id)
    if (endpoint === undefined) return {}
    book.set(leaseKey(endpoint.mac), [], [])
    await host.removePair(pairId(id))
    records.putEndpoint({ ...endpoint, sandbox: '' })
    return {}
  }
}

function macOf(text: string) {
  const mac = parseMac(text.toLowerCase())
  if (mac !== undefined && !isGroupMac(mac)) return mac
  throw new WeaveError('BAD_ADDRESS', `"${text}" is no MAC address of a container`, 'give another --mac-address')
}
