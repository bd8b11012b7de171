import { assert, concatBytes, utf8 } from '../base/mod.ts'
import { containsCidr, firstAddress, type Cidr } from './cidr.ts'
import type { Ipv4 } from './ipv4.ts'
import type { Ipv6Cidr } from './ipv6-cidr.ts'
import { formatIpv6 } from './ipv6.ts'

/**
 * The IPv6 addresses of a mesh follow from its id and from the IPv4 addresses: nobody hands them out.
 *
 *     | fd | 40 bits of a hash of the mesh id | subnet id 16 | 0 (32) | IPv4 address 32 |
 */
export const MESH_PREFIX_BITS = 48
export const MESH_PREFIX_BYTES = 6
export const SUBNET_PREFIX_BITS = 64
/** Where the IPv4 address begins, in bits. */
export const EMBEDDED_IPV4_BITS = 96
/** RFC 4193 §3.1: a prefix that no internet routes, assigned locally. */
const LOCAL_PREFIX = 0xfd
const IPV6_PREFIX_LABEL = 'weave-ts ipv6 1'
const SUBNET_ID_BITS = 16

/** The /48 of a mesh, as 6 bytes. `hash`: BLAKE2b of so many bytes. */
export function meshPrefixOf(meshId: Uint8Array, hash: (bytes: Uint8Array, length: number) => Uint8Array): Uint8Array {
  const digest = hash(concatBytes(utf8(IPV6_PREFIX_LABEL), meshId), 32)
  return concatBytes(Uint8Array.of(LOCAL_PREFIX), digest.subarray(0, MESH_PREFIX_BYTES - 1))
}

export function formatMeshPrefix(prefix: Uint8Array): string {
  return `${formatIpv6(padded(prefix))}/${MESH_PREFIX_BITS}`
}

/**
 * The address that goes with an IPv4 address in its subnet. Different subnets never share a prefix, but where one is
 * inside the other and the IPv4 addresses share one too.
 *
 * The parts of the range are numbered as a binary tree: 1 the whole, 2 and 3 its halves, 4 to 7 its quarters. A subnet
 * that is too small to have a number is part of one that has, and a subnet outside the range of number 0, both with a
 * prefix that ends where that of the IPv4 address ends.
 */
export function ipv6Of(meshPrefix: Uint8Array, range: Cidr, cidr: Cidr): Ipv6Cidr {
  const depth = cidr.prefix - range.prefix
  const isInside = containsCidr(range, cidr)
  const isNumbered = isInside && depth < SUBNET_ID_BITS
  const address = padded(meshPrefix)
  const view = new DataView(address.buffer)
  view.setUint16(MESH_PREFIX_BYTES, isInside ? numberOf(range, cidr, Math.min(depth, SUBNET_ID_BITS - 1)) : 0)
  view.setUint32(EMBEDDED_IPV4_BITS / 8, cidr.address)
  return { address, prefix: isNumbered ? SUBNET_PREFIX_BITS : EMBEDDED_IPV4_BITS + cidr.prefix }
}

/** Whether an address (16 bytes) is of the mesh, given to anybody or not. */
export function isOfMesh(meshPrefix: Uint8Array, address: Uint8Array): boolean {
  return meshPrefix.every((byte, i) => address[i] === byte)
}

/** Of the part of the range, so many bits below it, that the address is in. */
function numberOf(range: Cidr, { address }: { readonly address: Ipv4 }, depth: number): number {
  const offset = address - firstAddress(range)
  return 2 ** depth + Math.floor(offset / 2 ** (32 - range.prefix - depth))
}

function padded(prefix: Uint8Array): Uint8Array {
  assert(prefix.length === MESH_PREFIX_BYTES, `a mesh prefix of ${prefix.length} bytes`)
  const address = new Uint8Array(16)
  address.set(prefix)
  return address
}
