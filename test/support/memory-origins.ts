import { createHash } from 'node:crypto'
import { equalBytes } from '../../lib/base/mod.ts'
import { ORIGIN_WINDOW_BITS } from '../../lib/noise/constants.ts'
import { ReplayWindow } from '../../lib/noise/replay-window.ts'
import { ORIGIN_BYTES } from '../../lib/wire/datagram.ts'
import type { MemoryPeer } from './memory-peer.ts'
import { siphash } from './siphash.ts'

/** The first 16 bytes of a SHA-256 of what the tags of a broadcast are for. */
export function originDigest(header: Uint8Array, frame: Uint8Array): Uint8Array {
  const same = header.slice(0, ORIGIN_BYTES)
  same[7] = 0
  return new Uint8Array(createHash('sha256').update(same).update(frame).digest().subarray(0, 16))
}

/** The keys with one peer, and what was taken from it that others passed on: the twin of native/origin.cpp. */
export class MemoryOrigin {
  readonly #to: Uint8Array
  readonly #from: Uint8Array
  readonly #windows = new Map<number, ReplayWindow>()

  constructor(to: Uint8Array, from: Uint8Array) {
    this.#to = to.slice()
    this.#from = from.slice()
  }

  tag(digest: Uint8Array): Uint8Array {
    return siphash(this.#to, digest)
  }

  /** Whether a broadcast that another passed on is of this peer, and new. */
  isProved(header: Uint8Array, frame: Uint8Array): boolean {
    const { window, high, low } = this.#placeOf(header)
    if (!window.check(high, low)) return false
    if (!equalBytes(siphash(this.#from, originDigest(header, frame)), header.subarray(24, 32))) return false
    return window.accept(high, low)
  }

  /** A broadcast came from this peer itself: it is not taken again from others. */
  noteDirect(header: Uint8Array): void {
    const { window, high, low } = this.#placeOf(header)
    window.accept(high, low)
  }

  #placeOf(header: Uint8Array): { readonly window: ReplayWindow; readonly high: number; readonly low: number } {
    const view = new DataView(header.buffer, header.byteOffset)
    const high = view.getUint32(12, true)
    const lane = high >>> 28
    const window = this.#windows.get(lane) ?? new ReplayWindow(ORIGIN_WINDOW_BITS)
    this.#windows.set(lane, window)
    return { window, high: high & 0x0fff_ffff, low: view.getUint32(8, true) }
  }
}

/** Whether a broadcast that `from` sent began where it says, and is new. */
export function isOrigin(
  origin: MemoryPeer | undefined,
  from: MemoryPeer | undefined,
  plaintext: Uint8Array,
  headerBytes: number,
): boolean {
  const header = plaintext.subarray(0, headerBytes)
  if (origin !== from) return origin?.origin?.isProved(header, plaintext.subarray(headerBytes)) === true
  origin?.origin?.noteDirect(header)
  return true
}
