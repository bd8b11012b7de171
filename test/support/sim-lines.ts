import { endpointOf, endpointParts, type Endpoint, type EndpointParts } from '../../lib/address/mod.ts'
import { assert, concatBytes, type Chance, type Millis } from '../../lib/base/mod.ts'
import type { SimClock } from './sim-clock.ts'
import { SIM_PORT, addressOf, hostAt } from './sim-network.ts'
import { labelledChance } from './sim-randomness.ts'
import type { SimEnd, SimSite, SimUnderlay } from './sim-stream.ts'

/** No way is shorter: what is sent at one moment arrives at a later one. */
export const WAY_MIN_MS = 1
/** Hosts are at two sites, and no way between these is shorter. */
export const SITE_WAY_MIN_MS = 4
const WAY_SPREAD_MS = 25
const JITTER_MS = 1
const DIAL_TIMEOUT_MS = 8_000
/** How often a stream's pieces are others than were written. */
const CUT_SHARE = 0.05
/** Streams that a host may dial in a run. */
const DIALS_MAX = 2 ** 20
const SOURCES_MAX = 2 ** 13
const PACKETS_MAX = 2 ** 32

export const PACKET_KIND = { dial: 0, accepted: 1, refused: 2, bytes: 3, end: 4, reset: 5, datagram: 6 } as const

/** What goes from one host to another. */
export interface Packet {
  readonly kind: number
  readonly from: number
  readonly to: number
  /** Of those of its source. */
  readonly sequence: number
  readonly at: Millis
  /** The stream, and which of its ends is meant; 0 for a datagram. */
  readonly line: number
  /** One after the other; more are added while the moment lasts that it was sent at. */
  readonly parts: Uint8Array[]
}

/** One end of a stream. Its number is odd at the side that dialled; the other end is the number beside it. */
class LineEnd implements SimEnd {
  readonly site: SimSite
  readonly line: number
  readonly far: number
  readonly life: number
  connection = -1
  isClosed = false
  /** Set until the other side has answered. */
  done: ((result: SimEnd | string) => void) | undefined
  /** When the last that was sent arrives: nothing overtakes. */
  lastAt: Millis = 0
  /** What was sent last, and when. */
  packet: Packet | undefined
  sentAt: Millis = -1

  constructor(site: SimSite, line: number, far: number) {
    this.site = site
    this.line = line
    this.far = far
    this.life = site.life
  }

  get isDialler(): boolean {
    return this.line % 2 === 1
  }

  get isAlive(): boolean {
    return !this.isClosed && this.site.isUp && this.site.life === this.life
  }
}

interface Source {
  readonly site: SimSite
  readonly chance: Chance
  dials: number
  packets: number
}

export interface SimLinesOptions {
  readonly seed: number
  /** Of the whole mesh; those of `add` are here. */
  readonly hosts: number
  readonly clock: SimClock
  /** A packet for a host that is not here. */
  readonly onAway: (packet: Packet) => void
}

/**
 * An underlay that knows no faults but the end of a process, of a mesh whose hosts may be in several threads. What is drawn
 * depends on the host that sends and on how much it has sent, and what arrives at one moment comes in the order of its
 * sources: so what each host sees does not depend on which others are here.
 */
export class SimLines implements SimUnderlay {
  onWire: SimUnderlay['onWire']
  readonly #options: SimLinesOptions
  readonly #sources = new Map<number, Source>()
  readonly #ends = new Map<number, LineEnd>()

  constructor(options: SimLinesOptions) {
    assert(options.hosts <= SOURCES_MAX, `${options.hosts} hosts, at most ${SOURCES_MAX} can be told apart`)
    this.#options = options
  }

  add(site: SimSite): void {
    const chance = labelledChance(`lines ${site.number} of ${this.#options.seed}`)
    this.#sources.set(site.number, { site, chance, dials: 0, packets: 0 })
  }

  dial(from: SimSite, endpoint: Endpoint, done: (result: SimEnd | string) => void): void {
    const to = hostAt(endpointParts(endpoint).ip)
    if (to === undefined || to >= this.#options.hosts)
      return this.#options.clock.after(DIAL_TIMEOUT_MS, () => done('connect timed out'))
    const source = this.#source(from.number)
    assert(source.dials < DIALS_MAX, `host ${from.number} dialled ${source.dials} times`)
    const end = new LineEnd(from, 2 * (from.number * DIALS_MAX + source.dials++) + 1, to)
    end.done = done
    this.#ends.set(end.line, end)
    this.#sendOn(end, PACKET_KIND.dial)
  }

  send(end: LineEnd, bytes: Uint8Array): void {
    if (end.isClosed) return
    this.onWire?.(end.site, bytes, end)
    // What is written at one moment goes together.
    if (end.sentAt === this.#options.clock.now && end.packet?.kind === PACKET_KIND.bytes) end.packet.parts.push(bytes)
    else this.#sendOn(end, PACKET_KIND.bytes, bytes)
  }

  close(end: LineEnd): void {
    if (end.isClosed) return
    this.#sendOn(end, PACKET_KIND.end)
    this.#forget(end)
  }

  /** A whole host that goes without a word is not known here. */
  endOf(site: SimSite, isSilent: boolean): void {
    assert(!isSilent, 'no host loses its power here')
    for (const end of this.#ends.values()) if (end.site === site) this.close(end)
  }

  datagram(from: SimSite, bytes: Uint8Array, to: EndpointParts): void {
    this.onWire?.(from, bytes, undefined)
    const far = hostAt(to.ip)
    if (far === undefined || far >= this.#options.hosts) return
    const at = this.#options.clock.now + this.#delay(from.number, far)
    this.#post({ kind: PACKET_KIND.datagram, from: from.number, to: far, at, line: 0, parts: [bytes] })
  }

  /** A packet for a host that is here. */
  handlePacket(packet: Packet): void {
    const order = packet.from * PACKETS_MAX + packet.sequence
    this.#options.clock.at(packet.at, () => this.#arrive(packet), order - SOURCES_MAX * PACKETS_MAX)
  }

  #arrive(packet: Packet): void {
    const { kind, from, line, parts } = packet
    const { site, chance } = this.#source(packet.to)
    if (kind === PACKET_KIND.datagram) {
      if (site.isUp) site.handleDatagram(concatBytes(...parts), { ip: addressOf(from), port: SIM_PORT })
      return
    }
    if (kind === PACKET_KIND.dial) return this.#accept(site, packet)
    const end = this.#ends.get(line)
    if (end?.isAlive !== true) {
      // Nobody is there, or another life: its kernel says so, but to what ends a stream.
      const isOpening = kind === PACKET_KIND.accepted || kind === PACKET_KIND.bytes
      if (isOpening) this.#answer(packet, PACKET_KIND.reset)
      return
    }
    if (kind === PACKET_KIND.accepted || kind === PACKET_KIND.refused) {
      const { done } = end
      end.done = undefined
      if (kind === PACKET_KIND.refused) this.#forget(end)
      return done?.(kind === PACKET_KIND.refused ? 'connection refused' : end)
    }
    if (kind !== PACKET_KIND.bytes) return this.#tellClosed(end)
    const bytes = parts.length === 1 ? parts[0]! : concatBytes(...parts)
    const cut = bytes.length > 1 && chance() < CUT_SHARE ? 1 + Math.floor(chance() * (bytes.length - 1)) : 0
    for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)])
      if (piece.length > 0 && end.isAlive) site.handleStreamBytes(end, piece)
  }

  #accept(site: SimSite, packet: Packet): void {
    if (!site.isUp) return this.#answer(packet, PACKET_KIND.refused)
    const end = new LineEnd(site, packet.line, packet.from)
    this.#ends.set(end.line, end)
    this.#sendOn(end, PACKET_KIND.accepted)
    const port = 20_000 + (Math.floor(packet.line / 2) % 40_000)
    site.handleAccepted(end, endpointOf(addressOf(packet.from), port))
  }

  #tellClosed(end: LineEnd): void {
    const { done } = end
    this.#forget(end)
    if (done === undefined) end.site.handleStreamClosed(end)
    else done('connection reset')
  }

  #forget(end: LineEnd): void {
    end.isClosed = true
    this.#ends.delete(end.line)
  }

  #sendOn(end: LineEnd, kind: number, ...parts: Uint8Array[]): void {
    const { number } = end.site
    const { now } = this.#options.clock
    end.lastAt = Math.max(end.lastAt, now + this.#delay(number, end.far))
    end.sentAt = now
    const line = besideOf(end.line)
    end.packet = this.#post({ kind, from: number, to: end.far, at: end.lastAt, line, parts })
  }

  #answer({ from, to, line }: Packet, kind: number): void {
    // It does not overtake what was sent on the stream before.
    const at = this.#options.clock.now + this.#way(to, from) + JITTER_MS
    this.#post({ kind, from: to, to: from, at, line: besideOf(line), parts: [] })
  }

  #post(given: Omit<Packet, 'sequence'>): Packet {
    const packet = { ...given, sequence: this.#source(given.from).packets++ }
    if (this.#sources.has(packet.to)) this.handlePacket(packet)
    else this.#options.onAway(packet)
    return packet
  }

  #source(number: number): Source {
    const source = this.#sources.get(number)
    assert(source !== undefined, `host ${number} is elsewhere`)
    return source
  }

  #delay(from: number, to: number): Millis {
    return this.#way(from, to) + Math.floor(this.#source(from).chance() * (JITTER_MS + 1))
  }

  /** The same in both directions. */
  #way(from: number, to: number): Millis {
    const share = shareOf(this.#options.seed, Math.min(from, to), Math.max(from, to))
    const least = siteOf(from) === siteOf(to) ? WAY_MIN_MS : SITE_WAY_MIN_MS
    return least + Math.floor(share ** 2 * WAY_SPREAD_MS)
  }
}

/** 0 or 1. Two hosts that follow each other are at one: what is done to every second one is done at both. */
export function siteOf(number: number): number {
  return (number >>> 1) & 1
}

function besideOf(line: number): number {
  return line % 2 === 1 ? line - 1 : line + 1
}

/** A number in [0, 1) for a pair. */
function shareOf(seed: number, one: number, other: number): number {
  let mixed = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b)
  for (const value of [one, other]) {
    mixed = Math.imul(mixed ^ value ^ (mixed >>> 15), 0x9e37_79b1)
    mixed ^= mixed >>> 13
    mixed = Math.imul(mixed, 0xc2b2_ae35)
    mixed ^= mixed >>> 16
  }
  return (mixed >>> 0) / 2 ** 32
}
