import { MAC_BROADCAST, type Ipv4, type Mac } from '../../lib/address/mod.ts'
import { arpPayload, ethernetFrame } from './frames.ts'

const ARP = 0x0806
const IPV4 = 0x0800
const ARP_REPLY = 2
const ECHO_REQUEST = 8
const ECHO_REPLY = 0
const ARP_TRIES_MAX = 8
const ARP_ENTRIES_MAX = 4_096

/** In every echo, so that a reader of the underlay could find it. */
export const SIM_MARKER = new TextEncoder().encode('what nobody on the way may read')

interface Ping {
  readonly to: Ipv4
  readonly number: number
  tries: number
}

/** A container as its neighbours know it: answers ARP and echo requests, and sends them. */
export class SimContainer {
  readonly id: string
  readonly mac: Mac
  /** Undefined until its address was acknowledged. */
  ip: Ipv4 | undefined
  readonly #send: (frame: Uint8Array) => void
  readonly #macs = new Map<Ipv4, Mac>()
  readonly #pings = new Map<number, Ping>()
  readonly #answered = new Set<number>()

  constructor(id: string, mac: Mac, send: (frame: Uint8Array) => void) {
    this.id = id
    this.mac = mac
    this.#send = send
  }

  /** Sends an echo request; asks afresh who has the address, unless told otherwise. */
  ping(to: Ipv4, number: number, isFresh = true): void {
    if (isFresh) this.#macs.delete(to)
    this.#answered.delete(number)
    this.#pings.set(number, { to, number, tries: 0 })
    this.retry(number)
  }

  /** Sends once more what was not answered. */
  retry(number: number): void {
    const ping = this.#pings.get(number)
    if (ping === undefined || this.ip === undefined) return
    if (ping.tries++ >= ARP_TRIES_MAX) return void this.#pings.delete(number)
    const mac = this.#macs.get(ping.to)
    if (mac === undefined)
      this.#send(ethernetFrame(MAC_BROADCAST, this.mac, arpPayload(this.mac, this.ip, ping.to), ARP))
    else this.#send(ethernetFrame(mac, this.mac, echo(this.ip, ping.to, ECHO_REQUEST, number), IPV4))
  }

  /** Whether the echo request of this number was answered. */
  isAnswered(number: number): boolean {
    return this.#answered.has(number)
  }

  /** A frame that the bridge brings. */
  handleFrame(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const destination = view.getUint16(0) * 2 ** 32 + view.getUint32(2)
    if (destination !== this.mac && destination !== MAC_BROADCAST) return
    const etherType = view.getUint16(12)
    if (etherType === ARP) this.#handleArp(view)
    else if (etherType === IPV4 && destination === this.mac) this.#handleEcho(view)
  }

  #handleArp(view: DataView): void {
    const senderMac = view.getUint16(22) * 2 ** 32 + view.getUint32(24)
    const senderIp = view.getUint32(28)
    if (view.getUint32(38) !== this.ip) return
    if (this.#macs.size < ARP_ENTRIES_MAX) this.#macs.set(senderIp, senderMac)
    if (view.getUint16(20) === ARP_REPLY) {
      for (const ping of this.#pings.values()) if (ping.to === senderIp) this.retry(ping.number)
      return
    }
    const reply = arpPayload(this.mac, this.ip, senderIp)
    new DataView(reply.buffer).setUint16(6, ARP_REPLY)
    this.#send(ethernetFrame(senderMac, this.mac, reply, ARP))
  }

  #handleEcho(view: DataView): void {
    if (view.getUint32(30) !== this.ip) return
    const from = view.getUint32(26)
    const number = view.getUint32(38)
    if (view.getUint8(34) === ECHO_REPLY) {
      if (this.#pings.delete(number)) this.#answered.add(number)
      return
    }
    const mac = view.getUint16(6) * 2 ** 32 + view.getUint32(8)
    this.#send(ethernetFrame(mac, this.mac, echo(this.ip, from, ECHO_REPLY, number), IPV4))
  }
}

/** An IPv4 packet with an ICMP echo: 20 bytes, then type, code, checksum (zero here), number, the marker. */
function echo(from: Ipv4, to: Ipv4, type: number, number: number): Uint8Array {
  const packet = new Uint8Array(28 + SIM_MARKER.length)
  const view = new DataView(packet.buffer)
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1])
  view.setUint16(2, packet.length)
  view.setUint32(12, from)
  view.setUint32(16, to)
  packet[20] = type
  view.setUint32(24, number)
  packet.set(SIM_MARKER, 28)
  return packet
}
