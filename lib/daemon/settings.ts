import type { NetworkInterfaceInfo } from 'node:os'
import {
  endpointParts,
  isLinkLocalIpv6,
  containsCidr,
  endpointOf,
  formatCidr,
  hasHostBits,
  parseCidr,
  parseEndpoint,
  parseIp,
  subnetOf,
  type Cidr,
  type Endpoint,
} from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { RANGE_PREFIX_MIN, SUBNET_PREFIX_MAX } from '../ipam/mod.ts'
import { parsePeerName } from '../io/mod.ts'
import { DNS_PORT, Domain } from '../names/mod.ts'
import { ADVERTISED_ENDPOINTS_MAX } from '../topology/mod.ts'
import type { ElectionPlan } from '../node/mod.ts'
import type { DaemonConfig } from './config.ts'
import { METRICS_PORT } from './constants.ts'
import { electionPlanOf } from './election-plan.ts'

/** What of the configuration is text, in the forms that the daemon works with. */
export interface DerivedSettings {
  readonly range: Cidr
  readonly defaultSubnet: Cidr
  /** Undefined: a launch without peers founds, and nobody else does by itself. */
  readonly election: ElectionPlan | undefined
  /** The address to listen on; undefined: all. */
  readonly ip: Uint8Array | undefined
  readonly advertised: readonly Endpoint[]
  /** Addresses among the peers named: the routes to them tell which MTU the underlay has. */
  readonly peerAddresses: readonly string[]
  readonly domain: Domain
  /** Where DNS answers; undefined: at the addresses of the bridge. */
  readonly dnsListen: readonly Endpoint[] | undefined
  /** Where Prometheus may ask; undefined: at the API only. */
  readonly metrics: Endpoint | undefined
}

/**
 * Judges what a schema cannot. `interfaces`: of this host, as `os.networkInterfaces` gives them.
 * @throws WeaveError CONFIG_INVALID, BAD_PEER
 */
export function derivedSettingsOf(
  config: DaemonConfig,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): DerivedSettings {
  const range = rangeOption(config.ipallocRange)
  const subnet = config.ipallocDefaultSubnet
  const hosts = (config.peers ?? []).map(peer => parsePeerName(peer, config.port).host)
  return {
    range,
    defaultSubnet: subnet === null ? range : subnetOption(subnet, range),
    election: electionOf(config),
    ip: listenAddress(config.host),
    advertised: advertisedEndpoints(config, interfaces),
    domain: new Domain(config.dnsDomain),
    dnsListen: config.dnsListenAddress.length === 0 ? undefined : config.dnsListenAddress.map(dnsEndpoint),
    metrics: config.metrics === null ? undefined : metricsEndpoint(config.metrics),
    peerAddresses: hosts.filter(host => parseIp(host) !== undefined),
  }
}

/** Who holds no blocks does not found, nor does who is to come into a mesh that there is. */
function electionOf({ ipallocInit, ephemeral, mesh }: DaemonConfig): ElectionPlan | undefined {
  const plan = ipallocInit === null ? undefined : electionPlanOf(ipallocInit)
  if (mesh !== null && plan !== undefined)
    throw new WeaveError(
      'CONFIG_INVALID',
      `--mesh was given together with --ipalloc-init ${ipallocInit ?? ''}: who is to come into a mesh that there is does not decide who founds`,
      'leave one of them out; one of an earlier launch goes with --forget-option ipalloc-init, or --forget-option mesh',
    )
  if (!ephemeral || plan?.type === 'observer') return plan
  if (plan === undefined) return { type: 'observer' }
  throw new WeaveError(
    'CONFIG_INVALID',
    `--ephemeral was given together with --ipalloc-init ${ipallocInit ?? ''}: who holds no address blocks does not found`,
    'leave one of them out, or give --ipalloc-init observer',
  )
}

function rangeOption(text: string): Cidr {
  const range = cidrOption('--ipalloc-range', text)
  if (range.prefix >= RANGE_PREFIX_MIN && range.prefix <= SUBNET_PREFIX_MAX) return range
  throw new WeaveError(
    'CONFIG_INVALID',
    `--ipalloc-range ${text} is too ${range.prefix < RANGE_PREFIX_MIN ? 'large' : 'small'}: a range is of /${RANGE_PREFIX_MIN} to /${SUBNET_PREFIX_MAX}`,
    'give another, such as 10.32.0.0/12, the same on every peer',
  )
}

function subnetOption(text: string, range: Cidr): Cidr {
  const subnet = cidrOption('--ipalloc-default-subnet', text)
  if (subnet.prefix <= SUBNET_PREFIX_MAX && containsCidr(range, subnet)) return subnet
  throw new WeaveError(
    'CONFIG_INVALID',
    `--ipalloc-default-subnet ${text} is ${subnet.prefix > SUBNET_PREFIX_MAX ? `smaller than /${SUBNET_PREFIX_MAX}` : `not inside --ipalloc-range ${formatCidr(range)}`}`,
    `give a subnet of ${formatCidr(range)} with at least 4 addresses, or leave the option out for all of it`,
  )
}

function cidrOption(name: string, text: string): Cidr {
  const cidr = parseCidr(text)
  if (cidr === undefined)
    throw new WeaveError('CONFIG_INVALID', `${name} ${text} is not a CIDR`, 'write it as in 10.32.0.0/12')
  if (hasHostBits(cidr))
    throw new WeaveError('CONFIG_INVALID', `${name} ${text} has host bits set`, `write ${formatCidr(subnetOf(cidr))}`)
  return cidr
}

function listenAddress(host: string | null): Uint8Array | undefined {
  if (host === null) return undefined
  const ip = parseIp(host)
  if (ip === undefined)
    throw new WeaveError('CONFIG_INVALID', `--host ${host} is not an IP address`, 'give an address of this host')
  return ip
}

/** An answer must come from where the question went: so no wildcard. */
function dnsEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text, DNS_PORT)
  if (endpoint !== undefined && !/^(0\.0\.0\.0|\[::\]):/.test(endpoint)) return endpoint
  throw new WeaveError(
    'CONFIG_INVALID',
    `--dns-listen-address ${text} is not an address of a host`,
    'write IP or IP:PORT, once for each address',
  )
}

function metricsEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text, METRICS_PORT)
  if (endpoint !== undefined) return endpoint
  throw new WeaveError(
    'CONFIG_INVALID',
    `--metrics ${text} is not an address`,
    `write IP or IP:PORT of this host, such as 127.0.0.1:${METRICS_PORT}, or 0.0.0.0 for all`,
  )
}

/** What the operator advertises, else the addresses of this host's interfaces. */
function advertisedEndpoints(config: DaemonConfig, interfaces: Parameters<typeof derivedSettingsOf>[1]): Endpoint[] {
  if (config.advertise.length > ADVERTISED_ENDPOINTS_MAX)
    throw new WeaveError(
      'CONFIG_INVALID',
      `--advertise names ${config.advertise.length} addresses; the limit is ${ADVERTISED_ENDPOINTS_MAX}`,
      'name only those at which others reach this peer',
    )
  if (config.advertise.length > 0)
    return config.advertise.map(text => {
      const endpoint = parseEndpoint(text.replace(/%[^\]]*/, ''), config.port)
      if (endpoint !== undefined && isLinkLocalIpv6(endpointParts(endpoint).ip))
        throw new WeaveError(
          'CONFIG_INVALID',
          `--advertise ${text} is link-local: other hosts cannot know by which interface it is reached`,
          'leave it out; a neighbour names it itself, as in `weave-ts connect fe80::1%eth0`',
        )
      if (endpoint !== undefined && !text.includes('%')) return endpoint
      throw new WeaveError('CONFIG_INVALID', `--advertise ${text} is not an address`, 'write IP or IP:PORT')
    })
  if (config.host !== null) return [parseEndpoint(config.host, config.port)].filter(endpoint => endpoint !== undefined)
  return Object.entries(interfaces)
    .filter(([name]) => name !== config.bridge && name !== config.device && !name.startsWith('docker'))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(address => !address.internal)
    .flatMap(address => {
      const ip = parseIp(address.address)
      return ip === undefined || isLinkLocalIpv6(ip) ? [] : [endpointOf(ip, config.port)]
    })
    .slice(0, ADVERTISED_ENDPOINTS_MAX)
}
