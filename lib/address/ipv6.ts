import ipaddr from 'ipaddr.js'
import { parseIpv4 } from './ipv4.ts'

/** Text form (RFC 4291 §2.2, no scope) to 16 bytes; undefined for anything else. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const { IPv6 } = ipaddr
  const plain = withoutDots(text)
  if (plain === undefined || plain.includes('%') || !IPv6.isValid(plain)) return undefined
  return Uint8Array.from(IPv6.parse(plain).toByteArray())
}

/**
 * Writes an IPv4 address at the end as two groups. The library takes octal and hexadecimal numbers there, and reads
 * `::10.1.2.3` as `::ffff:10.1.2.3`.
 */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text
  const at = text.lastIndexOf(':') + 1
  const ipv4 = parseIpv4(text.slice(at))
  return ipv4 === undefined || at === 0
    ? undefined
    : `${text.slice(0, at)}${(ipv4 >>> 16).toString(16)}:${(ipv4 & 0xffff).toString(16)}`
}

/** 16 bytes to the text form of RFC 5952. */
export function formatIpv6(bytes: Uint8Array): string {
  return new ipaddr.IPv6([...bytes]).toRFC5952String()
}
