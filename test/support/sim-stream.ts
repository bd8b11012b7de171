import type { Endpoint, EndpointParts } from '../../lib/address/mod.ts'
import type { Millis } from '../../lib/base/mod.ts'

/** A stream's sender is told when so much waits for its line, and when that has shrunk again. */
export const BACKLOG_HIGH_BYTES = 256 * 1024
export const BACKLOG_LOW_BYTES = 64 * 1024

/** What the network gives to a host. */
export interface SimSite {
  readonly number: number
  readonly isUp: boolean
  /** Counts its starts: what was sent to an earlier life is answered by a reset. */
  readonly life: number
  handleAccepted(end: StreamEnd, from: Endpoint): void
  handleStreamBytes(end: StreamEnd, bytes: Uint8Array): void
  handleStreamClosed(end: StreamEnd): void
  /** Much of what was written has not left yet, or no longer. */
  handleStreamBacklog(end: StreamEnd, isBehind: boolean): void
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
  readonly isDialler: boolean
  /** How often its host had moved before. */
  readonly moves: number
  /** The number that the node knows it by. */
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
