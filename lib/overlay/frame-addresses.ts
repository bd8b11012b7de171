import { formatIp, formatMac } from '../address/mod.ts'
import {
  ETHERNET_HEADER_BYTES,
  ETHER_TYPE,
  IPV4_HEADER_BYTES_MIN,
  IPV6_HEADER_BYTES,
  VLAN_TYPES,
  u16At,
} from './frame-bytes.ts'

const VLAN_TAG_BYTES = 4

/** Between whom a frame goes, as text: IP addresses, or MAC addresses of a frame that carries no IP packet. */
export interface FrameAddresses {
  readonly source: string
  readonly destination: string
}

/** The addresses of an Ethernet frame of at least 14 bytes. Whatever it holds, it has some. */
export function frameAddressesOf(frame: Uint8Array): FrameAddresses {
  let at = ETHERNET_HEADER_BYTES
  let type = u16At(frame, at - 2)
  while (VLAN_TYPES.includes(type) && at + VLAN_TAG_BYTES <= frame.length) {
    at += VLAN_TAG_BYTES
    type = u16At(frame, at - 2)
  }
  if (type === ETHER_TYPE.ipv4 && at + IPV4_HEADER_BYTES_MIN <= frame.length && frame[at]! >> 4 === 4)
    return { source: ipAt(frame, at + 12, 4), destination: ipAt(frame, at + 16, 4) }
  if (type === ETHER_TYPE.ipv6 && at + IPV6_HEADER_BYTES <= frame.length && frame[at]! >> 4 === 6)
    return { source: ipAt(frame, at + 8, 16), destination: ipAt(frame, at + 24, 16) }
  return { source: macAt(frame, 6), destination: macAt(frame, 0) }
}

function ipAt(frame: Uint8Array, at: number, bytes: number): string {
  return formatIp(frame.subarray(at, at + bytes))
}

function macAt(frame: Uint8Array, at: number): string {
  let mac = 0
  for (let i = 0; i < 6; i++) mac = mac * 256 + frame[at + i]!
  return formatMac(mac)
}
