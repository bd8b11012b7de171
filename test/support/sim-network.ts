import { endpointOf, endpointParts, type Endpoint, type EndpointParts } from '../../lib/address/mod.ts'
import { assert, concatBytes, type Chance, type Millis } from '../../lib/base/mod.ts'
import type { SimClock } from './sim-clock.ts'

export const SIM_PORT = 6783
/** A peer is refused, or its connection given up, after so long without a way. */
const DIAL_TIMEOUT_MS = 8_000
const STREAM_TIMEOUT_MIN_MS = 10_000
const STREAM_TIMEOUT_MAX_MS = 60_000
const RETRANSMIT_MS = 400

/** What the network gives to a host. */
export interface SimSite {
  readonly number: number
  readonly isUp: boolean
  /** Counts its starts: what was sent to an earlier life is answered by a reset. */
  readonly life: number
  handleAccepted(end: StreamEnd, from: Endpoint): void
  handleStreamBytes(end: StreamEnd, bytes: Uint8Array): void
  handleStreamClosed(end: StreamEnd): void
  handleDatagram(bytes: Uint8Array, from: EndpointParts): void
}

interface Chunk {
  readonly at: Millis
  /** Undefined: the end of the stream. */
  readonly bytes: Uint8Array | undefined
}

/** One end of a stream between two hosts. */
export class StreamEnd {
  readonly site: SimSite
  readonly life: number
  /** The number that the node knows it by. */
  connection = -1
  other!: StreamEnd
  isClosed = false
  /** Its whole host went: nothing answers, not even with a reset, until the host is back. */
  isLost = false
  /** What travels towards the other end. */
  readonly outgoing: Chunk[] = []
  isPlanned = false
  stalledSince: Millis | undefined

  constructor(site: SimSite) {
    this.site = site
    this.life = site.life
  }

  get isAlive(): boolean {
    return !this.isClosed && this.site.isUp && this.site.life === this.life
  }
}

/** The underlay between all hosts: ordered reliable streams, and datagrams that suffer what `weather` says. */
export class SimNetwork {
  readonly weather = { extraMs: 0, jitterMs: 1, loss: 0, duplicate: 0, reorderMs: 0 }
  /** Sees every byte that crosses the underlay. */
  onWire: ((from: SimSite, bytes: Uint8Array, isDatagram: boolean) => void) | undefined
  /** Which hosts have a way at all, partitions aside. A seam for address translation is `sourceOf`. */
  hasRoute: (from: number, to: number) => boolean = () => true
  readonly #clock: SimClock
  readonly #chance: Chance
  readonly #sites: SimSite[] = []
  readonly #ends = new Set<StreamEnd>()
  readonly #latency = new Map<number, number>()
  #sides: readonly number[] | undefined
  #nextPort = 20_000

  constructor(clock: SimClock, chance: Chance) {
    this.#clock = clock
    this.#chance = chance
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
    this.#sides = sides
  }

  canReach(from: number, to: number): boolean {
    if (this.#sides !== undefined && this.#sides[from] !== this.#sides[to]) return false
    return this.hasRoute(from, to)
  }

  dial(from: SimSite, endpoint: Endpoint, done: (result: StreamEnd | string) => void): void {
    const to = this.#siteAt(endpointParts(endpoint))
    if (to === undefined || !this.canReach(from.number, to.number))
      return this.#clock.after(DIAL_TIMEOUT_MS, () => done('connect timed out'))
    const thereMs = this.#delay(from.number, to.number)
    const backMs = this.#delay(to.number, from.number)
    if (!to.isUp) return this.#clock.after(thereMs + backMs, () => done('connection refused'))
    const near = new StreamEnd(from)
    this.#clock.after(thereMs, () => {
      if (!to.isUp) return this.#clock.after(backMs, () => done('connection refused'))
      if (!from.isUp || from.life !== near.life) return
      const far = new StreamEnd(to)
      near.other = far
      far.other = near
      this.#ends.add(near).add(far)
      this.#clock.after(backMs, () => {
        if (near.site.isUp && near.site.life === near.life) done(near)
      })
      to.handleAccepted(far, endpointOf(addressOf(from.number), this.#nextPort++ % 40_000 || 1))
    })
  }

  send(end: StreamEnd, bytes: Uint8Array): void {
    if (end.isClosed) return
    this.onWire?.(end.site, bytes, false)
    this.#enqueue(end, bytes)
  }

  /** What was sent arrives first. */
  close(end: StreamEnd): void {
    if (end.isClosed) return
    this.#enqueue(end, undefined)
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

  /** A process ended. Its kernel resets its streams, unless the whole host went. */
  endOf(site: SimSite, isSilent: boolean): void {
    for (const end of [...this.#ends]) {
      if (end.site !== site) continue
      end.isLost = isSilent
      if (isSilent) this.#forget(end)
      else this.close(end)
    }
  }

  datagram(from: SimSite, bytes: Uint8Array, to: EndpointParts): void {
    this.onWire?.(from, bytes, true)
    const site = this.#siteAt(to)
    if (site === undefined || !this.canReach(from.number, site.number)) return
    const { loss, duplicate, reorderMs } = this.weather
    const source = { ip: addressOf(from.number), port: SIM_PORT }
    const copies = duplicate > 0 && this.#chance() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (loss > 0 && this.#chance() < loss) continue
      const waitMs = this.#delay(from.number, site.number) + Math.floor(this.#chance() * reorderMs)
      this.#clock.after(waitMs, () => {
        if (site.isUp) site.handleDatagram(bytes.slice(), source)
      })
    }
  }

  #enqueue(end: StreamEnd, bytes: Uint8Array | undefined): void {
    const last = end.outgoing.at(-1)
    const at = Math.max(last?.at ?? 0, this.#clock.now + this.#delay(end.site.number, end.other.site.number))
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
    const isGone = other.isLost && !other.site.isUp
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
      if (end.isAlive) this.#clock.after(this.#delay(other.site.number, end.site.number), () => this.#tellClosed(end))
      return
    }
    const bytes = concatBytes(...due)
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
      base = 1 + Math.floor(this.#chance() ** 2 * 25)
      this.#latency.set(key, base)
    }
    return base + this.weather.extraMs + Math.floor(this.#chance() * (this.weather.jitterMs + 1))
  }

  #siteAt({ ip }: EndpointParts): SimSite | undefined {
    if (ip.length !== 4 || ip[0] !== 192 || ip[1] !== 168) return undefined
    return this.#sites[ip[2]! * 250 + ip[3]! - 1]
  }
}

/** Where host n is: 192.168.0.1 onwards. */
export function addressOf(number: number): Uint8Array {
  return Uint8Array.of(192, 168, Math.floor(number / 250), (number % 250) + 1)
}

export function endpointAt(number: number): Endpoint {
  return endpointOf(addressOf(number), SIM_PORT)
}
