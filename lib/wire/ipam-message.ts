import {
  PEER_ID_BYTES,
  firstAddress,
  peerIdBytes,
  peerIdFromBytes,
  type Cidr,
  type Ipv4,
  type PeerId,
} from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'

/**
 * Address management between two peers: one asks an owner for blocks or addresses, the other answers; and who was lent
 * an address gives it back. The bodies only; the control link frames them with a kind byte. All integers are
 * little-endian.
 *
 *     ipam-request   | id u64 | subnet address u32 | subnet prefix u8 | flags u8 |
 *                    | address u32, if flags & 1 | count u8, if flags & 2 |
 *                      flags: 4 the address is in use at the sender, 8 the sender owns no blocks (ephemeral),
 *                      16 no container waits for it
 *     ipam-answer    | id u64 | 1 (granted) u8 | count u8 | count × ( first block u32 | blocks u32 ) |
 *                    | id u64 | 2 (denied) u8 | free single addresses u32 | held u8 | if held: host (16) | container text |
 *                      | resting u32, if any rest |
 *                    | id u64 | 3 (lent) u8 | count u8 | count × ( address u32 | loan u32 ) |
 *                    | id u64 | 4 (stale) u8 | last id u64 |
 *     ipam-return    | count u8 | count × ( address u32 | loan u32 ) |
 *
 * Bytes after the known fields are ignored: a later version may append.
 */
export interface IpamRequest {
  readonly kind: 'ipam-request'
  /** Grows with each request of a peer; the same id gets the same answer, however often it arrives. */
  readonly id: number
  readonly subnet: Cidr
  /** The very address wanted. */
  readonly address?: Ipv4
  /** How many single addresses are wanted, at most; none: whole blocks. */
  readonly count?: number
  /** A container of the sender has the address already. */
  readonly isInUse?: boolean
  /** The sender takes no blocks. */
  readonly isEphemeral?: boolean
  /** No container of the sender waits for it: what the owner has no other of stays there. */
  readonly isForLater?: boolean
}

export interface BlockRange {
  readonly first: number
  readonly count: number
}

/** An address that is lent; the number tells one loan of it from the next. */
export interface Loan {
  readonly address: Ipv4
  readonly loan: number
}

/** Who has an address: the peer, and what its container is called where that is known. */
export interface HadBy {
  readonly host: PeerId
  readonly container: string
}

interface AnswerHead {
  readonly kind: 'ipam-answer'
  readonly id: number
}

export type IpamAnswer =
  | (AnswerHead & { readonly outcome: 'granted'; readonly granted: readonly BlockRange[] })
  | (AnswerHead & {
      readonly outcome: 'denied'
      /** Single addresses that are free in blocks which cannot be given as a whole. */
      readonly free: number
      /** Who has the very address that was asked for. */
      readonly held?: HadBy
      /** Addresses of the subnet that rest there after use; none when undefined. */
      readonly resting?: number
    })
  | (AnswerHead & { readonly outcome: 'lent'; readonly lent: readonly Loan[] })
  /** The id is not above `lastId`, the highest that was answered, and its answer is not kept any more. */
  | (AnswerHead & { readonly outcome: 'stale'; readonly lastId: number })

export interface IpamReturn {
  readonly kind: 'ipam-return'
  readonly returned: readonly Loan[]
}

export type IpamMessage = IpamRequest | IpamAnswer | IpamReturn

/** An answer names at most so many ranges. */
export const GRANTED_RANGES_MAX = 16
/** An answer lends, and a return gives back, at most so many addresses. */
export const LOANS_PER_MESSAGE_MAX = 32
/** Bytes of a container's name that an answer names. */
export const CONTAINER_BYTES_MAX = 256

const RESTING_BYTES = 4

const FLAG = { address: 1, count: 2, inUse: 4, ephemeral: 8, forLater: 16 } as const
const OUTCOME = { granted: 1, denied: 2, lent: 3, stale: 4 } as const

export function encodeIpamRequest(request: IpamRequest): Uint8Array {
  const { id, subnet, address, count } = request
  const flags =
    (address === undefined ? 0 : FLAG.address) |
    (count === undefined ? 0 : FLAG.count) |
    (request.isInUse === true ? FLAG.inUse : 0) |
    (request.isEphemeral === true ? FLAG.ephemeral : 0) |
    (request.isForLater === true ? FLAG.forLater : 0)
  const writer = new ByteWriter(24).u64(id).u32(subnet.address).u8(subnet.prefix).u8(flags)
  if (address !== undefined) writer.u32(address)
  if (count !== undefined) writer.u8(count)
  return writer.finish()
}

/** Drops: `ipam-request-short`, `ipam-request-subnet`, `ipam-request-count`. */
export function decodeIpamRequest(bytes: Uint8Array): Decoded<IpamRequest> {
  const reader = new ByteReader(bytes)
  const id = reader.u64()
  const subnet = { address: reader.u32(), prefix: reader.u8() }
  const flags = reader.u8()
  const has = (flag: number) => (flags & flag) !== 0
  const address = has(FLAG.address) ? reader.u32() : undefined
  const count = has(FLAG.count) ? reader.u8() : undefined
  if (!reader.ok) return new Drop('ipam-request-short')
  if (subnet.prefix > 32 || subnet.address !== firstAddress(subnet)) return new Drop('ipam-request-subnet')
  if (count === 0) return new Drop('ipam-request-count')
  return {
    kind: 'ipam-request',
    id,
    subnet,
    ...(address !== undefined && { address }),
    ...(count !== undefined && { count }),
    ...(has(FLAG.inUse) && { isInUse: true }),
    ...(has(FLAG.ephemeral) && { isEphemeral: true }),
    ...(has(FLAG.forLater) && { isForLater: true }),
  }
}

export function encodeIpamAnswer(answer: IpamAnswer): Uint8Array {
  const writer = new ByteWriter(64).u64(answer.id).u8(OUTCOME[answer.outcome])
  switch (answer.outcome) {
    case 'granted': {
      const { granted } = answer
      assert(granted.length > 0 && granted.length <= GRANTED_RANGES_MAX, `${granted.length} granted ranges`)
      writer.u8(granted.length)
      for (const range of granted) writer.u32(range.first).u32(range.count)
      break
    }
    case 'denied':
      writer.u32(answer.free).u8(answer.held === undefined ? 0 : 1)
      if (answer.held !== undefined) writer.raw(peerIdBytes(answer.held.host)).text(answer.held.container)
      if (answer.resting !== undefined) writer.u32(answer.resting)
      break
    case 'lent':
      writeLoans(writer, answer.lent)
      break
    case 'stale':
      writer.u64(answer.lastId)
      break
  }
  return writer.finish()
}

/** Drops: `ipam-answer-short`, `ipam-answer-kind`, `ipam-answer-ranges`, `ipam-answer-loans`. */
export function decodeIpamAnswer(bytes: Uint8Array): Decoded<IpamAnswer> {
  const reader = new ByteReader(bytes)
  const head = { kind: 'ipam-answer', id: reader.u64() } as const
  const outcome = reader.u8()
  if (!reader.ok) return new Drop('ipam-answer-short')
  switch (outcome) {
    case OUTCOME.granted: {
      const granted = readRanges(reader)
      if (!reader.ok) return new Drop('ipam-answer-short')
      return granted === undefined ? new Drop('ipam-answer-ranges') : { ...head, outcome: 'granted', granted }
    }
    case OUTCOME.denied: {
      const free = reader.u32()
      const held =
        reader.u8() === 0
          ? undefined
          : { host: peerIdFromBytes(reader.raw(PEER_ID_BYTES)), container: reader.text(CONTAINER_BYTES_MAX) }
      if (!reader.ok) return new Drop('ipam-answer-short')
      // An earlier version does not say it.
      const resting = reader.remaining < RESTING_BYTES ? 0 : reader.u32()
      return { ...head, outcome: 'denied', free, ...(held !== undefined && { held }), ...(resting > 0 && { resting }) }
    }
    case OUTCOME.lent: {
      const lent = readLoans(reader)
      if (!reader.ok) return new Drop('ipam-answer-short')
      return lent === undefined ? new Drop('ipam-answer-loans') : { ...head, outcome: 'lent', lent }
    }
    case OUTCOME.stale: {
      const lastId = reader.u64()
      return reader.ok ? { ...head, outcome: 'stale', lastId } : new Drop('ipam-answer-short')
    }
    default:
      return new Drop('ipam-answer-kind')
  }
}

export function encodeIpamReturn({ returned }: IpamReturn): Uint8Array {
  const writer = new ByteWriter(1 + 8 * returned.length)
  writeLoans(writer, returned)
  return writer.finish()
}

/** Drops: `ipam-return-short`, `ipam-return-loans`. */
export function decodeIpamReturn(bytes: Uint8Array): Decoded<IpamReturn> {
  const reader = new ByteReader(bytes)
  const returned = readLoans(reader)
  if (!reader.ok) return new Drop('ipam-return-short')
  return returned === undefined ? new Drop('ipam-return-loans') : { kind: 'ipam-return', returned }
}

/** Undefined for a count of none or too many, or an empty range. */
function readRanges(reader: ByteReader): BlockRange[] | undefined {
  const count = reader.u8()
  if (count === 0 || count > GRANTED_RANGES_MAX) return undefined
  const ranges: BlockRange[] = []
  for (let i = 0; i < count; i++) ranges.push({ first: reader.u32(), count: reader.u32() })
  return reader.ok && ranges.some(range => range.count === 0) ? undefined : ranges
}

function writeLoans(writer: ByteWriter, loans: readonly Loan[]): void {
  assert(loans.length > 0 && loans.length <= LOANS_PER_MESSAGE_MAX, `${loans.length} loans in a message`)
  writer.u8(loans.length)
  for (const { address, loan } of loans) writer.u32(address).u32(loan)
}

/** Undefined for a count of none or too many. */
function readLoans(reader: ByteReader): Loan[] | undefined {
  const count = reader.u8()
  if (count === 0 || count > LOANS_PER_MESSAGE_MAX) return undefined
  return Array.from({ length: count }, () => ({ address: reader.u32(), loan: reader.u32() }))
}
