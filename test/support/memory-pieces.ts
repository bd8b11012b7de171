import { DATAGRAM_KIND, FRAGMENT_HEADER_BYTES } from '../../lib/wire/datagram.ts'
import { FRAGMENTS_MAX, PEER_PARTIAL_FRAMES_MAX } from '../../lib/overlay/constants.ts'

interface Partial {
  readonly whole: Uint8Array
  readonly has: Uint8Array
  left: number
}

/** Pieces of a plaintext, none longer than `pieceBytes`; undefined when there would be too many. */
export function cut(whole: Uint8Array, pieceBytes: number, id: number): Uint8Array[] | undefined {
  const room = pieceBytes - FRAGMENT_HEADER_BYTES
  const count = room < 1 ? Infinity : Math.ceil(whole.length / room)
  if (count > FRAGMENTS_MAX || whole.length > 0xffff) return undefined
  const size = Math.ceil(whole.length / count)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += size)
    pieces.push(piece(whole.subarray(at, at + size), whole.length, at, id))
  return pieces
}

export function piece(bytes: Uint8Array, total: number, offset: number, id: number): Uint8Array {
  const made = new Uint8Array(FRAGMENT_HEADER_BYTES + bytes.length)
  const view = new DataView(made.buffer)
  made[0] = DATAGRAM_KIND.fragment
  view.setUint16(2, total, true)
  view.setUint16(4, offset, true)
  view.setUint32(8, id >>> 0, true)
  made.set(bytes, FRAGMENT_HEADER_BYTES)
  return made
}

/** Puts frames together, byte by byte, without a clock: the twin of native/reassembly.cpp, and what that is compared with. */
export class MemoryPieces {
  readonly #partial = new Map<string, Partial>()

  get size(): number {
    return this.#partial.size
  }

  /** The whole, if this was the last piece. */
  add(peer: number, plaintext: Uint8Array): Uint8Array | 'malformed' | undefined {
    const bytes = plaintext.subarray(FRAGMENT_HEADER_BYTES)
    const view = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength)
    if (bytes.length === 0) return 'malformed'
    const total = view.getUint16(2, true)
    const offset = view.getUint16(4, true)
    if (offset + bytes.length > total) return 'malformed'
    const key = `${peer} ${view.getUint32(8, true)}`
    const partial = this.#partial.get(key) ?? { whole: new Uint8Array(total), has: new Uint8Array(total), left: total }
    const isSound =
      partial.whole.length === total && partial.has.subarray(offset, offset + bytes.length).every(has => has === 0)
    this.#partial.delete(key)
    if (!isSound) return 'malformed'
    partial.whole.set(bytes, offset)
    partial.has.fill(1, offset, offset + bytes.length)
    partial.left -= bytes.length
    if (partial.left === 0) return partial.whole
    this.#partial.set(key, partial)
    this.#makeRoom(peer)
    return undefined
  }

  #makeRoom(peer: number): void {
    const own = [...this.#partial.keys()].filter(key => key.startsWith(`${peer} `))
    if (own.length > PEER_PARTIAL_FRAMES_MAX) this.#partial.delete(own[0]!)
  }
}
