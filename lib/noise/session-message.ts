import { ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { INCARNATION_BYTES } from '../wire/mod.ts'

/**
 * The two messages of a data session's handshake. They travel inside control messages, over the direct link or routed.
 *
 *     0      1      2      3      4                   8
 *     | type | rsvd | rsvd | rsvd | initiator's index | Noise IK message … |
 *
 * type 1: initiation, type 2: response. The index names the attempt, so that late answers are dropped unread. Inside:
 *
 *     initiation payload  | receiver index u32 | ciphers u8 | rsvd (3) | sequence u32 | adopted u32 | incarnation (8) |
 *     response payload    | receiver index u32 | cipher u8  | rsvd (3) | incarnation (8) |
 *
 * *receiver index*: what the far side writes into the header of datagrams to the sender. *ciphers*: bit mask of what
 * the initiator wants, *cipher*: the one bit that the responder chose. *sequence* grows with every initiation of an
 * incarnation, so that none can be replayed. *adopted*: the sequence of the initiator's last initiation that was
 * answered (0: none), so that the responder forgets those that were not. All integers are little-endian; reserved bytes
 * are zero when sent and ignored when read, and so is whatever follows in a payload.
 */
export const SESSION_MESSAGE_TYPE = { initiation: 1, response: 2 } as const

export const SESSION_MESSAGE_BYTES_MAX = 512
const HEADER_BYTES = 8

export const CIPHER_BIT = { 'chacha20-poly1305': 1, 'aes-256-gcm': 2 } as const
export type SessionCipher = keyof typeof CIPHER_BIT

export interface SessionMessage {
  readonly type: keyof typeof SESSION_MESSAGE_TYPE
  readonly initiatorIndex: number
  readonly noise: Uint8Array
}

export interface InitiationPayload {
  readonly receiverIndex: number
  readonly ciphers: number
  readonly sequence: number
  readonly adopted: number
  readonly incarnation: Uint8Array
}

export interface ResponsePayload {
  readonly receiverIndex: number
  readonly cipher: SessionCipher
  readonly incarnation: Uint8Array
}

export function encodeSessionMessage(message: SessionMessage): Uint8Array {
  return new ByteWriter(HEADER_BYTES + message.noise.length)
    .u32(SESSION_MESSAGE_TYPE[message.type])
    .u32(message.initiatorIndex)
    .raw(message.noise)
    .finish()
}

export function decodeSessionMessage(bytes: Uint8Array): Decoded<SessionMessage> {
  if (bytes.length > SESSION_MESSAGE_BYTES_MAX) return new Drop('session-long')
  const reader = new ByteReader(bytes)
  const type = reader.u8()
  reader.raw(3)
  const initiatorIndex = reader.u32()
  const noise = reader.rest()
  if (!reader.ok) return new Drop('session-short')
  if (initiatorIndex === 0) return new Drop('session-malformed')
  if (type === SESSION_MESSAGE_TYPE.initiation) return { type: 'initiation', initiatorIndex, noise }
  if (type === SESSION_MESSAGE_TYPE.response) return { type: 'response', initiatorIndex, noise }
  return new Drop('session-type')
}

export function encodeInitiationPayload(payload: InitiationPayload): Uint8Array {
  return new ByteWriter(32)
    .u32(payload.receiverIndex)
    .u32(payload.ciphers)
    .u32(payload.sequence)
    .u32(payload.adopted)
    .raw(payload.incarnation)
    .finish()
}

export function decodeInitiationPayload(bytes: Uint8Array): Decoded<InitiationPayload> {
  const reader = new ByteReader(bytes)
  const receiverIndex = reader.u32()
  const ciphers = reader.u8()
  reader.raw(3)
  const sequence = reader.u32()
  const adopted = reader.u32()
  const incarnation = reader.raw(INCARNATION_BYTES).slice()
  if (!reader.ok || receiverIndex === 0 || sequence === 0) return new Drop('session-malformed')
  return { receiverIndex, ciphers, sequence, adopted, incarnation }
}

export function encodeResponsePayload(payload: ResponsePayload): Uint8Array {
  return new ByteWriter(16).u32(payload.receiverIndex).u32(CIPHER_BIT[payload.cipher]).raw(payload.incarnation).finish()
}

export function decodeResponsePayload(bytes: Uint8Array): Decoded<ResponsePayload> {
  const reader = new ByteReader(bytes)
  const receiverIndex = reader.u32()
  const bit = reader.u8()
  reader.raw(3)
  const incarnation = reader.raw(INCARNATION_BYTES).slice()
  if (!reader.ok || receiverIndex === 0) return new Drop('session-malformed')
  const cipher = cipherOfBit(bit)
  return cipher === undefined ? new Drop('session-cipher') : { receiverIndex, cipher, incarnation }
}

function cipherOfBit(bit: number): SessionCipher | undefined {
  if (bit === CIPHER_BIT['aes-256-gcm']) return 'aes-256-gcm'
  return bit === CIPHER_BIT['chacha20-poly1305'] ? 'chacha20-poly1305' : undefined
}
