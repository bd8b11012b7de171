import { formatMac, type Mac } from '../address/mod.ts'
import { fromHex } from '../base/mod.ts'
import { macOfGroup } from './group-message.ts'

const ALL_HOSTS = [Uint8Array.of(224, 0, 0, 1), ipv6Bytes(0xff02, 1)] as const
const ANY_GROUP = { 4: new Uint8Array(4), 6: new Uint8Array(16) } as const
/** Robustness: how often those who listen say a change. */
const ROBUSTNESS = 2
const ICMPV6_CHECKSUM_AT = 2

export interface QuerySettings {
  /** Source of the frame; the IPv6 source is the link-local address of it. */
  readonly mac: Mac
  /** Those who listen answer within so long; whole tenths of a second, below 12.8 s. */
  readonly responseMs: number
  /** How often everybody is asked, below 128 s. */
  readonly intervalSeconds: number
}

/**
 * Ethernet frames that ask who listens: to one group, or to any. IGMPv3 (RFC 3376 §4.1) from 0.0.0.0, which no router
 * takes for its rival (RFC 4541 §2.1.1), and MLDv2 (RFC 3810 §5.1). With a group one frame, of its IP version.
 */
export function groupQueries(settings: QuerySettings, group?: Uint8Array): readonly Uint8Array[] {
  if (group !== undefined) return [group.length === 4 ? igmpQuery(settings, group) : mldQuery(settings, group)]
  return [igmpQuery(settings, undefined), mldQuery(settings, undefined)]
}

function igmpQuery({ mac, responseMs, intervalSeconds }: QuerySettings, group: Uint8Array | undefined): Uint8Array {
  const destination = group ?? ALL_HOSTS[0]
  const igmp = Uint8Array.of(
    0x11,
    responseMs / 100,
    0,
    0,
    ...(group ?? ANY_GROUP[4]),
    ROBUSTNESS,
    intervalSeconds,
    0,
    0,
  )
  igmp.set(checksum(igmp), 2)
  // A time to live of 1 and the router alert option: 24 bytes of header.
  const ip = Uint8Array.of(0x46, 0xc0, 0, 24 + igmp.length, 0, 0, 0x40, 0, 1, 2, 0, 0, ...ANY_GROUP[4], ...destination)
  const header = Uint8Array.of(...ip, 0x94, 4, 0, 0)
  header.set(checksum(header), 10)
  return Uint8Array.of(...macBytes(macOfGroup(destination)), ...macBytes(mac), 0x08, 0x00, ...header, ...igmp)
}

function mldQuery({ mac, responseMs, intervalSeconds }: QuerySettings, group: Uint8Array | undefined): Uint8Array {
  const destination = group ?? ALL_HOSTS[1]
  const own = macBytes(mac)
  const [a, b, c, d, e, f] = own as unknown as [number, number, number, number, number, number]
  // RFC 4291 appendix A.
  const source = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f)
  const response = [responseMs >>> 8, responseMs & 255]
  const tail = [ROBUSTNESS, intervalSeconds, 0, 0]
  const mld = Uint8Array.of(130, 0, 0, 0, ...response, 0, 0, ...(group ?? ANY_GROUP[6]), ...tail)
  const pseudo = Uint8Array.of(...source, ...destination, 0, 0, 0, mld.length, 0, 0, 0, 58)
  mld.set(checksum(Uint8Array.of(...pseudo, ...mld)), ICMPV6_CHECKSUM_AT)
  const hopByHop = [58, 0, 5, 2, 0, 0, 1, 0]
  const ip = [0x60, 0, 0, 0, 0, hopByHop.length + mld.length, 0, 1, ...source, ...destination]
  return Uint8Array.of(...macBytes(macOfGroup(destination)), ...own, 0x86, 0xdd, ...ip, ...hopByHop, ...mld)
}

/** RFC 1071, over an even number of bytes. */
function checksum(bytes: Uint8Array): readonly [number, number] {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return [(~sum >>> 8) & 255, ~sum & 255]
}

function macBytes(mac: Mac): Uint8Array {
  return fromHex(formatMac(mac).replaceAll(':', ''))!
}

function ipv6Bytes(first: number, last: number): Uint8Array {
  const ip = new Uint8Array(16)
  ip.set([first >>> 8, first & 255], 0)
  ip.set([last >>> 8, last & 255], 14)
  return ip
}
