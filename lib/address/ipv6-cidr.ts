import { formatIpv6, parseIpv6 } from './ipv6.ts'

/** An IPv6 address with a prefix length. */
export interface Ipv6Cidr {
  /** 16 bytes. */
  readonly address: Uint8Array
  readonly prefix: number
}

/** As in `fd00::1/64`; undefined for anything else. */
export function parseIpv6Cidr(text: string): Ipv6Cidr | undefined {
  const [, before = '', bits = ''] = /^([0-9a-fA-F:.]{2,45})\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const address = parseIpv6(before)
  const prefix = Number(bits)
  return address === undefined || prefix > 128 ? undefined : { address, prefix }
}

export function formatIpv6Cidr({ address, prefix }: Ipv6Cidr): string {
  return `${formatIpv6(address)}/${prefix}`
}

/** The network that it is an address of. */
export function ipv6SubnetOf({ address, prefix }: Ipv6Cidr): Ipv6Cidr {
  return { address: address.map((byte, i) => byte & maskOf(prefix, i)), prefix }
}

/** The bits of a byte of an address that a prefix of this length has. */
export function maskOf(prefix: number, byte: number): number {
  const bits = Math.min(8, Math.max(0, prefix - 8 * byte))
  return (0xff << (8 - bits)) & 0xff
}
