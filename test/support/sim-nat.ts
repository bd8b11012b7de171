import { endpointOf, type EndpointParts } from '../../lib/address/mod.ts'
import { assert, type Chance, type Millis } from '../../lib/base/mod.ts'

/** On what of the destination a mapping depends, or what of a source must have been sent to (RFC 4787 §4.1, §5). */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

export interface NatKind {
  readonly mapping: NatDependence
  readonly filtering: NatDependence
  /** Whether a host's own port is kept where it is free; else it is drawn. */
  readonly keepsPort: boolean
  /** Whether hosts behind it reach each other by its outer address. */
  readonly hairpins: boolean
  /** How long a mapping lasts that nothing uses. */
  readonly timeoutMs: Millis
  /** As Linux without a rule for what comes in: a datagram that nobody asked for takes the port that it came to. */
  readonly isTaken?: boolean
}

/** Where NATs and hosts are: the public underlay is undefined. */
export type Realm = SimNat | undefined

interface Mapping {
  readonly inner: EndpointParts
  readonly innerKey: string
  /** What of the destination it is for. */
  readonly scope: string
  readonly port: number
  usedAt: Millis
  /** Destinations that were sent to, by the time. */
  readonly sent: Map<string, Millis>
}

/** A NAT of one kind, with hosts or other NATs behind it. It holds its own mappings, and forgets them. */
export class SimNat {
  readonly kind: NatKind
  readonly outside: Realm
  readonly #chance: Chance
  #ip: Uint8Array
  #mappings: Mapping[] = []
  /** When a datagram that nobody asked for came, by what it came from and to. */
  readonly #taken = new Map<string, Millis>()
  /** How often it forgot everything. */
  resets = 0

  constructor(kind: NatKind, given: { readonly ip: Uint8Array; readonly outside: Realm; readonly chance: Chance }) {
    this.kind = kind
    this.outside = given.outside
    this.#chance = given.chance
    this.#ip = given.ip
  }

  get ip(): Uint8Array {
    return this.#ip
  }

  /** All mappings are forgotten, as with a restart; with another address, if one is given. */
  reset(ip = this.#ip): void {
    this.#ip = ip
    this.#mappings = []
    this.#taken.clear()
    this.resets++
  }

  isAt(ip: Uint8Array): boolean {
    return keyOf({ ip, port: 1 }) === keyOf({ ip: this.#ip, port: 1 })
  }

  /** What goes out of it: its new source. */
  outbound(source: EndpointParts, destination: EndpointParts, now: Millis): EndpointParts {
    this.#expire(now)
    const { mapping, timeoutMs } = this.kind
    const innerKey = keyOf(source)
    const scope = scopeOf(mapping, destination)
    let found = this.#mappings.find(one => one.innerKey === innerKey && one.scope === scope)
    if (found === undefined) {
      const port = this.#portFor(source, destination, now)
      found = { inner: source, innerKey, scope, port, usedAt: now, sent: new Map() }
      this.#mappings.push(found)
    }
    found.usedAt = now
    found.sent.set(keyOf(destination), now)
    for (const [key, at] of found.sent) if (now - at >= timeoutMs) found.sent.delete(key)
    return { ip: this.#ip, port: found.port }
  }

  /** To whom a datagram goes that arrives at one of its ports; undefined: to nobody. */
  inbound(source: EndpointParts, port: number, now: Millis): EndpointParts | undefined {
    this.#expire(now)
    const found = this.#mappings.find(one => one.port === port && this.#lets(one, source))
    if (found === undefined) {
      if (this.kind.isTaken === true) this.#taken.set(`${keyOf(source)} ${port}`, now)
      return undefined
    }
    // What comes in keeps a mapping, and what was answered goes on (RFC 4787 §4.3).
    found.usedAt = now
    if (found.sent.has(keyOf(source))) found.sent.set(keyOf(source), now)
    return found.inner
  }

  /** Whoever a mapping of a port belongs to now, whether or not it would let anything in. */
  ownerOf(port: number, now: Millis): EndpointParts | undefined {
    this.#expire(now)
    return this.#mappings.find(one => one.port === port)?.inner
  }

  #lets({ sent }: Mapping, source: EndpointParts): boolean {
    const { filtering } = this.kind
    if (filtering === 'endpoint-independent') return true
    if (filtering === 'address-and-port-dependent') return sent.has(keyOf(source))
    return [...sent.keys()].some(key => key.slice(0, key.lastIndexOf(':')) === addressOf(source))
  }

  #portFor(source: EndpointParts, destination: EndpointParts, now: Millis): number {
    const { keepsPort, mapping, isTaken } = this.kind
    // A port may be shared by what goes to different destinations, if mappings depend on these.
    const isFree = (port: number) =>
      !this.#mappings.some(
        one => one.port === port && (mapping === 'endpoint-independent' || one.scope === scopeOf(mapping, destination)),
      ) &&
      !(isTaken === true && now - (this.#taken.get(`${keyOf(destination)} ${port}`) ?? -Infinity) < this.kind.timeoutMs)
    if (keepsPort && isFree(source.port)) return source.port
    for (let tries = 0; tries < 1_000; tries++) {
      const port = 20_000 + Math.floor(this.#chance() * 40_000)
      if (isFree(port) && !this.#mappings.some(one => one.port === port)) return port
    }
    assert(false, 'no port is free')
  }

  #expire(now: Millis): void {
    const { timeoutMs } = this.kind
    this.#mappings = this.#mappings.filter(one => now - one.usedAt < timeoutMs)
    for (const { sent } of this.#mappings) for (const [key, at] of sent) if (now - at >= timeoutMs) sent.delete(key)
    for (const [key, at] of this.#taken) if (now - at >= timeoutMs) this.#taken.delete(key)
  }
}

function keyOf({ ip, port }: EndpointParts): string {
  return endpointOf(ip, port)
}

function addressOf(endpoint: EndpointParts): string {
  const key = keyOf(endpoint)
  return key.slice(0, key.lastIndexOf(':'))
}

function scopeOf(dependence: NatDependence, destination: EndpointParts): string {
  if (dependence === 'endpoint-independent') return ''
  return dependence === 'address-dependent' ? addressOf(destination) : keyOf(destination)
}
