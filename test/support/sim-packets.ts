import { assert, type Millis } from '../../lib/base/mod.ts'
import type { Packet } from './sim-lines.ts'

/*
 * When the next is due at the sender: 8 bytes. Then for each packet, all little-endian:
 *   at 8 | line 8 | sequence 4 | from 2 | to 2 | kind 4 | length 4 | so many bytes
 */
const DUE_BYTES = 8
const HEAD_BYTES = 32
const BUFFER_BYTES = 64 * 1024

/** Packets on their way to another thread. They are written when the moment of their sending is over. */
export class SimPackets {
  #packets: Packet[] = []
  #buffer = Buffer.alloc(BUFFER_BYTES)

  add(packet: Packet): void {
    this.#packets.push(packet)
  }

  /** When the first of them arrives. */
  get dueAt(): Millis {
    return this.#packets.reduce((least, { at }) => Math.min(least, at), Infinity)
  }

  /** Takes them all; the bytes are valid until the next call. */
  take(dueAt: Millis): Uint8Array {
    const length = this.#packets.reduce((sum, { parts }) => sum + HEAD_BYTES + bytesOf(parts), DUE_BYTES)
    if (this.#buffer.length < length) this.#buffer = Buffer.alloc(2 * length)
    const buffer = this.#buffer
    let at = buffer.writeDoubleLE(dueAt, 0)
    for (const packet of this.#packets) {
      at = buffer.writeDoubleLE(packet.at, at)
      at = buffer.writeDoubleLE(packet.line, at)
      at = buffer.writeUInt32LE(packet.sequence, at)
      at = buffer.writeUInt16LE(packet.from, at)
      at = buffer.writeUInt16LE(packet.to, at)
      at = buffer.writeUInt32LE(packet.kind, at)
      at = buffer.writeUInt32LE(bytesOf(packet.parts), at)
      for (const part of packet.parts) {
        buffer.set(part, at)
        at += part.length
      }
    }
    this.#packets = []
    return buffer.subarray(0, length)
  }
}

/** What `take` wrote: hands each packet on, with bytes of its own, and returns when the next is due at the sender. */
export function readPackets(bytes: Uint8Array, take: (packet: Packet) => void): Millis {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = DUE_BYTES; at < buffer.length;) {
    const length = buffer.readUInt32LE(at + 28)
    assert(at + HEAD_BYTES + length <= buffer.length, `a packet of ${length} bytes is cut off`)
    take({
      at: buffer.readDoubleLE(at),
      line: buffer.readDoubleLE(at + 8),
      sequence: buffer.readUInt32LE(at + 16),
      from: buffer.readUInt16LE(at + 20),
      to: buffer.readUInt16LE(at + 22),
      kind: buffer.readUInt32LE(at + 24),
      parts: length === 0 ? [] : [Uint8Array.prototype.slice.call(bytes, at + HEAD_BYTES, at + HEAD_BYTES + length)],
    })
    at += HEAD_BYTES + length
  }
  return buffer.readDoubleLE(0)
}

function bytesOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}
