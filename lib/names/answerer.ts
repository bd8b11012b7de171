import { contains, parseIpv4, type Cidr, type PeerId } from '../address/mod.ts'
import { isDrop, type Chance, type Drop } from '../base/mod.ts'
import { ANSWER_RECORDS_MAX, TCP_ANSWER_BYTES_MAX, UDP_ANSWER_BYTES, UDP_ANSWER_BYTES_MAX } from './constants.ts'
import type { Domain } from './domain.ts'
import { RCODE, decodeQuery, encodeCut, encodeDnsRefusal, encodeReply, type DnsQuery, type Rcode } from './message.ts'
import type { DnsRecord } from './reply-writer.ts'
import { reverseAddress } from './reverse.ts'
import type { Zone } from './zone.ts'

/** What is to be done with a query: to send an answer, to ask somebody else, or nothing. */
export type Outcome =
  | { readonly type: 'answer'; readonly rcode: Rcode; readonly bytes: Uint8Array }
  | { readonly type: 'forward'; readonly query: DnsQuery }
  | Drop

export interface AnswererOptions {
  readonly zone: Zone
  readonly domain: Domain
  /** Of records, and of the knowledge that there is none. */
  readonly ttlSeconds: number
  /** An address in here that has no name has none elsewhere either. */
  readonly range: Cidr
  readonly chance: Chance
  /** Whose addresses come before all others; undefined: all are alike. */
  readonly first: PeerId | undefined
  /** Whether there is somebody else to ask. */
  isForwarding(): boolean
}

/**
 * Answers for the zone: A and AAAA of names, PTR of addresses, SOA and NS of the domain. A name that is there without
 * what is asked for gives no error and no answer (RFC 2308), what is not there NXDOMAIN, both with the SOA.
 */
export class Answerer {
  readonly #options: AnswererOptions

  constructor(options: AnswererOptions) {
    this.#options = options
  }

  /** Never throws, whatever the bytes. */
  handle(bytes: Uint8Array, isTcp: boolean): Outcome {
    const query = decodeQuery(bytes)
    if (isDrop(query)) return query
    if ('rcode' in query) return refusal(bytes, query.rcode)
    const reply = (rcode: Rcode, answers: DnsRecord[], authorities: DnsRecord[] = [], isAuthoritative = true) =>
      this.#reply(query, { rcode, answers, authorities, isAuthoritative }, isTcp)
    if (query.ednsVersion > 0) return reply(RCODE.badVersion, [], [], false)
    if (query.isOdd) return reply(RCODE.refused, [], [], false)
    const { question } = query
    if (question.class !== 'IN' && question.class !== 'ANY') return refusal(bytes, RCODE.refused)
    const name = question.name.toLowerCase()
    const inside = this.#options.domain.relative(name)
    if (inside !== undefined) {
      const found = inside === '' ? this.#apex(query) : this.#named(query, inside)
      if (found === undefined) return reply(RCODE.noSuchName, [], [this.#soa()])
      return reply(RCODE.noError, found, found.length === 0 ? [this.#soa()] : [])
    }
    const address = reverseAddress(name)
    if (address !== undefined) {
      const names = this.#options.zone.namesOf(address)
      if (names.length > 0) return reply(RCODE.noError, this.#pointers(query, names))
      // Without an SOA nobody keeps it: the address may have a name in a moment.
      if (this.#isOverlay(address)) return reply(RCODE.noSuchName, [])
    }
    if (query.isRecursionDesired && this.#options.isForwarding()) return { type: 'forward', query }
    return reply(RCODE.refused, [], [], false)
  }

  /** An answer to what nobody else answered. */
  failure(query: DnsQuery, isTcp: boolean): Outcome {
    const { serverFailure } = RCODE
    return this.#reply(query, { rcode: serverFailure, answers: [], authorities: [], isAuthoritative: false }, isTcp)
  }

  /** An answer to whom nobody else is asked for. */
  refused(query: DnsQuery, isTcp: boolean): Outcome {
    return this.#reply(query, { rcode: RCODE.refused, answers: [], authorities: [], isAuthoritative: false }, isTcp)
  }

  /** What somebody else answered, as the client can take it. */
  handOn(query: DnsQuery, answer: Uint8Array, isTcp: boolean): Uint8Array {
    return answer.length <= bytesMax(query, isTcp) ? answer : encodeCut(query, answer)
  }

  #reply(
    query: DnsQuery,
    parts: { rcode: Rcode; answers: DnsRecord[]; authorities: DnsRecord[]; isAuthoritative: boolean },
    isTcp: boolean,
  ): Outcome {
    const reply = { ...parts, isRecursionAvailable: this.#options.isForwarding() }
    return { type: 'answer', rcode: parts.rcode, bytes: encodeReply(query, reply, bytesMax(query, isTcp)) }
  }

  #apex({ question }: DnsQuery): DnsRecord[] {
    const { name, type } = question
    const records: DnsRecord[] = []
    if (isAsked(type, 'SOA')) records.push({ ...this.#soa(), name })
    if (isAsked(type, 'NS'))
      records.push({ type: 'NS', name, ttl: this.#options.ttlSeconds, data: this.#options.domain.name })
    return records
  }

  /** Undefined when there is no such name. */
  #named({ question }: DnsQuery, name: string): DnsRecord[] | undefined {
    const { zone, ttlSeconds: ttl, first } = this.#options
    const found = zone.addressesOf(name)
    if (found === undefined) return zone.isEnclosing(name) ? [] : undefined
    const asked = found.filter(({ address }) => isAsked(question.type, isIpv6(address) ? 'AAAA' : 'A'))
    const shuffled = this.#shuffled(asked)
    const ordered =
      first === undefined
        ? shuffled
        : [...shuffled.filter(({ owner }) => owner === first), ...shuffled.filter(({ owner }) => owner !== first)]
    return ordered
      .slice(0, ANSWER_RECORDS_MAX)
      .map(({ address }) => ({ type: isIpv6(address) ? 'AAAA' : 'A', name: question.name, ttl, data: address }))
  }

  #pointers({ question }: DnsQuery, names: readonly string[]): DnsRecord[] {
    if (!isAsked(question.type, 'PTR')) return []
    const { domain, ttlSeconds: ttl } = this.#options
    return names
      .slice(0, ANSWER_RECORDS_MAX)
      .map(name => ({ type: 'PTR', name: question.name, ttl, data: domain.full(name).slice(0, -1) }))
  }

  /** As RFC 6303 has it of zones that no server was set up for: the zone is its own server. */
  #soa(): DnsRecord {
    const { domain, ttlSeconds } = this.#options
    return {
      type: 'SOA',
      name: domain.name,
      ttl: ttlSeconds,
      data: {
        mname: domain.name,
        rname: `hostmaster.${domain.name}`,
        serial: 1,
        refresh: 3_600,
        retry: 600,
        expire: 86_400,
        minimum: ttlSeconds,
      },
    }
  }

  #isOverlay(address: string): boolean {
    const ipv4 = parseIpv4(address)
    return ipv4 !== undefined && contains(this.#options.range, ipv4)
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const all = [...items]
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(this.#options.chance() * (i + 1))
      const held = all[i]!
      all[i] = all[j]!
      all[j] = held
    }
    return all
  }
}

function refusal(query: Uint8Array, rcode: Rcode): Outcome {
  return { type: 'answer', rcode, bytes: encodeDnsRefusal(query, rcode) }
}

function isAsked(asked: string, type: string): boolean {
  return asked === type || asked === 'ANY'
}

function isIpv6(address: string): boolean {
  return address.includes(':')
}

function bytesMax({ udpBytes: bytes = UDP_ANSWER_BYTES }: DnsQuery, isTcp: boolean): number {
  if (isTcp) return TCP_ANSWER_BYTES_MAX
  return Math.min(Math.max(bytes, UDP_ANSWER_BYTES), UDP_ANSWER_BYTES_MAX)
}
