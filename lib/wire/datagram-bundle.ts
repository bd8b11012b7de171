import { DATAGRAM_HEADER_BYTES, DATAGRAM_TAG_BYTES } from './datagram.ts'

/**
 * Sealed datagrams that go over a link in place of UDP, one behind the other:
 *
 *     | length u16 | datagram | length u16 | datagram | …
 */
export const BUNDLE_BYTES_MAX = 16_384

/** In front of each. */
export const BUNDLE_PREFIX_BYTES = 2
const LEAST_BYTES = DATAGRAM_HEADER_BYTES + 1 + DATAGRAM_TAG_BYTES

/** How many datagrams a bundle holds, at least one; undefined when it is none. */
export function bundleCount(bundle: Uint8Array): number | undefined {
  if (bundle.length === 0 || bundle.length > BUNDLE_BYTES_MAX) return undefined
  let count = 0
  for (let at = 0; at < bundle.length; count++) {
    if (bundle.length - at < BUNDLE_PREFIX_BYTES) return undefined
    const length = bundle[at]! | (bundle[at + 1]! << 8)
    at += BUNDLE_PREFIX_BYTES + length
    if (length < LEAST_BYTES || at > bundle.length) return undefined
  }
  return count
}

/** One datagram as a bundle: at most BUNDLE_BYTES_MAX in all. */
export function bundleOf(datagram: Uint8Array): Uint8Array {
  const bundle = new Uint8Array(BUNDLE_PREFIX_BYTES + datagram.length)
  bundle[0] = datagram.length & 255
  bundle[1] = datagram.length >> 8
  bundle.set(datagram, BUNDLE_PREFIX_BYTES)
  return bundle
}

/** The datagrams of a bundle; the views are into it. */
export function bundled(bundle: Uint8Array): Uint8Array[] {
  const datagrams: Uint8Array[] = []
  for (let at = 0; at < bundle.length;) {
    const from = at + BUNDLE_PREFIX_BYTES
    at = from + (bundle[at]! | (bundle[at + 1]! << 8))
    datagrams.push(bundle.subarray(from, at))
  }
  return datagrams
}
