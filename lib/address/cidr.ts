import { formatIpv4, parseIpv4, type Ipv4 } from './ipv4.ts'

/** An IPv4 address with a prefix length. Host bits may be set: `subnetOf` clears them. */
export interface Cidr {
  readonly address: Ipv4
  readonly prefix: number
}

export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const address = parseIpv4(text.slice(0, slash))
  const prefixText = text.slice(slash + 1)
  if (address === undefined || !/^(0|[1-9]\d?)$/.test(prefixText)) return undefined
  const prefix = Number(prefixText)
  return prefix <= 32 ? { address, prefix } : undefined
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIpv4(cidr.address)}/${cidr.prefix}`
}

/** By prefix length: asked for each address that is looked at, so it is not raised to a power each time. */
const SIZES: readonly number[] = Array.from({ length: 33 }, (_, prefix) => 2 ** (32 - prefix))

/** How many addresses the prefix spans. */
export function cidrSize(cidr: Cidr): number {
  return SIZES[cidr.prefix]!
}

export function firstAddress(cidr: Cidr): Ipv4 {
  const size = cidrSize(cidr)
  return Math.floor(cidr.address / size) * size
}

export function lastAddress(cidr: Cidr): Ipv4 {
  return firstAddress(cidr) + cidrSize(cidr) - 1
}

export function subnetOf(cidr: Cidr): Cidr {
  return { address: firstAddress(cidr), prefix: cidr.prefix }
}

export function hasHostBits(cidr: Cidr): boolean {
  return cidr.address !== firstAddress(cidr)
}

export function contains(cidr: Cidr, address: Ipv4): boolean {
  return address >= firstAddress(cidr) && address <= lastAddress(cidr)
}

export function containsCidr(outer: Cidr, inner: Cidr): boolean {
  return outer.prefix <= inner.prefix && contains(outer, inner.address)
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return firstAddress(a) <= lastAddress(b) && firstAddress(b) <= lastAddress(a)
}
