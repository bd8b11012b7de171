import { VLAN_TAGS_MAX } from '../../lib/overlay/constants.ts'
import { ROW, ROW_FLAG } from '../../lib/overlay/packet-engine.ts'

export const ETHERNET_HEADER_BYTES = 14

const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, serviceVlan: 0x88a8, ipv6: 0x86dd } as const
const IPV6_HEADER_BYTES = 40
const ICMPV6 = 58
const UDP = 17
const FRAGMENT = 44
const AUTHENTICATION = 51
/** Extension headers that may stand before the upper layer: hop-by-hop, routing, destination options, mobility, and these. */
const EXTENSION_HEADERS = new Set([0, 43, 60, 135, FRAGMENT, AUTHENTICATION])
const EXTENSION_HEADERS_MAX = 16
const ROUTER_ADVERTISEMENT = 134
const REDIRECT = 137
const NEIGHBOUR_ADVERTISEMENT = 136

/** A frame at the TAP with what its vnet header says. */
export interface TapFrame {
  readonly frame: Uint8Array
  /** FRAME_FLAG bits. */
  readonly flags?: number
  readonly gsoSize?: number
  /** checksum start | checksum offset << 16 */
  readonly checksum?: number
}

/** Fills the columns of a frame row that tell of the Ethernet frame itself; false when it is too short to be one. */
export function fillFrameFields(rows: Int32Array, at: number, frame: Uint8Array): boolean {
  if (frame.length < ETHERNET_HEADER_BYTES) return false
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  rows[at + ROW.destinationHigh] = view.getUint16(0)
  rows[at + ROW.destinationLow] = view.getInt32(2)
  rows[at + ROW.sourceHigh] = view.getUint16(6)
  rows[at + ROW.sourceLow] = view.getInt32(8)
  const { etherType, offset } = behindTags(view)
  rows[at + ROW.etherType] = etherType
  rows[at + ROW.sourceIpv4] = sourceIpv4(view, etherType, offset)
  if (view.getUint32(0) === 0x0180_c200 && view.getUint8(4) === 0 && view.getUint8(5) < 16) {
    rows[at + ROW.flags]! |= ROW_FLAG.bridgeControl
  }
  if (etherType === ETHER_TYPE.ipv4 && isDhcpv4Server(view, offset)) rows[at + ROW.flags]! |= ROW_FLAG.dhcpServer
  if (etherType !== ETHER_TYPE.ipv6 || !isIpv6(view, offset)) return true
  for (let i = 0; i < 3; i++) rows[at + ROW.sourceIpv6 + i] = view.getInt32(offset + 8 + 4 * i)
  rows[at + ROW.sourceIpv4] = view.getInt32(offset + 20)
  rows[at + ROW.flags]! |= ipv6Flags(view, offset)
  return true
}

/** Whether it has more VLAN tags than are looked behind, or ends with one: such a frame is dropped. */
export function isStillTagged(frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  return frame.length >= ETHERNET_HEADER_BYTES && isVlan(behindTags(view).etherType)
}

/** The type behind the VLAN tags, and where what is of that type begins. */
function behindTags(view: DataView): { readonly etherType: number; readonly offset: number } {
  let offset = ETHERNET_HEADER_BYTES
  let etherType = view.getUint16(12)
  for (let tags = 0; tags < VLAN_TAGS_MAX && isVlan(etherType) && offset + 4 <= view.byteLength; tags++) {
    etherType = view.getUint16(offset + 2)
    offset += 4
  }
  return { etherType, offset }
}

function isVlan(etherType: number): boolean {
  return etherType === ETHER_TYPE.vlan || etherType === ETHER_TYPE.serviceVlan
}

function sourceIpv4(view: DataView, etherType: number, offset: number): number {
  if (etherType === ETHER_TYPE.ipv4 && offset + 20 <= view.byteLength) return view.getInt32(offset + 12)
  if (etherType === ETHER_TYPE.arp && offset + 28 <= view.byteLength) return view.getInt32(offset + 14)
  return 0
}

function isDhcpv4Server(view: DataView, start: number): boolean {
  if (start + 20 > view.byteLength || view.getUint8(start) >> 4 !== 4) return false
  const header = (view.getUint8(start) & 15) * 4
  if (header < 20 || (view.getUint16(start + 6) & 0x1fff) !== 0 || view.getUint8(start + 9) !== UDP) return false
  return start + header + 4 <= view.byteLength && view.getUint32(start + header) === 67 * 0x1_0000 + 68
}

function isIpv6(view: DataView, start: number): boolean {
  return start + IPV6_HEADER_BYTES <= view.byteLength && view.getUint8(start) >> 4 === 6
}

/** ROW_FLAG bits. Headers that end before what they would tell are taken for the worst. */
function ipv6Flags(view: DataView, start: number): number {
  const unknown = ROW_FLAG.routerAdvertisement | ROW_FLAG.neighbourAdvertisement | ROW_FLAG.dhcpServer
  let next = view.getUint8(start + 6)
  let offset = start + IPV6_HEADER_BYTES
  for (let headers = 0; EXTENSION_HEADERS.has(next); headers++) {
    if (headers === EXTENSION_HEADERS_MAX - 1 || offset + 8 > view.byteLength) return unknown
    // A fragment that is not the first has no header of the upper layer to look at.
    if (next === FRAGMENT && (view.getUint16(offset + 2) & 0xfff8) !== 0) return 0
    const units = view.getUint8(offset + 1)
    const length = next === FRAGMENT ? 8 : next === AUTHENTICATION ? (units + 2) * 4 : (units + 1) * 8
    next = view.getUint8(offset)
    offset += length
  }
  if (next === UDP) {
    const isWhole = offset + 4 <= view.byteLength
    return !isWhole || view.getUint32(offset) === 547 * 0x1_0000 + 546 ? ROW_FLAG.dhcpServer : 0
  }
  if (next !== ICMPV6) return 0
  if (offset >= view.byteLength) return unknown
  const type = view.getUint8(offset)
  if (type === NEIGHBOUR_ADVERTISEMENT) return ROW_FLAG.neighbourAdvertisement
  return type === ROUTER_ADVERTISEMENT || type === REDIRECT ? ROW_FLAG.routerAdvertisement : 0
}
