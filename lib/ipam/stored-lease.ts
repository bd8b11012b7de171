import { ByteReader, ByteWriter } from '../base/mod.ts'
import { isLeaseHolder } from './lease-holder.ts'
import type { Freed, Lease } from './lease-table.ts'

/** | address u32 | prefix u8 | container: 16-bit length, text | holder: 16-bit length, text | */
export function encodeLease(lease: Lease): Uint8Array {
  return new ByteWriter().u32(lease.address).u8(lease.prefix).text(lease.container).text(lease.holder).finish()
}

export function decodeLease(value: Uint8Array): Lease | undefined {
  const reader = new ByteReader(value)
  const lease = { address: reader.u32(), prefix: reader.u8(), container: reader.text() }
  const holder = reader.text()
  return reader.done && lease.prefix <= 32 && isLeaseHolder(holder) ? { ...lease, holder } : undefined
}

/** | rests u8 | lease, as above | */
export function encodeFreed({ lease, isResting }: Freed): Uint8Array {
  return new ByteWriter()
    .u8(isResting ? 1 : 0)
    .raw(encodeLease(lease))
    .finish()
}

export function decodeFreed(value: Uint8Array): Freed | undefined {
  const reader = new ByteReader(value)
  const isResting = reader.u8() === 1
  const lease = decodeLease(reader.rest())
  return lease && { lease, isResting }
}
