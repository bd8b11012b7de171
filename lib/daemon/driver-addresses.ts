import { formatCidr, formatIp, formatIpv4, formatIpv6, formatMac, parseIp, type Ipv4 } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { DriverHandlers, DriverRequest } from '../docker/mod.ts'
import type { HostNetwork } from '../host/mod.ts'
import { LEASE_HOLDER } from '../ipam/mod.ts'
import { macOf } from './driver-interface.ts'
import {
  addressIn,
  askedPool,
  formatPool,
  pooledIpv6,
  parsePool,
  subnetText,
  type Pool,
  type PoolRange,
} from './driver-pools.ts'
import { addressesOf, leaseKey, type DriverRecords } from './driver-records.ts'
import type { NodeRunner } from './node-runner.ts'

/** Of networks whose addresses the mesh manages. */
export const ADDRESS_SPACE = 'weave-ts'
/** Whose leases the addresses are that no container is to get (`--aux-address`). */
export const RESERVED_KEY = leaseKey('reserved')

const GATEWAY = 'com.docker.network.gateway'
const MAC_OPTION = 'com.docker.network.endpoint.macaddress'

type AddressCalls = Pick<DriverHandlers, Extract<keyof DriverHandlers, `IpamDriver.${string}`>>
type AddressRequest = DriverRequest<'IpamDriver.RequestAddress'>

/** The addresses of Docker's networks, from the mesh: libnetwork's IPAM driver. Keeps nothing but leases. */
export class DriverAddresses {
  readonly calls: AddressCalls
  readonly #runner: Pick<NodeRunner, 'input' | 'requestAddress' | 'requireStore'> & {
    readonly node: Pick<NodeRunner['node'], 'leases' | 'leasesOf'>
  }
  readonly #records: Pick<DriverRecords, 'endpoints' | 'takenError'>
  readonly #host: Pick<HostNetwork, 'routeInto'>
  readonly #mesh: PoolRange

  constructor(parts: {
    runner: Pick<NodeRunner, 'input' | 'requestAddress' | 'requireStore'> & {
      readonly node: Pick<NodeRunner['node'], 'leases' | 'leasesOf'>
    }
    records: Pick<DriverRecords, 'endpoints' | 'takenError'>
    host: Pick<HostNetwork, 'routeInto'>
    mesh: PoolRange
  }) {
    this.#runner = parts.runner
    this.#records = parts.records
    this.#host = parts.host
    this.#mesh = parts.mesh
    this.calls = {
      // The MAC tells which endpoint asks: a request that is repeated gets the same address again.
      'IpamDriver.GetCapabilities': () => ({ RequiresMACAddress: true, RequiresRequestReplay: false }),
      'IpamDriver.GetDefaultAddressSpaces': () => ({
        LocalDefaultAddressSpace: ADDRESS_SPACE,
        GlobalDefaultAddressSpace: ADDRESS_SPACE,
      }),
      'IpamDriver.RequestPool': request => this.#requestPool(request),
      'IpamDriver.ReleasePool': () => ({}),
      'IpamDriver.RequestAddress': (request, signal) => this.#request(request, signal),
      // An IPv6 address that the network driver gave is of no pool.
      'IpamDriver.ReleaseAddress': ({ PoolID, Address }) =>
        PoolID === '' ? {} : this.#release(poolOf(PoolID), Address),
    }
  }

  async #requestPool({ Pool, SubPool, V6, Options }: DriverRequest<'IpamDriver.RequestPool'>): Promise<object> {
    const unknown = Object.keys(Options)[0]
    if (unknown !== undefined)
      throw new WeaveError('USAGE', `there is no --ipam-opt ${unknown.slice(0, 80)}`, 'leave it out: there is none')
    const pool = askedPool(Pool, SubPool, V6, this.#mesh)
    if (Pool === '') await this.#checkFree()
    const text = subnetText(pool)
    // No address is spent on a gateway that is none: libnetwork is content with the name of the subnet.
    return { PoolID: formatPool(pool), Pool: text, Data: { [GATEWAY]: text } }
  }

  /**
   * A pool that libnetwork did not name is compared by it with the host's routes, and when it overlaps one, another is
   * asked for, without end. One that it named is not.
   */
  async #checkFree(): Promise<void> {
    const { defaultSubnet } = this.#mesh
    const route = await this.#host.routeInto(defaultSubnet)
    if (route === undefined) return
    const subnet = formatCidr(defaultSubnet)
    throw new WeaveError(
      'RANGE_OVERLAP',
      `this host has a route to ${route}, inside the default subnet ${subnet} (it is exposed there, or another interface ` +
        'leads there), and Docker takes no such subnet unless it is named',
      `name it: --subnet ${subnet}`,
    )
  }

  async #request(request: AddressRequest, signal: AbortSignal): Promise<object> {
    const pool = poolOf(request.PoolID)
    // The same network has the same gateway on every host, so it is no host's alone.
    if (request.Options['RequestAddressType'] === GATEWAY) return { Address: gatewayIn(pool, request.Address) }
    const given = request.Options[MAC_OPTION] ?? ''
    const mac = given === '' ? undefined : macOf(given)
    if (mac === undefined && (request.Address === '' || pool.family === 6))
      throw new WeaveError(
        'USAGE',
        'an address was asked for without the MAC address that it is for',
        'use Docker 1.11 or later',
      )
    const key = mac === undefined ? RESERVED_KEY : leaseKey(formatMac(mac))
    if (pool.family === 6) return { Address: this.#ipv6(pool, key, request.Address) }
    this.#runner.requireStore()
    const form =
      request.Address === ''
        ? ({ type: 'subnet', subnet: pool.part } as const)
        : ({ type: 'claim', cidr: { address: addressIn(pool, request.Address), prefix: pool.subnet.prefix } } as const)
    if (mac !== undefined) this.#checkMac(formatMac(mac))
    if (form.type === 'claim') this.#checkClaim(form.cidr.address, key)
    const [cidr] = await this.#runner.requestAddress(key, form, signal, LEASE_HOLDER.docker)
    return { Address: `${formatIpv4(cidr!.address)}/${pool.subnet.prefix}` }
  }

  /** All containers of the mesh are on one Ethernet: a MAC that two of them have would cut both off. */
  #checkMac(mac: string): void {
    const other = this.#records.endpoints().find(one => one.mac === mac)
    if (other !== undefined) throw this.#records.takenError(other)
  }

  /** In the words of Docker, for what Docker holds here. */
  #checkClaim(address: Ipv4, key: string): void {
    const lease = this.#runner.node.leases(LEASE_HOLDER.docker).find(one => one.address === address)
    if (lease === undefined || lease.container === key) return
    const text = formatIpv4(address)
    const other = this.#records.endpoints().find(one => addressesOf(one).includes(text))
    if (other !== undefined) throw this.#records.takenError(other)
    throw new WeaveError(
      'ADDRESS_TAKEN',
      lease.container === RESERVED_KEY
        ? `the address ${text} is kept from containers, by --aux-address of a network`
        : `the address ${text} is that of a container of Docker which starts or has just ended`,
      'choose another address, or try again in a minute',
    )
  }

  #ipv6(pool: Extract<Pool, { family: 6 }>, key: string, wanted: string): string {
    const used = new Set(this.#records.endpoints().flatMap(addressesOf))
    const lease = this.#runner.node
      .leasesOf(key, LEASE_HOLDER.docker)
      .find(({ address }) => !used.has(formatIpv4(address)))
    if (lease === undefined)
      throw new WeaveError(
        'BAD_ADDRESS',
        'an IPv6 address was asked for, but there is no IPv4 address that it could be made from',
        'give the network a subnet of IPv4 as well',
      )
    const address = pooledIpv6(pool, lease.address)
    if (wanted !== '' && canonical(wanted) !== address)
      throw new WeaveError(
        'BAD_ADDRESS',
        `the IPv6 address ${wanted} cannot be had: it is made from the IPv4 address, so it is ${address}`,
        'choose the IPv4 address with --ip, and leave --ip6 out',
      )
    return `${address}/${pool.prefix}`
  }

  /** Whatever is not leased is free already; what an endpoint still has stays leased. */
  #release(pool: Pool, address: string): object {
    if (pool.family === 6) return {}
    const lease = this.#runner.node.leases(LEASE_HOLDER.docker).find(one => formatIpv4(one.address) === address)
    if (lease === undefined || this.#records.endpoints().some(one => addressesOf(one).includes(address))) return {}
    this.#runner.input((node, now) => node.freeAddresses(lease.container, lease.address, now, LEASE_HOLDER.docker))
    return {}
  }
}

function canonical(text: string): string | undefined {
  const ip = parseIp(text)
  return ip && formatIp(ip)
}

function gatewayIn(pool: Pool, wanted: string): string {
  if (pool.family === 4)
    return `${formatIpv4(wanted === '' ? pool.subnet.address : addressIn(pool, wanted))}/${pool.subnet.prefix}`
  const address = wanted === '' ? formatIpv6(pool.first) : canonical(wanted)
  if (address !== undefined) return `${address}/${pool.prefix}`
  throw new WeaveError('BAD_ADDRESS', `"${wanted}" is no IPv6 address`, 'give another --gateway, or none')
}

function poolOf(text: string): Pool {
  const pool = parsePool(text)
  if (pool !== undefined) return pool
  throw new WeaveError(
    'BAD_ADDRESS',
    `there is no pool of addresses called "${text.slice(0, 80)}"`,
    'remove the network and create it again',
  )
}
