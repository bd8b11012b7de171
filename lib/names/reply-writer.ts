import { parseIp } from '../address/mod.ts'
import { assert } from '../base/mod.ts'
import { TCP_ANSWER_BYTES_MAX } from './constants.ts'

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA' | 'NS' | 'PTR'; readonly name: string; readonly ttl: number; readonly data: string }
  | { readonly type: 'SOA'; readonly name: string; readonly ttl: number; readonly data: SoaData }

export interface SoaData {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

const TYPE = { A: 1, NS: 2, SOA: 6, PTR: 12, AAAA: 28, OPT: 41 } as const
const CLASS_IN = 1
const POINTER = 0xc000
/** A pointer has 14 bits. */
const POINTER_OFFSET_MAX = 0x3fff
export const DNS_HEADER_BYTES = 12
export const DNS_LABEL_BYTES_MAX = 63

/** One answer is written at a time, without a pause. */
const scratch = new Uint8Array(TCP_ANSWER_BYTES_MAX + 1_024)
const view = new DataView(scratch.buffer)

/**
 * Writes one message (RFC 1035 §4.1), names compressed: an end that stands there already is a pointer to it. What would
 * make it longer than it may be is not written.
 */
export class ReplyWriter {
  readonly #bytesMax: number
  /** Where each name begins that was written, in lower case. */
  readonly #offsets = new Map<string, number>()
  #length = DNS_HEADER_BYTES

  /** `question`: its bytes as they came. `name`: what it asks for, or undefined when no pointer may lead to it. */
  constructor(bytesMax: number, question: Uint8Array, name: string | undefined) {
    this.#bytesMax = bytesMax
    scratch.fill(0, 0, DNS_HEADER_BYTES)
    scratch.set(question, DNS_HEADER_BYTES)
    if (name !== undefined) this.#note(name.toLowerCase(), DNS_HEADER_BYTES)
    this.#length += question.length
  }

  /** Returns false, and has written nothing, when it would be longer than it may be with `reserved` bytes besides. */
  add(record: DnsRecord, reserved: number): boolean {
    const before = this.#length
    this.#name(record.name)
    this.#u16(TYPE[record.type])
    this.#u16(CLASS_IN)
    this.#u32(record.ttl)
    const lengthAt = this.#length
    this.#length += 2
    this.#data(record)
    view.setUint16(lengthAt, this.#length - lengthAt - 2)
    if (this.#length + reserved <= this.#bytesMax) return true
    // Whoever cannot write one writes no other that could point into it.
    this.#length = before
    return false
  }

  /** EDNS (RFC 6891 §6.1.2): what we take over UDP, and the upper bits of the response code. */
  option(udpBytes: number, rcode: number): void {
    this.#u8(0)
    this.#u16(TYPE.OPT)
    this.#u16(udpBytes)
    this.#u32((rcode >> 4) * 0x100_0000)
    this.#u16(0)
  }

  /** The message, with this header. */
  finish(id: number, flags: number, counts: readonly [number, number, number, number]): Uint8Array {
    view.setUint16(0, id)
    view.setUint16(2, flags)
    for (const [i, count] of counts.entries()) view.setUint16(4 + 2 * i, count)
    return scratch.slice(0, this.#length)
  }

  #data(record: DnsRecord): void {
    if (record.type === 'SOA') {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
      this.#name(mname)
      this.#name(rname)
      for (const value of [serial, refresh, retry, expire, minimum]) this.#u32(value)
    } else if (record.type === 'NS' || record.type === 'PTR') this.#name(record.data)
    else {
      const ip = parseIp(record.data)
      assert(ip !== undefined, `the address ${record.data}`)
      scratch.set(ip, this.#length)
      this.#length += ip.length
    }
  }

  #name(name: string): void {
    let rest = name
    while (rest !== '') {
      const offset = this.#offsets.get(rest.toLowerCase())
      if (offset !== undefined) return this.#u16(POINTER | offset)
      if (this.#length <= POINTER_OFFSET_MAX) this.#offsets.set(rest.toLowerCase(), this.#length)
      const dot = rest.indexOf('.')
      const label = dot < 0 ? rest : rest.slice(0, dot)
      assert(label.length > 0 && label.length <= DNS_LABEL_BYTES_MAX, `the name ${name}`)
      this.#u8(label.length)
      for (let i = 0; i < label.length; i++) this.#u8(label.charCodeAt(i))
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
    this.#u8(0)
  }

  /** Notes a name that stands at this offset already, and all its ends. */
  #note(name: string, offset: number): void {
    for (let at = 0; at < name.length;) {
      this.#offsets.set(name.slice(at), offset + at)
      const dot = name.indexOf('.', at)
      at = dot < 0 ? name.length : dot + 1
    }
  }

  #u8(value: number): void {
    scratch[this.#length++] = value
  }

  #u16(value: number): void {
    view.setUint16(this.#length, value)
    this.#length += 2
  }

  #u32(value: number): void {
    view.setUint32(this.#length, value)
    this.#length += 4
  }
}
