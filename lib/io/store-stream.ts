/**
 * How the checker process hands over what it reads: on a pipe, entry by entry, and at last its finding.
 *
 *     | key length u16 | value length u32 | key … | value … |
 *
 * An empty key: the value is the finding, as JSON.
 */
import { STORE_KEY_BYTES_MAX, STORE_VALUE_BYTES_MAX } from './state-record.ts'

const HEAD_BYTES = 6

export type StreamEntry = readonly [string, Uint8Array]

export function encodeStreamEntry(key: string, value: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + key.length + value.length)
  bytes.writeUInt16LE(key.length, 0)
  bytes.writeUInt32LE(value.length, 2)
  bytes.write(key, HEAD_BYTES, 'latin1')
  bytes.set(value, HEAD_BYTES + key.length)
  return bytes
}

/** Takes the entries out of the bytes as they come. */
export class StoreStream {
  #rest: Buffer = Buffer.alloc(0)
  #finding: string | undefined

  /** The text after the last entry; undefined while it has not come. */
  get finding(): string | undefined {
    return this.#finding
  }

  /**
   * The entries that are now complete; undefined when it is no such stream. The values lie in
   * the chunk, and are not to be kept.
   */
  take(chunk: Buffer): StreamEntry[] | undefined {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const entries: StreamEntry[] = []
    let at = 0
    while (bytes.length - at >= HEAD_BYTES) {
      const [keyBytes, valueBytes] = [bytes.readUInt16LE(at), bytes.readUInt32LE(at + 2)]
      // It is our own program that writes, but on a file that may be damaged.
      if (keyBytes > STORE_KEY_BYTES_MAX || valueBytes > STORE_VALUE_BYTES_MAX) return undefined
      const keyAt = at + HEAD_BYTES
      const valueAt = keyAt + keyBytes
      const end = valueAt + valueBytes
      if (end > bytes.length) break
      if (keyBytes === 0) this.#finding = bytes.toString('utf8', valueAt, end)
      else entries.push([bytes.toString('latin1', keyAt, valueAt), bytes.subarray(valueAt, end)])
      at = end
    }
    this.#rest = Buffer.from(bytes.subarray(at))
    return entries
  }
}
