import { assert } from './assert.ts'

const EMPTY = new Uint8Array(0)
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Writers live shortly and are many: memory for each of its own costs more than what is written. */
const POOL_BYTES = 16_384
const POOLED_BYTES_MAX = 1_024
let pool = new Uint8Array(POOL_BYTES)
let pooled = 0

/** Memory for a writer, with what another one left in it. */
function room(bytes: number): Uint8Array {
  if (bytes > POOLED_BYTES_MAX) return new Uint8Array(bytes)
  if (pooled + bytes > POOL_BYTES) {
    pool = new Uint8Array(POOL_BYTES)
    pooled = 0
  }
  return pool.subarray(pooled, (pooled += bytes))
}

/** Appends little-endian fields to a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = room(capacity)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, capacity)
  }

  get length(): number {
    return this.#length
  }

  #reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    return at
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#view.setUint8(at, value)
    return this
  }

  u16(value: number): this {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value, true)
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value, true)
    return this
  }

  /** A non-negative safe integer in eight bytes. */
  u64(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `u64 out of range: ${value}`)
    const at = this.#reserve(8)
    this.#view.setUint32(at, value >>> 0, true)
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true)
    return this
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** Bytes behind a 16-bit length. */
  blob(bytes: Uint8Array): this {
    assert(bytes.length <= 0xffff, `blob of ${bytes.length} bytes`)
    return this.u16(bytes.length).raw(bytes)
  }

  /** UTF-8 text behind a 16-bit length. */
  text(value: string): this {
    return this.blob(encoder.encode(value))
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}

/**
 * Reads little-endian fields. A read past the end, or of something malformed, sets `failed` for good and gives a
 * neutral value; so a decoder reads straight through and asks `ok` once. Never throws.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** True while every read so far was inside the input and well-formed. */
  get ok(): boolean {
    return !this.#failed
  }

  /** True when every read was good and nothing is left. */
  get done(): boolean {
    return !this.#failed && this.#at === this.#bytes.length
  }

  get remaining(): number {
    return this.#failed ? 0 : this.#bytes.length - this.#at
  }

  fail(): void {
    this.#failed = true
  }

  #take(count: number): number {
    if (this.#failed || this.#at + count > this.#bytes.length) {
      this.#failed = true
      return -1
    }
    const at = this.#at
    this.#at += count
    return at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#view.getUint8(at)
  }

  u16(): number {
    const at = this.#take(2)
    return at < 0 ? 0 : this.#view.getUint16(at, true)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#view.getUint32(at, true)
  }

  /** Eight bytes that must hold a safe integer. */
  u64(): number {
    const at = this.#take(8)
    if (at < 0) return 0
    const value = this.#view.getUint32(at + 4, true) * 0x1_0000_0000 + this.#view.getUint32(at, true)
    if (value <= Number.MAX_SAFE_INTEGER) return value
    this.#failed = true
    return 0
  }

  /** A view (not a copy) of the next bytes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count)
    return at < 0 ? EMPTY : this.#bytes.subarray(at, at + count)
  }

  blob(lengthMax = 0xffff): Uint8Array {
    const length = this.u16()
    if (length > lengthMax) this.#failed = true
    return this.raw(length)
  }

  text(lengthMax = 0xffff): string {
    const bytes = this.blob(lengthMax)
    try {
      return decoder.decode(bytes)
    } catch {
      this.#failed = true
      return ''
    }
  }

  rest(): Uint8Array {
    return this.raw(this.remaining)
  }
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Compares in time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** Orders byte strings like words: below 0 when `a` comes first, 0 when they are equal. Not for secrets. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

export function utf8(value: string): Uint8Array {
  return encoder.encode(value)
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Lower- or upper-case hex to bytes; undefined when it is not hex of an even length. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
