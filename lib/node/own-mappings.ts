import { endpointParts, isDialable, parseEndpoint, type Cidr, type Endpoint, type PeerId } from '../address/mod.ts'
import { BoundedMap, TokenBucket, type Millis } from '../base/mod.ts'
import { PORT_MAPPING, RENDEZVOUS_ENDPOINTS_MAX, type PortMapping } from '../wire/mod.ts'
import {
  MAPPING_LASTS_MS,
  MAPPING_NEWS_MAX,
  MAPPING_NEWS_MS,
  MAPPING_OBSERVERS_MAX,
  OBSERVER_NEWS_MAX,
  OBSERVER_NEWS_MS,
} from './constants.ts'

interface Observation {
  readonly endpoint: Endpoint
  readonly at: Millis
}

/** What an observer may still say that nobody else sees; it outlives the path to it. */
interface Allowance {
  readonly news: TokenBucket
  believed: Endpoint | undefined
}

/**
 * Where peers see this one, by their probe replies: what a NAT on the way makes of its address and port.
 *
 * An observer may lie, and all to whom there is no direct path then probe where it says. So of each a few endpoints are
 * believed that nobody else sees, and more only as time goes by; and all of them together make news only so often.
 */
export class OwnMappings {
  readonly #port: number
  readonly #overlay: Cidr | undefined
  readonly #advertised: readonly Endpoint[]
  readonly #observations = new BoundedMap<PeerId, Observation>(MAPPING_OBSERVERS_MAX)
  readonly #allowances = new BoundedMap<PeerId, Allowance>(MAPPING_OBSERVERS_MAX)
  readonly #news = new TokenBucket(MAPPING_NEWS_MAX, 1000 / MAPPING_NEWS_MS)

  /** `port`, `advertised`: of this peer; `overlay`: the range of its addresses, where no NAT is. */
  constructor(given: { readonly port: number; readonly advertised: readonly Endpoint[]; readonly range: Cidr }) {
    this.#port = given.port
    this.#overlay = given.range
    this.#advertised = given.advertised
  }

  /** Whether an endpoint that somebody told of may be probed. */
  mayProbe(endpoint: Endpoint): boolean {
    return isDialable(endpoint, this.#overlay)
  }

  /**
   * A probe reply of a peer says where it came from. True when that is news to others, of which they are to be told at
   * once; news that come too often are told with the next round.
   */
  handleSeen(peer: PeerId, text: string, now: Millis): boolean {
    const endpoint = parseEndpoint(text)
    if (endpoint === undefined || !this.mayProbe(endpoint)) return false
    if (!this.#isBelievable(peer, endpoint, now)) return false
    const before = this.endpoints(now)
    this.#observations.set(peer, { endpoint, at: now })
    const isNews = this.endpoints(now).some(one => !before.includes(one))
    return isNews && this.#news.take(1, now)
  }

  /** The path to the peer is no more: it sees nothing. */
  forget(peer: PeerId): void {
    this.#observations.delete(peer)
  }

  /** Those that this peer does not advertise itself: what most see first, then what was seen last. */
  endpoints(now: Millis): Endpoint[] {
    const counts = new Map<Endpoint, number>()
    // The newest observation is the last one.
    for (const { endpoint } of [...this.#recent(now)].reverse())
      if (!this.#advertised.includes(endpoint)) counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1)
    return [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, RENDEZVOUS_ENDPOINTS_MAX)
      .map(([endpoint]) => endpoint)
  }

  /** What happens to the port on the way. Two who see one address and not one port: each destination has another. */
  mapping(now: Millis): PortMapping {
    const portAt = new Map<string, number>()
    for (const { endpoint } of this.#recent(now)) {
      if (this.#advertised.includes(endpoint)) continue
      const { ip, port } = endpointParts(endpoint)
      const address = ip.join('.')
      if ((portAt.get(address) ?? port) !== port) return PORT_MAPPING.varying
      portAt.set(address, port)
    }
    if (portAt.size === 0) return PORT_MAPPING.unknown
    return [...portAt.values()].every(port => port === this.#port) ? PORT_MAPPING.kept : PORT_MAPPING.changed
  }

  /** Whether others see that too, or the peer said so before, or has not said too much of late. */
  #isBelievable(peer: PeerId, endpoint: Endpoint, now: Millis): boolean {
    if (this.#advertised.includes(endpoint)) return true
    const allowance = this.#allowances.get(peer) ?? {
      news: new TokenBucket(OBSERVER_NEWS_MAX, 1000 / OBSERVER_NEWS_MS),
      believed: undefined,
    }
    this.#allowances.set(peer, allowance)
    const isSeen = allowance.believed === endpoint || this.#isSeenByOthers(peer, endpoint, now)
    if (!isSeen && !allowance.news.take(1, now)) return false
    allowance.believed = endpoint
    return true
  }

  #isSeenByOthers(peer: PeerId, endpoint: Endpoint, now: Millis): boolean {
    for (const [observer, one] of this.#observations.entries)
      if (observer !== peer && one.endpoint === endpoint && now - one.at < MAPPING_LASTS_MS) return true
    return false
  }

  *#recent(now: Millis): Generator<Observation, undefined> {
    for (const one of this.#observations.entries.values()) if (now - one.at < MAPPING_LASTS_MS) yield one
    return undefined
  }
}
