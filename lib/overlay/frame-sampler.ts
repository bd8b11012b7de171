import type { Chance, Millis } from '../base/mod.ts'
import { FRAME_FLAG } from '../wire/mod.ts'
import { SAMPLES_PER_SPAN, SAMPLE_MS_MAX, SAMPLE_SPAN_MS, TALKS_MAX } from './constants.ts'
import { frameAddressesOf } from './frame-addresses.ts'
import type { FrameTally } from './frame-tally.ts'
import { ROW, type EngineLane } from './packet-engine.ts'

interface Count {
  readonly source: string
  readonly destination: string
  readonly isInward: boolean
  frames: number
  bytes: number
}

const UDP_HEADER_BYTES = 8
/** Of Ethernet, IPv4 and TCP without options: where a super-frame does not say. */
const USUAL_HEADER_BYTES = 54

/**
 * Looks at one of N rows that pass a lane, and counts it for the N that it stands for. N is 1 while few pass, and grows
 * with what passes, so that about SAMPLES_PER_SPAN are looked at in each SAMPLE_SPAN_MS. How far it is to the next is
 * drawn, between 1 and 2 N − 1: traffic that has a beat of its own is not always hit at the same place. Ends by itself
 * after SAMPLE_MS_MAX. Inputs: `outward`, `inward`; what came of it: `tally`.
 */
export class FrameSampler {
  readonly #chance: Chance
  readonly #counts = new Map<string, Count>()
  readonly #others = { frames: 0, bytes: 0 }
  readonly #until: Millis
  /** One of so many is looked at. */
  #every = 1
  /** How many rows the next one to be looked at stands for. */
  #weight = 1
  /** Rows that pass before it. */
  #skip = 0
  #spanEnds: Millis
  #spanRows = 0
  #spanSeen = 0
  #seen = 0

  constructor(chance: Chance, now: Millis) {
    this.#chance = chance
    this.#until = now + SAMPLE_MS_MAX
    this.#spanEnds = now + SAMPLE_SPAN_MS
  }

  /** A batch from the TAP: rows 0 to `count`. Before the lane reads again. */
  outward(lane: Pick<EngineLane, 'rows' | 'slab'>, count: number, now: Millis): void {
    for (let row = this.#next(count, now); row >= 0; row = this.#after(row, count)) this.#look(lane, row, false)
  }

  /** A batch for the TAP: the first `count` deliveries. Before they are written. */
  inward(lane: Pick<EngineLane, 'rows' | 'slab' | 'deliveries'>, count: number, now: Millis): void {
    for (let i = this.#next(count, now); i >= 0; i = this.#after(i, count)) this.#look(lane, lane.deliveries[i]!, true)
  }

  tally(): FrameTally {
    return { talks: [...this.#counts.values()], others: { ...this.#others }, seen: this.#seen }
  }

  /** The first of a batch that is looked at; -1: none. */
  #next(count: number, now: Millis): number {
    if (now >= this.#until) return -1
    if (now >= this.#spanEnds) this.#beginSpan(now)
    this.#spanRows += count
    if (this.#skip < count) return this.#skip
    this.#skip -= count
    return -1
  }

  /** The one after that of the same batch; -1: none. */
  #after(row: number, count: number): number {
    if (++this.#spanSeen >= SAMPLES_PER_SPAN) {
      // More pass than before: this span is not to cost many times what one may.
      this.#spanSeen = 0
      this.#every *= 2
    }
    this.#weight = this.#every
    const next = row + (this.#every === 1 ? 1 : 1 + Math.floor(this.#chance() * (2 * this.#every - 1)))
    if (next < count) return next
    this.#skip = next - count
    return -1
  }

  #beginSpan(now: Millis): void {
    const spans = 1 + Math.floor((now - this.#spanEnds) / SAMPLE_SPAN_MS)
    this.#every = Math.max(1, Math.ceil(this.#spanRows / spans / SAMPLES_PER_SPAN))
    this.#spanEnds += spans * SAMPLE_SPAN_MS
    this.#spanRows = 0
    this.#spanSeen = 0
  }

  #look({ rows, slab }: Pick<EngineLane, 'rows' | 'slab'>, row: number, isInward: boolean): void {
    const at = row * ROW.columns
    const offset = rows[at + ROW.offset]!
    const length = rows[at + ROW.length]!
    const frame = slab.subarray(offset, offset + length)
    const gsoSize = rows[at + ROW.gsoSize]!
    const headers = gsoSize > 0 ? headerBytes(frame, rows[at + ROW.flags]!, rows[at + ROW.checksum]! & 0xffff) : 0
    const segments = gsoSize > 0 ? Math.max(1, Math.ceil((length - headers) / gsoSize)) : 1
    const frames = segments * this.#weight
    const bytes = (length + (segments - 1) * headers) * this.#weight
    const count = this.#countOf(frame, isInward)
    count.frames += frames
    count.bytes += bytes
    this.#seen++
  }

  #countOf(frame: Uint8Array, isInward: boolean): { frames: number; bytes: number } {
    const addresses = frameAddressesOf(frame)
    const key = `${isInward ? '<' : '>'}${addresses.source} ${addresses.destination}`
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    if (this.#counts.size >= TALKS_MAX) return this.#others
    const count = { ...addresses, isInward, frames: 0, bytes: 0 }
    this.#counts.set(key, count)
    return count
  }
}

/** What each segment of a super-frame has before its part of the payload. */
function headerBytes(frame: Uint8Array, flags: number, checksumStart: number): number {
  if (checksumStart === 0) return USUAL_HEADER_BYTES
  if ((flags & FRAME_FLAG.gsoUdp) !== 0) return checksumStart + UDP_HEADER_BYTES
  return checksumStart + ((frame[checksumStart + 12] ?? 0x50) >> 4) * 4
}
