import type { Endpoint, EndpointParts } from '../../lib/address/mod.ts'
import type { Millis } from '../../lib/base/mod.ts'

/** A stream's sender is told when so much waits for its line, and when that has shrunk again. */
export const BACKLOG_HIGH_BYTES = 256 * 1024
export const BACKLOG_LOW_BYTES = 64 * 1024

/** One end of a stream, as its host knows it. */
export interface SimEnd {
  readonly site: SimSite
  readonly isDialler: boolean
  /** The number that the node knows it by. */
  connection: number
}

/** What carries streams and datagrams between hosts; each takes back the ends that it gave out. */
export interface SimUnderlay {
  /** Sees every byte that crosses the underlay; a datagram comes without the end of a stream. */
  onWire: ((from: SimSite, bytes: Uint8Array, end: SimEnd | undefined) => void) | undefined
  dial(from: SimSite, endpoint: Endpoint, done: (result: SimEnd | string) => void): void
  send(end: SimEnd, bytes: Uint8Array): void
  /** What was sent arrives first. */
  close(end: SimEnd): void
  /** A process ended. Its kernel resets its streams, unless the whole host went. */
  endOf(site: SimSite, isSilent: boolean): void
  datagram(from: SimSite, bytes: Uint8Array, to: EndpointParts): void
}

/** What the network gives to a host. */
export interface SimSite {
  readonly number: number
  readonly isUp: boolean
  /** Counts its starts: what was sent to an earlier life is answered by a reset. */
  readonly life: number
  handleAccepted(end: SimEnd, from: Endpoint): void
  handleStreamBytes(end: SimEnd, bytes: Uint8Array): void
  handleStreamClosed(end: SimEnd): void
  /** Much of what was written has not left yet, or no longer. */
  handleStreamBacklog(end: SimEnd, isBehind: boolean): void
  handleDatagram(bytes: Uint8Array, from: EndpointParts): void
}

interface Chunk {
  readonly at: Millis
  /** Undefined: the end of the stream. */
  readonly bytes: Uint8Array | undefined
}

/** One end of a stream between two hosts. */
export class StreamEnd implements SimEnd {
  readonly site: SimSite
  readonly life: number
  readonly isDialler: boolean
  /** How often its host had moved before. */
  readonly moves: number
  connection = -1
  other!: StreamEnd
  isClosed = false
  /** Its sender gave it up as too slow: nothing more is written to it, and its end is under way. */
  isCut = false
  /** Its whole host went: nothing answers, not even with a reset, until the host is back. */
  isLost = false
  /** What travels towards the other end. */
  readonly outgoing: Chunk[] = []
  isPlanned = false
  stalledSince: Millis | undefined
  /** When a line with a limit has taken all that was written so far. */
  lineFreeAt: Millis = 0
  /** Written, and not taken by the line yet. */
  backlogBytes = 0
  isBehind = false

  constructor(site: SimSite, isDialler: boolean, moves: number) {
    this.moves = moves
    this.site = site
    this.life = site.life
    this.isDialler = isDialler
  }

  get isAlive(): boolean {
    return !this.isClosed && this.site.isUp && this.site.life === this.life
  }
}
