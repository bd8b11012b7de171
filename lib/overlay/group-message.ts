import { macOfHalves, type Mac } from '../address/mod.ts'
import {
  ETHERNET_HEADER_BYTES,
  ETHER_TYPE,
  ETHER_TYPE_AT,
  ICMPV6,
  IPV4_HEADER_BYTES_MIN,
  IPV6_HEADER_BYTES,
  NEXT_HEADER_AT,
  i32At,
  u16At,
} from './frame-bytes.ts'

const IGMP = 2
const PIM = 103
const HOP_BY_HOP = 0

/** IGMP (RFC 1112, 2236, 3376). */
const IGMP_QUERY = 0x11
const IGMP_V1_REPORT = 0x12
const IGMP_V2_REPORT = 0x16
const IGMP_V2_LEAVE = 0x17
const IGMP_V3_REPORT = 0x22
/** MLD (RFC 2710, 3810). */
const MLD_QUERY = 130
const MLD_V1_REPORT = 131
const MLD_V1_DONE = 132
const MLD_V2_REPORT = 143

/** Of a group record in IGMPv3 and MLDv2: only what these sources send is wanted, from now on or as before. */
const MODE_IS_INCLUDE = 1
const MODE_IS_EXCLUDE = 2
const CHANGE_TO_INCLUDE = 3
const CHANGE_TO_EXCLUDE = 4
const ALLOW_NEW_SOURCES = 5
const BLOCK_OLD_SOURCES = 6

/** What a frame is in the eyes of those who keep groups. */
export const GROUP_MESSAGE = {
  /** Anything else. */
  none: 0,
  /** Says that somebody listens to groups, or does not any more: of use to multicast routers only. */
  report: 1,
  /** Only multicast routers send it: a query, or PIM. */
  router: 2,
} as const

export type GroupMessage = (typeof GROUP_MESSAGE)[keyof typeof GROUP_MESSAGE]

/** Groups by their IP addresses (4 or 16 bytes, copies). Who left one may not have been the last. */
export interface GroupReport {
  readonly joined: readonly Uint8Array[]
  readonly left: readonly Uint8Array[]
}

/** Where the message of an untagged frame begins and ends, and of which IP version it is. */
interface Place {
  readonly at: number
  readonly end: number
  readonly isIpv6: boolean
  readonly isPim: boolean
}

/**
 * What the untagged Ethernet frame at `offset` of `slab` is. Frames with VLAN tags are none: who listens behind a tag is
 * not kept. Checksums are not looked at: whoever sends a frame can make them right.
 */
export function groupMessageAt(slab: Uint8Array, offset: number, length: number): GroupMessage {
  if (!mayBeMessage(slab, offset, length)) return GROUP_MESSAGE.none
  const place = placeOf(slab, offset, length)
  if (place === undefined) return GROUP_MESSAGE.none
  if (place.isPim) return GROUP_MESSAGE.router
  const type = slab[place.at]!
  if (type === (place.isIpv6 ? MLD_QUERY : IGMP_QUERY)) return GROUP_MESSAGE.router
  const reports = place.isIpv6
    ? type === MLD_V1_REPORT || type === MLD_V1_DONE || type === MLD_V2_REPORT
    : type === IGMP_V1_REPORT || type === IGMP_V2_REPORT || type === IGMP_V2_LEAVE || type === IGMP_V3_REPORT
  return reports ? GROUP_MESSAGE.report : GROUP_MESSAGE.none
}

/** What a report says; undefined of any other frame. Records that do not fit, and what is no group's address, are left out. */
export function readGroupReport(frame: Uint8Array): GroupReport | undefined {
  const place = placeOf(frame, 0, frame.length)
  if (place === undefined || groupMessageAt(frame, 0, frame.length) !== GROUP_MESSAGE.report) return undefined
  const { at, end, isIpv6 } = place
  const type = frame[at]!
  if (type === IGMP_V3_REPORT || type === MLD_V2_REPORT) return recordsOf(frame, place)
  const groupAt = at + (isIpv6 ? 8 : 4)
  const ip = groupIp(frame, groupAt, end, isIpv6)
  const groups = ip === undefined ? [] : [ip]
  const isLeave = type === IGMP_V2_LEAVE || type === MLD_V1_DONE
  return isLeave ? { joined: [], left: groups } : { joined: groups, left: [] }
}

/**
 *     | type u8 | aux words u8 | sources u16 | group | sources … | aux … |     big-endian
 *
 * The last source that is blocked may have been the last one that was wanted: that counts as left, and is asked.
 */
function recordsOf(frame: Uint8Array, { at, end, isIpv6 }: Place): GroupReport {
  const joined: Uint8Array[] = []
  const left: Uint8Array[] = []
  const ipBytes = isIpv6 ? 16 : 4
  let next = at + 8
  for (let records = u16At(frame, at + 6); records > 0 && next + 4 + ipBytes <= end; records--) {
    const type = frame[next]!
    const sources = u16At(frame, next + 2)
    const ip = groupIp(frame, next + 4, end, isIpv6)
    next += 4 + ipBytes * (1 + sources) + 4 * frame[next + 1]!
    // One that is longer than the frame says nothing that can be relied on.
    if (ip === undefined || next > end) continue
    const includes = type === MODE_IS_INCLUDE || type === CHANGE_TO_INCLUDE
    if (type === MODE_IS_EXCLUDE || type === CHANGE_TO_EXCLUDE || type === ALLOW_NEW_SOURCES) joined.push(ip)
    else if (includes && sources > 0) joined.push(ip)
    else if (type === CHANGE_TO_INCLUDE || type === BLOCK_OLD_SOURCES) left.push(ip)
  }
  return { joined, left }
}

function groupIp(frame: Uint8Array, at: number, end: number, isIpv6: boolean): Uint8Array | undefined {
  const bytes = isIpv6 ? 16 : 4
  if (at + bytes > end || !isGroupIp(frame.subarray(at, at + bytes))) return undefined
  return frame.slice(at, at + bytes)
}

/** By its protocol, without a look at the rest: false of most frames. */
function mayBeMessage(slab: Uint8Array, offset: number, length: number): boolean {
  if (length < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES_MIN) return false
  const ip = offset + ETHERNET_HEADER_BYTES
  const etherType = u16At(slab, offset + ETHER_TYPE_AT)
  if (etherType === ETHER_TYPE.ipv4) return slab[ip + 9] === IGMP || slab[ip + 9] === PIM
  return (
    etherType === ETHER_TYPE.ipv6 && (slab[ip + NEXT_HEADER_AT] === HOP_BY_HOP || slab[ip + NEXT_HEADER_AT] === PIM)
  )
}

/** The message is cut to what the IP header says of it. Undefined when there is none, or only a piece of one. */
function placeOf(slab: Uint8Array, offset: number, length: number): Place | undefined {
  const frameEnd = Math.min(offset + length, slab.length)
  const ip = offset + ETHERNET_HEADER_BYTES
  if (ip > frameEnd) return undefined
  const etherType = u16At(slab, offset + ETHER_TYPE_AT)
  if (etherType === ETHER_TYPE.ipv4) {
    if (ip + IPV4_HEADER_BYTES_MIN > frameEnd || slab[ip]! >>> 4 !== 4) return undefined
    const headerBytes = (slab[ip]! & 15) * 4
    const end = Math.min(frameEnd, ip + u16At(slab, ip + 2))
    const isPiece = (u16At(slab, ip + 6) & 0x3fff) !== 0
    if (headerBytes < IPV4_HEADER_BYTES_MIN || isPiece) return undefined
    return messagePlace(slab[ip + 9]!, { at: ip + headerBytes, end, isIpv6: false }, IGMP)
  }
  if (etherType !== ETHER_TYPE.ipv6 || ip + IPV6_HEADER_BYTES > frameEnd || slab[ip]! >>> 4 !== 6) return undefined
  const end = Math.min(frameEnd, ip + IPV6_HEADER_BYTES + u16At(slab, ip + 4))
  const next = slab[ip + NEXT_HEADER_AT]!
  const at = ip + IPV6_HEADER_BYTES
  if (next !== HOP_BY_HOP) return messagePlace(next, { at, end, isIpv6: true }, PIM)
  // MLD always has the router alert option (RFC 3810 §5).
  if (at + 8 > end) return undefined
  return messagePlace(slab[at]!, { at: at + (slab[at + 1]! + 1) * 8, end, isIpv6: true }, ICMPV6)
}

function messagePlace(
  protocol: number,
  { at, end, isIpv6 }: Omit<Place, 'isPim'>,
  expected: number,
): Place | undefined {
  const isPim = protocol === PIM
  if ((protocol !== expected && !isPim) || at + 8 > end) return undefined
  return { at, end, isIpv6, isPim }
}

/** Of 4 or 16 bytes. */
export function isGroupIp(ip: Uint8Array): boolean {
  return ip.length === 4 ? ip[0]! >>> 4 === 14 : ip[0] === 0xff
}

/** RFC 1112 §6.4, RFC 2464 §7: several groups share an address. */
export function macOfGroup(ip: Uint8Array): Mac {
  const low = i32At(ip, ip.length - 4)
  return ip.length === 4 ? macOfHalves(0x0100, 0x5e00_0000 | (low & 0x7f_ffff)) : macOfHalves(0x3333, low)
}

/** Of 224.0.0.x (RFC 5771 §4) the upper 24 bits. */
const LOCAL_CONTROL = 0xe0_0000

/**
 * Whether frames for this group go to those only who listen to it: not what all hosts hear (224.0.0.x, ff02::1), and not
 * the groups by which neighbours are found, whose frames must not be lost while a report is under way.
 */
export function isKeptGroup(ip: Uint8Array): boolean {
  if (ip.length === 4) return isGroupIp(ip) && i32At(ip, 0) >>> 8 !== LOCAL_CONTROL
  return isGroupIp(ip) && isKeptLow(i32At(ip, 12))
}

/** The same of an Ethernet frame at `offset` of `slab`; false of one with VLAN tags, or for an address that is no IP group's. */
export function isForKeptGroup(slab: Uint8Array, offset: number, length: number): boolean {
  if (length < ETHERNET_HEADER_BYTES + IPV4_HEADER_BYTES_MIN) return false
  const etherType = u16At(slab, offset + ETHER_TYPE_AT)
  const high = u16At(slab, offset)
  const low = i32At(slab, offset + 2)
  if (etherType === ETHER_TYPE.ipv6) return high === 0x3333 && isKeptLow(low)
  if (etherType !== ETHER_TYPE.ipv4 || high !== 0x0100 || (low & 0xff80_0000) !== 0x5e00_0000) return false
  const to = i32At(slab, offset + ETHERNET_HEADER_BYTES + 16)
  return to >>> 28 === 14 && to >>> 8 !== LOCAL_CONTROL
}

/** Of the last 32 bits of a group of IPv6. */
function isKeptLow(low: number): boolean {
  return low !== 1 && low >>> 24 !== 0xff
}
