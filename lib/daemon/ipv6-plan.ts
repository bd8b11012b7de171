import {
  EMBEDDED_IPV4_BITS,
  formatIpv6Cidr,
  ipv6Of,
  isOfMesh,
  parseCidr,
  parseIpv6Cidr,
  type Cidr,
} from '../address/mod.ts'
import { OVERLAY_MTU_IPV6_MIN } from '../host/mod.ts'

/** Which IPv6 addresses go with the IPv4 addresses that were given, if any do. */
export class Ipv6Plan {
  /** Why nothing here gets one; undefined: it does. */
  readonly off: string | undefined
  readonly #prefix: () => Uint8Array | undefined
  readonly #range: Cidr

  constructor(parts: {
    /** As `launch` was told. */
    readonly isWanted: boolean
    /** Of the overlay, in bytes. */
    readonly mtu: number
    readonly range: Cidr
    /** Of the mesh, as 6 bytes; undefined while there is none. */
    readonly prefix: () => Uint8Array | undefined
  }) {
    this.#prefix = parts.prefix
    this.#range = parts.range
    this.off = offOf(parts.isWanted, parts.mtu)
  }

  /** False before there is a mesh: what is there then cannot be judged. */
  get isKnown(): boolean {
    return this.#prefix() !== undefined
  }

  /** Whether an IPv6 address in CIDR form has the prefix of the mesh. */
  isOfMesh(text: string): boolean {
    const [prefix, cidr] = [this.#prefix(), parseIpv6Cidr(text)]
    return prefix !== undefined && cidr !== undefined && isOfMesh(prefix, cidr.address)
  }

  /** Those of these IPv4 addresses, both in CIDR form, in the same order. */
  of(cidrs: readonly string[]): string[] {
    const prefix = this.#prefix()
    if (prefix === undefined || this.off !== undefined) return []
    return cidrs.map(text => formatIpv6Cidr(ipv6Of(prefix, this.#range, parseCidr(text)!)))
  }
}

function offOf(isWanted: boolean, mtu: number): string | undefined {
  if (!isWanted) return '--no-ipv6'
  return mtu < OVERLAY_MTU_IPV6_MIN
    ? `the MTU of the overlay, ${mtu}, is below the ${OVERLAY_MTU_IPV6_MIN} of IPv6`
    : undefined
}

/** Those of the IPv6 addresses that go with one of the IPv4 addresses, whatever the mesh was when they were given. */
export function ipv6Among(ipv6: readonly string[], cidrs: readonly string[]): string[] {
  const addresses = new Set(cidrs.map(text => parseCidr(text)!.address))
  return ipv6.filter(text => {
    const cidr = parseIpv6Cidr(text)
    return cidr !== undefined && addresses.has(new DataView(cidr.address.buffer).getUint32(EMBEDDED_IPV4_BITS / 8))
  })
}

/** What a target has of the IPv6 addresses that it was to get. */
export function familiesOf(
  wanted: readonly string[],
  plugged: { readonly addresses: readonly string[] },
): { readonly ipv6: string[]; readonly isIpv6Off: boolean } {
  const ipv6 = wanted.filter(text => plugged.addresses.includes(text))
  return { ipv6, isIpv6Off: ipv6.length < wanted.length }
}
