import { endpointParts, isDialable, parseEndpoint, type Cidr, type Endpoint, type PeerId } from '../address/mod.ts'
import { BoundedMap, type Millis } from '../base/mod.ts'
import { PORT_MAPPING, RENDEZVOUS_ENDPOINTS_MAX, type PortMapping } from '../wire/mod.ts'
import { MAPPING_LASTS_MS, MAPPING_OBSERVERS_MAX } from './constants.ts'

interface Observation {
  readonly endpoint: Endpoint
  readonly at: Millis
}

/** Where peers see this one, by their probe replies: what a NAT on the way makes of its address and port. */
export class OwnMappings {
  readonly #port: number
  readonly #overlay: Cidr | undefined
  readonly #advertised: readonly Endpoint[]
  readonly #observations = new BoundedMap<PeerId, Observation>(MAPPING_OBSERVERS_MAX)

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

  /** A probe reply of a peer says where it came from. True when that is news to others. */
  handleSeen(peer: PeerId, text: string, now: Millis): boolean {
    const endpoint = parseEndpoint(text)
    if (endpoint === undefined || !this.mayProbe(endpoint)) return false
    const before = this.endpoints(now)
    this.#observations.set(peer, { endpoint, at: now })
    return this.endpoints(now).some(one => !before.includes(one))
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

  *#recent(now: Millis): Generator<Observation, undefined> {
    for (const one of this.#observations.entries.values()) if (now - one.at < MAPPING_LASTS_MS) yield one
    return undefined
  }
}
