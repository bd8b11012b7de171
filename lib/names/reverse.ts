import { formatIp, parseIpv4 } from '../address/mod.ts'

const IPV4 = '.in-addr.arpa'
const IPV6 = '.ip6.arpa'

/** The address, in canonical form, that a name of the reverse tree stands for (lower case, without a dot at the end). */
export function reverseAddress(name: string): string | undefined {
  if (name.endsWith(IPV4)) {
    const text = name.slice(0, -IPV4.length).split('.').reverse().join('.')
    return parseIpv4(text) === undefined ? undefined : text
  }
  if (!name.endsWith(IPV6)) return undefined
  const nibbles = name.slice(0, -IPV6.length).split('.').reverse()
  if (nibbles.length !== 32 || !nibbles.every(nibble => /^[0-9a-f]$/.test(nibble))) return undefined
  return formatIp(Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(nibbles[2 * i]! + nibbles[2 * i + 1]!, 16)))
}
