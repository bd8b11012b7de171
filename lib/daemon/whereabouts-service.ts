import {
  EMBEDDED_IPV4_BITS,
  MESH_PREFIX_BYTES,
  firstAddress,
  formatCidr,
  formatIp,
  formatIpv4,
  lastAddress,
  parseCidr,
  parseIp,
  parseIpv6Cidr,
  type PeerId,
} from '../address/mod.ts'
import type { CallHandlers, Whereabouts } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { REST_MS } from '../ipam/mod.ts'
import type { Domain, ZoneEntry } from '../names/mod.ts'
import type { NodeReport } from '../node/mod.ts'
import { CONTAINER_ID_SHOWN } from './constants.ts'
import type { NodeRunner } from './node-runner.ts'
import type { Service } from './service.ts'
import { Names } from './status/names.ts'

interface Given {
  readonly domain: Pick<Domain, 'full' | 'tryParse'>
  readonly runner: Pick<NodeRunner, 'report'> & {
    readonly node: Pick<NodeRunner['node'], 'leases' | 'names' | 'blockSpace' | 'blockOwner' | 'addresses'>
  }
}

/** Which container is on which host, in the whole mesh: `ps --all` and `whois`. */
export class WhereaboutsService implements Service {
  readonly name = 'whereabouts'
  readonly calls: Pick<CallHandlers, 'containers' | 'whois'>
  readonly #domain: Given['domain']
  readonly #runner: Given['runner']

  constructor({ domain, runner }: Given) {
    this.#domain = domain
    this.#runner = runner
    this.calls = {
      containers: () => ({ containers: this.#shown(runner.node.names.zone.all(), runner.report()) }),
      whois: ({ what }) => ({ containers: this.#whois(what.trim()) }),
    }
  }

  /**
   * The peers behind which an address of the overlay is; undefined when the text is none.
   *
   * @throws WeaveError ADDRESS_UNKNOWN
   */
  peersAt(what: string): PeerId[] | undefined {
    const bare = addressOf(what)
    const ip = bare === undefined ? undefined : parseIp(bare)
    if (bare === undefined || ip === undefined) return undefined
    return [...new Set(this.#at(bare, ip, this.#runner.report()).map(({ peer }) => peer.id as PeerId))]
  }

  /** What the peers of the mesh tell of an address in canonical form; of several the first. Nothing is said of what is free. */
  told(address: string, report: NodeReport): Whereabouts | undefined {
    const ip = parseIp(address)
    if (ip === undefined) return undefined
    const ipv4 = embeddedIpv4(ip, report.mesh.ipv6Prefix)
    const { zone } = this.#runner.node.names
    return this.#shown([...zone.at(address), ...(ipv4 === undefined ? [] : zone.at(formatIp(ipv4)))], report)[0]
  }

  #whois(what: string): Whereabouts[] {
    const report = this.#runner.report()
    const bare = addressOf(what)
    const ip = bare === undefined ? undefined : parseIp(bare)
    if (bare !== undefined && ip !== undefined) return this.#at(bare, ip, report)
    const { zone } = this.#runner.node.names
    const name = this.#domain.tryParse(what)
    const named = name === undefined ? [] : zone.named(name)
    const found = named.length > 0 ? named : zone.all().filter(({ container }) => isMeant(container, what))
    if (found.length > 0) return this.#shown(found, report)
    throw new WeaveError(
      'NAME_UNKNOWN',
      `no container of the mesh is called ${what}, or has that id`,
      'see all with `weave-ts ps --all`',
    )
  }

  #at(what: string, ip: Uint8Array, report: NodeReport): Whereabouts[] {
    const { zone } = this.#runner.node.names
    const ipv4 = embeddedIpv4(ip, report.mesh.ipv6Prefix)
    const told = [...zone.at(formatIp(ip)), ...(ipv4 === undefined ? [] : zone.at(formatIp(ipv4)))]
    if (told.length > 0) return this.#shown([...new Set(told)], report)
    const kept = ipv4 === undefined ? [] : this.#kept(formatIp(ipv4), report)
    if (kept.length > 0) return kept
    throw new WeaveError(
      'ADDRESS_UNKNOWN',
      `no container is known at ${what}; ${ipv4 === undefined ? 'it is no address of this mesh' : this.#ownerOf(ipv4, ip.length > 4, report)}`,
      'see what is where with `weave-ts ps --all`, and who owns which addresses with `weave-ts ipam show`',
    )
  }

  /** What is leased here and not told of: a container that has stopped. */
  #kept(address: string, report: NodeReport): Whereabouts[] {
    const names = new Names(report)
    return this.#runner.node
      .leases()
      .filter(lease => formatIpv4(lease.address) === address)
      .map(({ container }) => ({
        container,
        addresses: [address],
        names: [],
        peer: names.ref(report.self.peerId),
        isReachable: true,
        isPlugged: false,
      }))
  }

  #ownerOf(ip: Uint8Array, isIpv6: boolean, report: NodeReport): string {
    const { node } = this.#runner
    const { blockSpace: space } = node
    const address = new DataView(ip.buffer, ip.byteOffset).getUint32(0)
    const outside = `outside the range ${formatCidr(space.range)}`
    if (!space.holds(address))
      return isIpv6
        ? `it has the prefix of this mesh, and the IPv4 address that it would go with, ${formatIpv4(address)}, is ${outside}`
        : `it is ${outside}`
    if (isIpv6) return `it would go with ${formatIpv4(address)}: ${this.#ownerOf(ip, false, report)}`
    if (address === firstAddress(space.range) || address === lastAddress(space.range)) {
      const which = address === firstAddress(space.range) ? 'first (network)' : 'last (broadcast)'
      return `it is the ${which} address of the range ${formatCidr(space.range)}, and never given`
    }
    const block = space.blockOf(address)
    const owner = node.blockOwner(block)
    const its = `its block ${formatCidr(space.blockCidr(block))}`
    if (owner === undefined) return `${its} belongs to nobody that is known`
    const loan = report.ipam.lent.find(one => one.address === formatIpv4(address))
    if (loan !== undefined) return `this peer lent it to ${new Names(report).short(loan.peer)}`
    if (node.addresses.ipam.isResting(address))
      return `${its} belongs to this peer, where it rests after use, for ${REST_MS / 1_000} s at most`
    if (owner === report.self.peerId) return `${its} belongs to this peer, which gave it to nobody`
    const reach = report.peers.some(({ peerId, isReachable }) => peerId === owner && isReachable)
    return `${its} belongs to ${new Names(report).short(owner)}${reach ? '' : ', which cannot be reached'}`
  }

  #shown(entries: readonly ZoneEntry[], report: NodeReport): Whereabouts[] {
    const names = new Names(report)
    const self = report.self.peerId
    const reachable = new Set(report.peers.filter(peer => peer.isReachable).map(({ peerId }) => peerId))
    return entries
      .map(({ owner, container, addresses, names: relative }) => ({
        container,
        addresses: [...addresses],
        names: relative.map(name => this.#domain.full(name)),
        peer: names.ref(owner),
        isReachable: owner === self || reachable.has(owner),
        isPlugged: true,
      }))
      .sort((a, b) => rank(a, self) - rank(b, self) || compare(keyOf(a), keyOf(b)))
  }
}

/**
 * The address, where an address is meant: `ps` and `attach` show it with its prefix length, so it may come with that.
 * @throws WeaveError BAD_ADDRESS when no address has such a prefix length
 */
function addressOf(what: string): string | undefined {
  const [bare = '', ...rest] = what.split('/')
  if (parseIp(bare) === undefined) return undefined
  if (rest.length === 0 || parseCidr(what) !== undefined || parseIpv6Cidr(what) !== undefined) return bare
  throw new WeaveError('BAD_ADDRESS', `"${what}" is no address with a prefix length`, `ask for ${bare}`)
}

/** A container's id may be cut, as `ps` and Docker show it. */
function isMeant(container: string, what: string): boolean {
  return container === what || (what.length >= CONTAINER_ID_SHOWN && container.startsWith(what))
}

/** What an address of IPv4 is, or one that was derived from it; `prefix`: of the mesh, as it is shown. */
function embeddedIpv4(ip: Uint8Array, prefix: string | undefined): Uint8Array | undefined {
  if (ip.length === 4) return ip
  const mesh = parseIp(prefix?.split('/')[0] ?? '')
  const isOfMesh = mesh !== undefined && ip.subarray(0, MESH_PREFIX_BYTES).every((byte, i) => byte === mesh[i])
  return isOfMesh ? ip.slice(EMBEDDED_IPV4_BITS / 8) : undefined
}

function rank({ peer }: Whereabouts, self: string): number {
  return peer.id === self ? 0 : 1
}

function keyOf({ peer, addresses, container }: Whereabouts): string {
  const ip = parseIp(addresses[0] ?? '') ?? new Uint8Array(0)
  return [peer.nickname, peer.id, ...[...ip].map(byte => String(byte).padStart(3, '0')), container].join(' ')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
