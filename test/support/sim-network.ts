import { endpointOf, endpointParts, type Endpoint, type EndpointParts } from '../../lib/address/mod.ts'
import { assert, concatBytes, type Chance, type Millis } from '../../lib/base/mod.ts'
import { LINK_BUFFER_BYTES_MAX } from '../../lib/io/link-socket.ts'
import type { SimClock } from './sim-clock.ts'
import { SimMailbox } from './sim-mailbox.ts'
import { SimNat, type NatKind, type Realm } from './sim-nat.ts'
import { BACKLOG_HIGH_BYTES, BACKLOG_LOW_BYTES, StreamEnd, type SimSite, type SimUnderlay } from './sim-stream.ts'

export const SIM_PORT = 6783
/** A peer is refused, or its connection given up, after so long without a way. */
const DIAL_TIMEOUT_MS = 8_000
const STREAM_TIMEOUT_MIN_MS = 10_000
const STREAM_TIMEOUT_MAX_MS = 60_000
const RETRANSMIT_MS = 400
/** What is added to the third byte of an address with each move: so there are seven, for 8,000 hosts. */
const MOVE_STEP = 32

/** The underlay between all hosts: ordered reliable streams, and datagrams that suffer what `weather` says. */
export class SimNetwork implements SimUnderlay {
  readonly weather = { extraMs: 0, jitterMs: 1, loss: 0, duplicate: 0, reorderMs: 0 }
  onWire: SimUnderlay['onWire']
  /** How many bytes per second the line of a stream takes; undefined for as many as come. */
  bytesPerSecond: (from: number, to: number) => number | undefined = () => undefined
  /** Which hosts have a way at all, partitions and NATs aside. */
  hasRoute: (from: number, to: number) => boolean = () => true
  /** How long ways take, all of them; undefined: each is drawn one. */
  latencyMs: Millis | undefined
  /** Whether datagrams get through where there is a way: streams do. */
  carriesDatagrams: (from: number, to: number) => boolean = () => true
  readonly #clock: SimClock
  readonly #chance: Chance
  readonly #sites: SimSite[] = []
  readonly #ends = new Set<StreamEnd>()
  readonly #latency = new Map<number, number>()
  /** How often each host has moved to another address. */
  readonly #moves = new Map<number, number>()
  readonly #mail: SimMailbox
  readonly #nats: SimNat[] = []
  /** Behind which NAT a host is, and who has IPv6, behind what. */
  readonly #realms = new Map<number, SimNat>()
  readonly #ipv6 = new Map<number, Realm>()
  #nextPort = 20_000
  #slowPeers = 0

  constructor(clock: SimClock, chance: Chance) {
    this.#clock = clock
    this.#chance = chance
    const delayOf = (from: number, to: number) =>
      this.#delay(from, to) + Math.floor(this.#chance() * this.weather.reorderMs)
    this.#mail = new SimMailbox({ clock, chance, faults: this.weather, delayOf })
  }

  /** Streams that their senders gave up because the line was too slow for what they wrote. */
  get slowPeers(): number {
    return this.#slowPeers
  }

  get streams(): number {
    return this.#ends.size
  }

  add(site: SimSite): void {
    assert(site.number === this.#sites.length, 'hosts are numbered from 0')
    this.#sites.push(site)
  }

  /** Hosts on different sides hear nothing of each other; undefined heals. */
  partition(sides: readonly number[] | undefined): void {
    this.#mail.partition(sides)
  }

  canReach(from: number, to: number): boolean {
    return this.#mail.canReach(from, to) && this.hasRoute(from, to)
  }

  /** The host has another address from now on, and none of its streams goes on. Nobody is told. */
  move(number: number): void {
    this.#moves.set(number, this.#movesOf(number) + 1)
  }

  /** A NAT, itself behind another one or not. Its outer address is 203.0.113.N, or 100.64.0.N behind another. */
  addNat(kind: NatKind, outside?: SimNat): SimNat {
    const last = this.#nats.length + 1
    const ip = outside === undefined ? Uint8Array.of(203, 0, 113, last) : Uint8Array.of(100, 64, 0, last)
    const nat = new SimNat(kind, { ip, outside, chance: this.#chance })
    this.#nats.push(nat)
    return nat
  }

  /** The host is behind the NAT: what its address is, nobody outside knows. */
  placeBehind(number: number, nat: SimNat): void {
    this.#realms.set(number, nat)
  }

  /** The host has an IPv6 address besides, behind a firewall of a kind if one is given: it translates nothing. */
  giveIpv6(number: number, firewall?: Pick<NatKind, 'filtering' | 'timeoutMs'>): Endpoint {
    const ip = ipv6Of(number)
    const kind = { mapping: 'endpoint-independent', keepsPort: true, hairpins: true } as const
    const given = { ip, outside: undefined, chance: this.#chance }
    this.#ipv6.set(number, firewall && new SimNat({ ...kind, ...firewall }, given))
    const nat = this.#ipv6.get(number)
    if (nat !== undefined) this.#nats.push(nat)
    return endpointOf(ip, SIM_PORT)
  }

  /** Where the host is now. */
  addressNow(number: number): Uint8Array {
    const [a, b, c, d] = addressOf(number)
    return Uint8Array.of(a!, b!, c! + MOVE_STEP * this.#movesOf(number), d!)
  }

  dial(from: SimSite, endpoint: Endpoint, done: (result: StreamEnd | string) => void): void {
    const parts = endpointParts(endpoint)
    const way = this.#wayOut(from, parts, true)
    const to = way?.to instanceof SimNat ? undefined : way?.to
    if (way === undefined || to === undefined || !this.canReach(from.number, to.number))
      return this.#clock.after(DIAL_TIMEOUT_MS, () => done('connect timed out'))
    const thereMs = this.#delay(from.number, to.number)
    const backMs = this.#delay(to.number, from.number)
    if (!to.isUp) return this.#clock.after(thereMs + backMs, () => done('connection refused'))
    const near = this.#newEnd(from, true)
    this.#clock.after(thereMs, () => {
      if (!to.isUp) return this.#clock.after(backMs, () => done('connection refused'))
      if (!from.isUp || from.life !== near.life) return
      const far = this.#newEnd(to, false)
      near.other = far
      far.other = near
      this.#ends.add(near).add(far)
      this.#clock.after(backMs, () => {
        if (near.site.isUp && near.site.life === near.life) done(near)
      })
      to.handleAccepted(far, endpointOf(way.source.ip, this.#nextPort++ % 40_000 || 1))
    })
  }

  send(end: StreamEnd, bytes: Uint8Array): void {
    if (end.isClosed || end.isCut) return
    this.onWire?.(end.site, bytes, end)
    const rate = this.bytesPerSecond(end.site.number, end.other.site.number)
    if (rate === undefined) return this.#enqueue(end, bytes, this.#clock.now)
    if (end.backlogBytes + bytes.length > LINK_BUFFER_BYTES_MAX) return this.#cut(end)
    end.lineFreeAt = Math.max(end.lineFreeAt, this.#clock.now) + (bytes.length / rate) * 1000
    this.#changeBacklog(end, bytes.length)
    this.#clock.at(end.lineFreeAt, () => this.#changeBacklog(end, -bytes.length))
    this.#enqueue(end, bytes, Math.ceil(end.lineFreeAt))
  }

  close(end: StreamEnd): void {
    if (end.isClosed) return
    if (!end.isCut) this.#enqueue(end, undefined, Math.max(this.#clock.now, Math.ceil(end.lineFreeAt)))
    this.#forget(end)
  }

  /** Cuts a random stream; both ends hear of it, or nobody does. */
  breakOne(isSilent: boolean): void {
    const ends = [...this.#ends]
    const end = ends[Math.floor(this.#chance() * ends.length)]
    if (end === undefined) return
    for (const side of [end, end.other]) {
      const { isAlive } = side
      this.#forget(side)
      if (isAlive && !isSilent) side.site.handleStreamClosed(side)
    }
  }

  endOf(site: SimSite, isSilent: boolean): void {
    for (const end of [...this.#ends]) {
      if (end.site !== site) continue
      end.isLost = isSilent
      if (isSilent) this.#forget(end)
      else this.close(end)
    }
  }

  datagram(from: SimSite, bytes: Uint8Array, to: EndpointParts): void {
    this.onWire?.(from, bytes, undefined)
    const way = this.#wayOut(from, to)
    if (way === undefined) return
    const site = way.to instanceof SimNat ? this.#siteBehind(way.to, to.port) : way.to
    if (site === undefined || !this.hasRoute(from.number, site.number)) return
    if (!this.carriesDatagrams(from.number, site.number)) return
    this.#mail.post(from.number, site.number, () => {
      const arrived = this.#wayIn(way.to, way.source, to.port)
      if (arrived?.isUp === true) arrived.handleDatagram(bytes.slice(), way.source)
    })
  }

  /** The host or the NAT that a datagram arrives at, and as whose it comes. A stream makes no mapping for datagrams. */
  #wayOut(
    from: SimSite,
    to: EndpointParts,
    isStream = false,
  ): { readonly to: SimSite | SimNat; readonly source: EndpointParts } | undefined {
    const isIpv6 = to.ip.length === 16
    if (isIpv6 && !this.#ipv6.has(from.number)) return undefined
    let realm = this.#realmOf(from.number, isIpv6)
    let source: EndpointParts = { ip: isIpv6 ? ipv6Of(from.number) : this.addressNow(from.number), port: SIM_PORT }
    for (;;) {
      const site = this.#siteAt(to)
      if (site !== undefined && this.#realmOf(site.number, isIpv6) === realm) return { to: site, source }
      const at = realm
      const nat = this.#nats.find(one => one.outside === at && one.isAt(to.ip))
      if (nat !== undefined) return { to: nat, source }
      if (realm === undefined || (realm.isAt(to.ip) && !realm.kind.hairpins)) return undefined
      source = isStream ? { ip: realm.ip, port: SIM_PORT } : realm.outbound(source, to, this.#clock.now)
      realm = realm.outside
    }
  }

  /** Whoever is let in by the NATs on the way. */
  #wayIn(to: SimSite | SimNat, source: EndpointParts, port: number): SimSite | undefined {
    if (!(to instanceof SimNat)) return to
    const inner = to.inbound(source, port, this.#clock.now)
    const next = inner && (this.#nats.find(one => one.outside === to && one.isAt(inner.ip)) ?? this.#siteAt(inner))
    return next && this.#wayIn(next, source, inner.port)
  }

  /** The host whose mapping it is, or any that is behind the NAT: how far that is. */
  #siteBehind(nat: SimNat, port: number): SimSite | undefined {
    const owner = nat.ownerOf(port, this.#clock.now)
    const inner = owner && (this.#nats.find(one => one.outside === nat && one.isAt(owner.ip)) ?? this.#siteAt(owner))
    if (inner instanceof SimNat) return this.#siteBehind(inner, owner!.port)
    return inner ?? this.#sites.find(({ number }) => this.#realms.get(number) === nat)
  }

  #realmOf(number: number, isIpv6: boolean): Realm {
    return isIpv6 ? this.#ipv6.get(number) : this.#realms.get(number)
  }

  /** Tells the sender when what waits for its line crosses a mark; soon, for it may be in the middle of an input. */
  #changeBacklog(end: StreamEnd, bytes: number): void {
    end.backlogBytes += bytes
    const isBehind = end.isBehind ? end.backlogBytes >= BACKLOG_LOW_BYTES : end.backlogBytes > BACKLOG_HIGH_BYTES
    if (isBehind === end.isBehind) return
    end.isBehind = isBehind
    this.#clock.after(0, () => {
      if (end.isAlive && !end.isCut) end.site.handleStreamBacklog(end, isBehind)
    })
  }

  /** What waited is lost, as with a socket that is destroyed. */
  #cut(end: StreamEnd): void {
    const { other } = end
    this.#slowPeers++
    end.isCut = true
    end.outgoing.length = 0
    this.#clock.after(0, () => this.#tellClosed(end))
    this.#clock.after(this.#delay(end.site.number, other.site.number), () => this.#tellClosed(other))
  }

  /** `leavesAt`: when the last of the bytes is on the line. */
  #enqueue(end: StreamEnd, bytes: Uint8Array | undefined, leavesAt: Millis): void {
    const last = end.outgoing.at(-1)
    const at = Math.max(last?.at ?? 0, leavesAt + this.#delay(end.site.number, end.other.site.number))
    end.outgoing.push({ at, bytes })
    this.#plan(end)
  }

  #plan(end: StreamEnd): void {
    const next = end.outgoing[0]
    if (next === undefined || end.isPlanned) return
    end.isPlanned = true
    this.#clock.at(next.at, () => {
      end.isPlanned = false
      this.#arrive(end)
    })
  }

  #arrive(end: StreamEnd): void {
    const { other } = end
    const isGone = (other.isLost && !other.site.isUp) || this.#hasMoved(end) || this.#hasMoved(other)
    if (isGone || !this.canReach(end.site.number, other.site.number)) return this.#stall(end)
    end.stalledSince = undefined
    const due: Uint8Array[] = []
    let hasEnded = false
    while (end.outgoing[0] !== undefined && end.outgoing[0].at <= this.#clock.now) {
      const { bytes } = end.outgoing.shift()!
      if (bytes === undefined) hasEnded = true
      else due.push(bytes)
    }
    if (!other.isAlive) {
      end.outgoing.length = 0
      this.#forget(other)
      if (!end.isAlive) return
      // The reset does not overtake what its side sent before.
      const resetAt = this.#clock.now + this.#delay(other.site.number, end.site.number)
      this.#clock.at(Math.max(resetAt, 1 + (other.outgoing.at(-1)?.at ?? 0)), () => this.#tellClosed(end))
      return
    }
    const bytes = due.length === 1 ? due[0]! : concatBytes(...due)
    // A stream has no borders: now and then its pieces are others than were written.
    const cut = bytes.length > 1 && this.#chance() < 0.05 ? 1 + Math.floor(this.#chance() * (bytes.length - 1)) : 0
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)])
      if (piece.length > 0 && other.isAlive) other.site.handleStreamBytes(other, piece)
    if (hasEnded) this.#tellClosed(other)
    this.#plan(end)
  }

  /** Bytes wait for the way to come back; the sender gives up in the end, the receiver hears nothing. */
  #stall(end: StreamEnd): void {
    end.stalledSince ??= this.#clock.now
    const patienceMs = STREAM_TIMEOUT_MIN_MS + this.#chance() * (STREAM_TIMEOUT_MAX_MS - STREAM_TIMEOUT_MIN_MS)
    if (this.#clock.now - end.stalledSince > patienceMs) {
      end.outgoing.length = 0
      return this.#tellClosed(end)
    }
    end.isPlanned = true
    this.#clock.after(RETRANSMIT_MS, () => {
      end.isPlanned = false
      this.#arrive(end)
    })
  }

  #tellClosed(end: StreamEnd): void {
    const { isAlive } = end
    this.#forget(end)
    if (isAlive) end.site.handleStreamClosed(end)
  }

  #forget(end: StreamEnd): void {
    end.isClosed = true
    this.#ends.delete(end)
  }

  #delay(from: number, to: number): Millis {
    const key = Math.min(from, to) * 1000 + Math.max(from, to)
    let base = this.#latency.get(key)
    if (base === undefined) {
      base = this.latencyMs ?? 1 + Math.floor(this.#chance() ** 2 * 25)
      this.#latency.set(key, base)
    }
    return base + this.weather.extraMs + Math.floor(this.#chance() * (this.weather.jitterMs + 1))
  }

  #movesOf(number: number): number {
    return this.#moves.get(number) ?? 0
  }

  /** Its own moves, and how often a NAT in front of it forgot its streams. */
  #breaksOf(number: number): number {
    let breaks = this.#movesOf(number)
    for (let nat = this.#realms.get(number); nat !== undefined; nat = nat.outside) breaks += nat.resets
    return breaks
  }

  #newEnd(site: SimSite, isDialler: boolean): StreamEnd {
    return new StreamEnd(site, isDialler, this.#breaksOf(site.number))
  }

  #hasMoved({ site, moves }: StreamEnd): boolean {
    return this.#breaksOf(site.number) !== moves
  }

  #siteAt({ ip }: EndpointParts): SimSite | undefined {
    if (ip.length === 16) {
      const number = ip[14]! * 256 + ip[15]! - 1
      return this.#ipv6.has(number) && endpointOf(ipv6Of(number), 1) === endpointOf(ip, 1)
        ? this.#sites[number]
        : undefined
    }
    const number = hostAt(ip)
    if (number === undefined) return undefined
    return this.#movesOf(number) === Math.floor(ip[2]! / MOVE_STEP) ? this.#sites[number] : undefined
  }
}

function ipv6Of(number: number): Uint8Array {
  const ip = new Uint8Array(16)
  ip.set([0x20, 0x01, 0x0d, 0xb8])
  ip[14] = (number + 1) >>> 8
  ip[15] = (number + 1) & 255
  return ip
}

/** Where host n is at first: 192.168.0.1 onwards. */
export function addressOf(number: number): Uint8Array {
  return Uint8Array.of(192, 168, Math.floor(number / 250), (number % 250) + 1)
}

/** Whose address it is or was; undefined for one that no host has. */
export function hostAt(ip: Uint8Array): number | undefined {
  if (ip.length !== 4 || ip[0] !== 192 || ip[1] !== 168) return undefined
  return (ip[2]! % MOVE_STEP) * 250 + ip[3]! - 1
}

export function endpointAt(number: number): Endpoint {
  return endpointOf(addressOf(number), SIM_PORT)
}
