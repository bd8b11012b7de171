import { firstAddress, type Cidr } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'

/**
 * Address management between two peers: one asks an owner for blocks of a subnet, the other answers. The bodies only;
 * the control link frames them with a kind byte. All integers are little-endian.
 *
 *     ipam-request   | id u64 | subnet address u32 | subnet prefix u8 | flags u8 | block u32, if flags & 1 |
 *     ipam-answer    | id u64 | 1 (granted) u8 | count u8 | count × ( first block u32 | blocks u32 ) |
 *                    | id u64 | 2 (denied) u8 | free single addresses u32 |
 *
 * Bytes after the known fields are ignored: a later version may append.
 */
export interface IpamRequest {
  readonly kind: 'ipam-request'
  /** Random; the same id gets the same answer, however often it arrives. */
  readonly id: number
  readonly subnet: Cidr
  /** The very block wanted, when an address in it was claimed. */
  readonly block?: number
}

export interface BlockRange {
  readonly first: number
  readonly count: number
}

export type IpamAnswer =
  | {
      readonly kind: 'ipam-answer'
      readonly id: number
      readonly outcome: 'granted'
      readonly granted: readonly BlockRange[]
    }
  | {
      readonly kind: 'ipam-answer'
      readonly id: number
      readonly outcome: 'denied'
      /** Single addresses that are free in blocks which cannot be given as a whole. */
      readonly free: number
    }

export type IpamMessage = IpamRequest | IpamAnswer

/** An answer names at most so many ranges. */
export const GRANTED_RANGES_MAX = 16

const FLAG_BLOCK = 1
const GRANTED = 1
const DENIED = 2

export function encodeIpamRequest(request: IpamRequest): Uint8Array {
  const writer = new ByteWriter(20).u64(request.id).u32(request.subnet.address).u8(request.subnet.prefix)
  if (request.block === undefined) return writer.u8(0).finish()
  return writer.u8(FLAG_BLOCK).u32(request.block).finish()
}

/** Drops: `ipam-request-short`, `ipam-request-subnet`. */
export function decodeIpamRequest(bytes: Uint8Array): Decoded<IpamRequest> {
  const reader = new ByteReader(bytes)
  const id = reader.u64()
  const subnet = { address: reader.u32(), prefix: reader.u8() }
  const block = (reader.u8() & FLAG_BLOCK) === 0 ? undefined : reader.u32()
  if (!reader.ok) return new Drop('ipam-request-short')
  if (subnet.prefix > 32 || subnet.address !== firstAddress(subnet)) return new Drop('ipam-request-subnet')
  return block === undefined ? { kind: 'ipam-request', id, subnet } : { kind: 'ipam-request', id, subnet, block }
}

export function encodeIpamAnswer(answer: IpamAnswer): Uint8Array {
  if (answer.outcome === 'denied') return new ByteWriter(13).u64(answer.id).u8(DENIED).u32(answer.free).finish()
  const { granted } = answer
  assert(granted.length > 0 && granted.length <= GRANTED_RANGES_MAX, `${granted.length} granted ranges`)
  const writer = new ByteWriter(10 + 8 * granted.length).u64(answer.id).u8(GRANTED).u8(granted.length)
  for (const range of granted) writer.u32(range.first).u32(range.count)
  return writer.finish()
}

/** Drops: `ipam-answer-short`, `ipam-answer-kind`, `ipam-answer-ranges`. */
export function decodeIpamAnswer(bytes: Uint8Array): Decoded<IpamAnswer> {
  const reader = new ByteReader(bytes)
  const id = reader.u64()
  const outcome = reader.u8()
  if (!reader.ok) return new Drop('ipam-answer-short')
  if (outcome === DENIED) {
    const free = reader.u32()
    return reader.ok ? { kind: 'ipam-answer', id, outcome: 'denied', free } : new Drop('ipam-answer-short')
  }
  if (outcome !== GRANTED) return new Drop('ipam-answer-kind')
  const count = reader.u8()
  if (reader.ok && (count === 0 || count > GRANTED_RANGES_MAX)) return new Drop('ipam-answer-ranges')
  const granted: BlockRange[] = []
  for (let i = 0; i < count; i++) {
    const range = { first: reader.u32(), count: reader.u32() }
    if (!reader.ok) return new Drop('ipam-answer-short')
    if (range.count === 0) return new Drop('ipam-answer-ranges')
    granted.push(range)
  }
  return reader.ok ? { kind: 'ipam-answer', id, outcome: 'granted', granted } : new Drop('ipam-answer-short')
}
