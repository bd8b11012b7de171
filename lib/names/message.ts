import dnsPacket from 'dns-packet'
import { Drop, type Decoded } from '../base/mod.ts'
import { UDP_ANSWER_BYTES_MAX } from './constants.ts'

const DNS_HEADER_BYTES = 12

export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const
export type Rcode = (typeof RCODE)[keyof typeof RCODE]

export type DnsRecord = dnsPacket.Answer
export type DnsQuestion = dnsPacket.Question & { readonly class: string }

/** A query as it came. */
export interface DnsQuery {
  readonly id: number
  readonly question: DnsQuestion
  readonly isRecursionDesired: boolean
  /** What the client takes over UDP; undefined without EDNS. */
  readonly udpBytes: number | undefined
  readonly ednsVersion: number
}

/** What a message was refused as: the answer to it, or nothing. */
export interface DnsRefusal {
  readonly rcode: Rcode
}

/**
 * Reads a query. A message that is no query is dropped, for an answer to it could begin a circle; one that can be
 * answered, but not read or not served, is refused. Never throws.
 */
export function decodeQuery(bytes: Uint8Array): Decoded<DnsQuery | DnsRefusal> {
  if (bytes.length < DNS_HEADER_BYTES) return new Drop('dns-short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint16(2)
  if ((flags & 0x8000) !== 0) return new Drop('dns-response')
  if (((flags >> 11) & 15) !== 0) return { rcode: RCODE.notImplemented }
  if (view.getUint16(4) !== 1) return { rcode: RCODE.formatError }
  const packet = decodeMessage(bytes)
  const question = packet?.questions?.[0]
  if (packet === undefined || question === undefined) return { rcode: RCODE.formatError }
  const options = (packet.additionals ?? []).filter(record => record.type === 'OPT')
  if (options.length > 1) return { rcode: RCODE.formatError }
  const option = options[0] as { readonly udpPayloadSize?: number; readonly ednsVersion?: number } | undefined
  return {
    id: view.getUint16(0),
    question: { ...question, class: question.class ?? 'IN' },
    isRecursionDesired: (flags & 0x0100) !== 0,
    udpBytes: option?.udpPayloadSize,
    ednsVersion: option?.ednsVersion ?? 0,
  }
}

/** True for the answer to a query: the same id, and the same question. */
export function isAnswerTo(query: DnsQuery, id: number, bytes: Uint8Array): boolean {
  const packet = decodeMessage(bytes)
  if (packet === undefined || packet.type !== 'response' || packet.id !== id || packet.questions?.length !== 1)
    return false
  const { name, type, class: asked } = packet.questions[0]!
  const { question } = query
  return name.toLowerCase() === question.name.toLowerCase() && type === question.type && asked === question.class
}

/** The response code of a message that `isAnswerTo` has read. */
export function rcodeOf(bytes: Uint8Array): number {
  return bytes[3]! & 15
}

/** The message with another id. */
export function withId(bytes: Uint8Array, id: number): Uint8Array {
  const copy = bytes.slice()
  copy[0] = id >> 8
  copy[1] = id & 255
  return copy
}

/** Reads any message; undefined for what is none. Never throws. */
function decodeMessage(bytes: Uint8Array): dnsPacket.DecodedPacket | undefined {
  try {
    return dnsPacket.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch {
    return undefined
  }
}

/** An answer that is the header alone: the question could not be read, or need not be. */
export function encodeDnsRefusal(query: Uint8Array, rcode: Rcode): Uint8Array {
  const bytes = new Uint8Array(DNS_HEADER_BYTES)
  bytes.set(query.subarray(0, 4))
  bytes[2] = 0x80 | (bytes[2]! & 0x79)
  bytes[3] = rcode & 15
  return bytes
}

export interface DnsReply {
  readonly rcode: Rcode
  readonly isAuthoritative: boolean
  readonly isRecursionAvailable: boolean
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
}

/** Writes a reply, of at most so many bytes: what does not fit is left out, and the reply says that it is truncated. */
export function encodeReply(query: DnsQuery, reply: DnsReply, bytesMax: number): Uint8Array {
  const write = (answers: readonly DnsRecord[], isCut: boolean): Uint8Array =>
    dnsPacket.encode({
      type: 'response',
      id: query.id,
      flags:
        (reply.isAuthoritative ? dnsPacket.AUTHORITATIVE_ANSWER : 0) |
        (isCut ? dnsPacket.TRUNCATED_RESPONSE : 0) |
        (query.isRecursionDesired ? dnsPacket.RECURSION_DESIRED : 0) |
        (reply.isRecursionAvailable ? dnsPacket.RECURSION_AVAILABLE : 0) |
        (reply.rcode & 15),
      questions: [query.question as dnsPacket.Question],
      answers: [...answers],
      authorities: isCut ? [] : [...reply.authorities],
      additionals: query.udpBytes === undefined ? [] : [option(reply.rcode)],
    })
  const whole = write(reply.answers, false)
  if (whole.length <= bytesMax) return whole
  const bare = write([], true)
  let room = bytesMax - bare.length
  let count = 0
  for (; count < reply.answers.length; count++) {
    room -= dnsPacket.encodingLength({ answers: [reply.answers[count]!] }) - DNS_HEADER_BYTES
    if (room < 0) break
  }
  return write(reply.answers.slice(0, count), true)
}

function option(rcode: Rcode): DnsRecord {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_ANSWER_BYTES_MAX,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  }
}
