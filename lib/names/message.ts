import dnsPacket from 'dns-packet'
import { Drop, type Decoded } from '../base/mod.ts'
import { UDP_ANSWER_BYTES, UDP_ANSWER_BYTES_MAX } from './constants.ts'
import { DNS_HEADER_BYTES, DNS_LABEL_BYTES_MAX, ReplyWriter, type DnsRecord } from './reply-writer.ts'

/** RFC 1035 §2.3.4 and §4.1.2. */
const NAME_BYTES_MAX = 255
const QUESTION_TAIL_BYTES = 4
const OPTION_BYTES = 11
const RESPONSE = 0x8000
const DOT = 0x2e
const ASCII_MAX = 0x7f

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

export type DnsQuestion = dnsPacket.Question & { readonly class: string }

/** A query as it came. */
export interface DnsQuery {
  readonly id: number
  readonly question: DnsQuestion
  /** As they came. */
  readonly questionBytes: Uint8Array
  /** A label has a dot inside, or bytes beyond ASCII: the name is not what it looks like. */
  readonly isOdd: boolean
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
  const raw = questionOf(bytes)
  if (packet === undefined || question === undefined || raw === undefined) return { rcode: RCODE.formatError }
  const options = (packet.additionals ?? []).filter(record => record.type === 'OPT')
  if (options.length > 1) return { rcode: RCODE.formatError }
  const option = options[0] as { readonly udpPayloadSize?: number; readonly ednsVersion?: number } | undefined
  return {
    id: view.getUint16(0),
    question: { ...question, class: question.class ?? 'IN' },
    questionBytes: raw.bytes,
    isOdd: raw.isOdd,
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
  const raw = questionOf(bytes)
  return raw !== undefined && folded(raw.bytes) === folded(query.questionBytes)
}

/** Names alike but for the case of ASCII letters give the same text. */
function folded(question: Uint8Array): string {
  const text = Buffer.from(question.buffer, question.byteOffset, question.byteLength).toString('latin1')
  // Lengths of labels are no letters; type and class may look like some.
  return text.slice(0, -QUESTION_TAIL_BYTES).toLowerCase() + text.slice(-QUESTION_TAIL_BYTES)
}

/** Header and question of an answer, for a client to which the whole is too large: it asks again over TCP. */
export function encodeCut(query: DnsQuery, answer: Uint8Array): Uint8Array {
  const hasOption = query.udpBytes !== undefined
  const writer = new ReplyWriter(UDP_ANSWER_BYTES, query.questionBytes, undefined)
  if (hasOption) writer.option(UDP_ANSWER_BYTES_MAX, 0)
  const flags = (answer[2]! << 8) | answer[3]!
  return writer.finish(query.id, flags | dnsPacket.TRUNCATED_RESPONSE, [1, 0, 0, Number(hasOption)])
}

/** The response code of a message that `isAnswerTo` has read. */
export function rcodeOf(bytes: Uint8Array): number {
  return bytes[3]! & 15
}

/** The message with another id. */
export function withId(bytes: Uint8Array, id: number): Uint8Array {
  // Not `slice`: that of a Buffer is no copy.
  const copy = Uint8Array.from(bytes)
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
  const hasOption = query.udpBytes !== undefined
  const reserved = hasOption ? OPTION_BYTES : 0
  const writer = new ReplyWriter(
    bytesMax,
    query.questionBytes,
    isPlain(query.question.name) ? query.question.name : undefined,
  )
  let answers = 0
  while (answers < reply.answers.length && writer.add(reply.answers[answers]!, reserved)) answers++
  let isCut = answers < reply.answers.length
  let authorities = 0
  while (!isCut && authorities < reply.authorities.length)
    if (writer.add(reply.authorities[authorities]!, reserved)) authorities++
    else isCut = true
  if (hasOption) writer.option(UDP_ANSWER_BYTES_MAX, reply.rcode)
  const flags =
    dnsPacket.AUTHORITATIVE_ANSWER * Number(reply.isAuthoritative) +
    dnsPacket.TRUNCATED_RESPONSE * Number(isCut) +
    dnsPacket.RECURSION_DESIRED * Number(query.isRecursionDesired) +
    dnsPacket.RECURSION_AVAILABLE * Number(reply.isRecursionAvailable)
  return writer.finish(query.id, RESPONSE | flags | (reply.rcode & 15), [1, answers, authorities, Number(hasOption)])
}

/** Each label stands there byte by byte, so that the ends of the name can be found again. */
function isPlain(name: string): boolean {
  return /^[\x21-\x2d\x2f-\x7e]+(?:\.[\x21-\x2d\x2f-\x7e]+)*$/.test(name)
}

/** The bytes of the one question, which follows the header; undefined when it is cut short, or its name has pointers. */
function questionOf(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly isOdd: boolean } | undefined {
  let at = DNS_HEADER_BYTES
  let isOdd = false
  for (let length = bytes[at]; length !== 0; length = bytes[at]) {
    if (length === undefined || length > DNS_LABEL_BYTES_MAX) return undefined
    isOdd ||= bytes.subarray(at + 1, at + 1 + length).some(byte => byte === DOT || byte > ASCII_MAX)
    at += 1 + length
  }
  const end = at + 1 + QUESTION_TAIL_BYTES
  const isTooLong = at + 1 - DNS_HEADER_BYTES > NAME_BYTES_MAX
  return end > bytes.length || isTooLong ? undefined : { bytes: bytes.slice(DNS_HEADER_BYTES, end), isOdd }
}
