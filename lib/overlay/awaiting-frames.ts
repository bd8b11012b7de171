import type { Millis } from '../base/mod.ts'
import { AWAITING_BYTES_MAX, AWAITING_FRAMES_PER_PEER_MAX, AWAITING_MS, AWAITING_PEERS_MAX } from './constants.ts'
import { ROW, type EngineLane } from './packet-engine.ts'

interface AwaitingFrame {
  readonly row: Int32Array
  readonly bytes: Uint8Array
  readonly until: Millis
}

/** Where in the slab a frame is put that was not read in this batch: behind a vnet header. */
export const SLAB_AT = 64

/**
 * Frames of one lane for peers to which there is no way yet: the last few for each, for a moment. They leave in the order
 * in which they came. Allocates for what waits, which is the first frames to a peer and no more.
 */
export class AwaitingFrames {
  readonly #lane: EngineLane
  readonly #onDrop: (frames: number) => void
  readonly #byPeer = new Map<number, AwaitingFrame[]>()
  #bytes = 0
  #nextExpiry = Infinity

  /** `onDrop`: so many frames are given up, because others took their place or nothing came of it. */
  constructor(lane: EngineLane, onDrop: (frames: number) => void) {
    this.#lane = lane
    this.#onDrop = onDrop
  }

  /** Copies the frame of the row that begins at `at` in the rows of the lane. */
  add(peer: number, at: number, now: Millis): void {
    const { rows, slab } = this.#lane
    const length = rows[at + ROW.length]!
    const frames = this.#byPeer.get(peer) ?? []
    if ((frames.length === 0 && this.#byPeer.size >= AWAITING_PEERS_MAX) || this.#bytes + length > AWAITING_BYTES_MAX) {
      this.#onDrop(1)
      return
    }
    if (frames.length >= AWAITING_FRAMES_PER_PEER_MAX) this.#dropFirst(frames)
    const offset = rows[at + ROW.offset]!
    const until = now + AWAITING_MS
    frames.push({ row: rows.slice(at, at + ROW.columns), bytes: slab.slice(offset, offset + length), until })
    this.#byPeer.set(peer, frames)
    this.#bytes += length
    this.#nextExpiry = Math.min(this.#nextExpiry, until)
  }

  /** Puts each frame of peers that can be reached now into row 0 of the lane, in turn, and calls `send`. */
  release(isReachable: (peer: number) => boolean, send: (peer: number) => void): void {
    const { rows, slab } = this.#lane
    for (const [peer, frames] of this.#byPeer) {
      if (!isReachable(peer)) continue
      this.#byPeer.delete(peer)
      for (const { row, bytes } of frames) {
        this.#bytes -= bytes.length
        slab.set(bytes, SLAB_AT)
        rows.set(row, 0)
        rows[ROW.offset] = SLAB_AT
        send(peer)
      }
    }
  }

  /** Gives up what waits for the peer. */
  forget(peer: number): void {
    const frames = this.#byPeer.get(peer) ?? []
    while (frames.length > 0) this.#dropFirst(frames)
    this.#byPeer.delete(peer)
  }

  /** Gives up what waited too long. */
  expire(now: Millis): void {
    if (now < this.#nextExpiry) return
    this.#nextExpiry = Infinity
    for (const [peer, frames] of this.#byPeer) {
      while (frames.length > 0 && frames[0]!.until <= now) this.#dropFirst(frames)
      if (frames.length === 0) this.#byPeer.delete(peer)
      else this.#nextExpiry = Math.min(this.#nextExpiry, frames[0]!.until)
    }
  }

  #dropFirst(frames: AwaitingFrame[]): void {
    this.#bytes -= frames.shift()!.bytes.length
    this.#onDrop(1)
  }
}
