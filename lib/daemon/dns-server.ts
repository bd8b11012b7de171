import {
  contains,
  endpointHost,
  endpointOf,
  formatCidr,
  isLinkLocalIpv6,
  isPrivateAddress,
  parseCidr,
  parseIp,
  parseIpv4,
  type Cidr,
  type Endpoint,
} from '../address/mod.ts'
import type { Status } from '../api/mod.ts'
import { errorText, isDrop } from '../base/mod.ts'
import type { DnsHandler, DnsListener, DnsUpstream } from '../io/mod.ts'
import { Answerer, DNS_PORT, RCODE, containerServers } from '../names/mod.ts'
import type { Node } from '../node/mod.ts'
import type { AssemblySeams } from './assembly-seams.ts'
import type { DaemonConfig } from './config.ts'
import { DNS_LISTENERS_MAX } from './constants.ts'
import type { DerivedSettings } from './settings.ts'

export interface DnsServerParts {
  readonly answerer: Pick<Answerer, 'handle' | 'handOn' | 'refused' | 'failure'>
  readonly upstream: Pick<DnsUpstream, 'ask' | 'servers' | 'stop'>
  listen(endpoint: Endpoint, handle: DnsHandler): Promise<Pick<DnsListener, 'close'>>
  /** What the operator named; undefined: the addresses of the bridge. */
  readonly named: readonly Endpoint[] | undefined
  /** Those that the bridge has now. */
  bridgeAddresses(): readonly string[]
  /** In CIDR form: besides private addresses, whoever is in one of these may have others asked. */
  clients(): readonly string[]
}

/** The server of a daemon, or none. */
export function dnsServerOf(
  config: DaemonConfig,
  { range, domain, dnsListen }: DerivedSettings,
  given: {
    readonly node: Pick<Node, 'names' | 'config'>
    readonly seams: Pick<AssemblySeams, 'interfaces' | 'chance' | 'listenDns' | 'upstream'>
    /** Of the host on the overlay, in CIDR form. */
    readonly exposed: () => readonly string[]
  },
): DnsServer | undefined {
  if (!config.dns) return undefined
  const { node, seams, exposed } = given
  const upstream = seams.upstream(config.resolvConf, address => server.isOwn(address))
  const answerer = new Answerer({
    zone: node.names.zone,
    domain,
    ttlSeconds: config.dnsTtl,
    range,
    chance: seams.chance,
    first: config.dnsLocalFirst ? node.config.identity.peerId : undefined,
    isForwarding: () => upstream.servers.length > 0,
  })
  const server = new DnsServer({
    answerer,
    upstream,
    listen: seams.listenDns,
    named: dnsListen,
    bridgeAddresses: () => [
      ...exposed().map(cidr => cidr.split('/')[0]!),
      ...(seams.interfaces()[config.bridge] ?? []).map(({ address }) => address),
    ],
    clients: () => [
      formatCidr(range),
      ...exposed(),
      ...(seams.interfaces()[config.bridge] ?? []).flatMap(({ cidr }) => cidr ?? []),
    ],
  })
  return server
}

/** Answers queries at the addresses where it should, which come and go. */
export class DnsServer {
  readonly #parts: DnsServerParts
  readonly #listening = new Map<Endpoint, Pick<DnsListener, 'close'>>()
  /** Why it does not listen where it should. */
  readonly #troubles = new Map<Endpoint, string>()
  readonly #counts = { total: 0, forwarded: 0, failed: 0, dropped: 0 }
  #clients: readonly Cidr[] = []
  #turn: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(parts: DnsServerParts) {
    this.#parts = parts
  }

  /** Listens wherever it should and does not, and nowhere else. */
  reconcile(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#reconcile())
    return this.#turn
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#parts.upstream.stop()
    await this.#turn
    await Promise.all([...this.#listening.values()].map(listener => listener.close()))
    this.#listening.clear()
  }

  isOwn(address: string): boolean {
    return this.#listening.has(endpointOf(parseIp(address)!, DNS_PORT))
  }

  /** Addresses where what is attached here can ask. */
  containerServers(): string[] {
    return containerServers(this.#listening.keys())
  }

  report(): Pick<Status['dns'], 'listening' | 'upstream' | 'queries'> {
    return {
      listening: [...this.#listening.keys()],
      upstream: [...this.#parts.upstream.servers],
      queries: { ...this.#counts },
    }
  }

  warnings(): readonly string[] {
    return [...this.#troubles.values()].map(trouble => `DNS does not answer there: ${trouble}`)
  }

  async #reconcile(): Promise<void> {
    if (this.#isStopped) return
    this.#clients = this.#parts.clients().flatMap(cidr => parseCidr(cidr) ?? [])
    const wanted = new Set(this.#wanted())
    for (const endpoint of this.#troubles.keys()) if (!wanted.has(endpoint)) this.#troubles.delete(endpoint)
    for (const [endpoint, listener] of [...this.#listening])
      if (!wanted.has(endpoint)) {
        this.#listening.delete(endpoint)
        await listener.close()
      }
    for (const endpoint of wanted)
      if (!this.#listening.has(endpoint))
        try {
          const listener = await this.#parts.listen(endpoint, (...asked) => this.#handle(...asked))
          this.#listening.set(endpoint, listener)
          this.#troubles.delete(endpoint)
        } catch (error) {
          // Never the end of the daemon: it is tried again, and status says so meanwhile.
          this.#troubles.set(endpoint, errorText(error))
        }
  }

  #wanted(): readonly Endpoint[] {
    const { named } = this.#parts
    if (named !== undefined) return named
    return this.#parts
      .bridgeAddresses()
      .flatMap(address => {
        const ip = parseIp(address)
        return ip === undefined || isLinkLocalIpv6(ip) ? [] : [endpointOf(ip, DNS_PORT)]
      })
      .slice(0, DNS_LISTENERS_MAX)
  }

  #handle(...[query, isTcp, source]: Parameters<DnsHandler>): ReturnType<DnsHandler> {
    this.#counts.total++
    const { answerer } = this.#parts
    const found = answerer.handle(query, isTcp)
    const isRefused = !isDrop(found) && found.type === 'forward' && !this.#isClient(source)
    const outcome = isRefused ? answerer.refused(found.query, isTcp) : found
    if (isDrop(outcome)) {
      this.#counts.dropped++
      return undefined
    }
    if (outcome.type === 'answer') return outcome.bytes
    this.#counts.forwarded++
    // What the socket gave is used again for the next query.
    return this.#forward(Uint8Array.from(query), outcome.query, isTcp)
  }

  /** Whoever reaches the port may ask for names of the mesh; others are asked for no stranger, or this were an open resolver. */
  #isClient(source: string): boolean {
    if (isPrivateAddress(source) || [...this.#listening.keys()].some(endpoint => endpointHost(endpoint) === source))
      return true
    const ipv4 = parseIpv4(source)
    return ipv4 !== undefined && this.#clients.some(cidr => contains(cidr, ipv4))
  }

  async #forward(
    bytes: Uint8Array,
    query: Parameters<Answerer['failure']>[0],
    isTcp: boolean,
  ): Promise<Uint8Array | undefined> {
    const answer = await this.#parts.upstream.ask(query, bytes, isTcp)
    if (answer !== undefined) return this.#parts.answerer.handOn(query, answer, isTcp)
    if (this.#isStopped) return undefined
    this.#counts.failed++
    const failure = this.#parts.answerer.failure(query, isTcp)
    return !isDrop(failure) && failure.type === 'answer' && failure.rcode === RCODE.serverFailure
      ? failure.bytes
      : undefined
  }
}
