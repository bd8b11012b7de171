/**
 * The form of one value in the state store: a checksum over key and value, then the value.
 *
 *     | checksum (8) | value … |
 *
 * The checksum is the first eight bytes of BLAKE2b-512(key ‖ 0 ‖ value). The head record, under a key of its own, tells
 * what the store must hold, so that a lost page is noticed and not only a changed one:
 *
 *     | schema version u32 | records u64 | sum of their checksums (exclusive or, 8) |
 */
import { hash } from 'node:crypto'
import { ByteReader, ByteWriter, concatBytes, equalBytes } from '../base/mod.ts'

export const STORE_SCHEMA_VERSION = 1
export const STORE_KEY_BYTES_MAX = 512
export const STORE_VALUE_BYTES_MAX = 1024 * 1024
/** Below every key that a caller may use. */
export const STORE_HEAD_KEY = '!head'
/** The checker's copy, gone when it ends. */
export const STORE_COPY_SUFFIX = '.check'
export const CHECKSUM_BYTES = 8

export interface StoreHead {
  readonly version: number
  readonly records: number
  readonly sum: Uint8Array
}

export const EMPTY_HEAD: StoreHead = { version: STORE_SCHEMA_VERSION, records: 0, sum: new Uint8Array(CHECKSUM_BYTES) }

/** Keys are printable ASCII; `!` opens the store's own. */
export function isStoreKey(key: string): boolean {
  return key.length <= STORE_KEY_BYTES_MAX && /^[\x22-\x7e][\x20-\x7e]*$/.test(key)
}

export function sealRecord(key: string, value: Uint8Array): Uint8Array {
  return concatBytes(checksum(key, value), value)
}

/** The value, or undefined when the checksum does not match. */
export function openRecord(key: string, record: Uint8Array): Uint8Array | undefined {
  if (record.length < CHECKSUM_BYTES) return undefined
  const value = record.subarray(CHECKSUM_BYTES)
  return equalBytes(checksum(key, value), record.subarray(0, CHECKSUM_BYTES)) ? value : undefined
}

/** The checksum that a sealed record carries. */
export function recordChecksum(record: Uint8Array): Uint8Array {
  return record.subarray(0, CHECKSUM_BYTES)
}

export function addToSum(sum: Uint8Array, part: Uint8Array): void {
  for (let i = 0; i < CHECKSUM_BYTES; i++) sum[i]! ^= part[i] ?? 0
}

export function encodeHead(head: StoreHead): Uint8Array {
  return new ByteWriter().u32(head.version).u64(head.records).raw(head.sum).finish()
}

/** The head; its version stays readable whatever a later schema adds behind it. */
export function decodeHead(value: Uint8Array): StoreHead | undefined {
  const reader = new ByteReader(value)
  const version = reader.u32()
  if (!reader.ok) return undefined
  if (version !== STORE_SCHEMA_VERSION) return { ...EMPTY_HEAD, version }
  const records = reader.u64()
  const sum = reader.raw(CHECKSUM_BYTES).slice()
  return reader.done ? { version, records, sum } : undefined
}

function checksum(key: string, value: Uint8Array): Uint8Array {
  const input = Buffer.allocUnsafe(key.length + 1 + value.length)
  input[input.write(key, 'latin1')] = 0
  input.set(value, key.length + 1)
  return new Uint8Array(hash('blake2b512', input, 'buffer').subarray(0, CHECKSUM_BYTES))
}
