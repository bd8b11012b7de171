import { equalBytes, fromHex } from '../base/mod.ts'

/**
 * Checks on encoded points and scalars of Curve25519 that not every library makes. Both suites make them before they
 * call the primitive, so that all peers accept and refuse the same bytes.
 */

const POINT_BYTES = 32

function table(...encodings: readonly string[]): readonly Uint8Array[] {
  return encodings.map(text => fromHex(text)!)
}

/** The order L of the base point, little-endian (RFC 8032 §5.1). */
const [GROUP_ORDER] = table('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010') as [Uint8Array]

/** The y coordinates of the eight points of small order. */
const SMALL_ORDER_Y = table(
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
)

/** The u coordinates of small order on the curve and its twist, with their encodings above the field's modulus. */
const SMALL_ORDER_U = table(
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
)

function withoutTopBit(encoded: Uint8Array): Uint8Array {
  const masked = encoded.slice()
  masked[POINT_BYTES - 1]! &= 0x7f
  return masked
}

/** True when the 32 bytes encode a y below 2^255 - 19 that is not of a point of small order. */
export function isStrongSigningPoint(encoded: Uint8Array): boolean {
  if (encoded.length !== POINT_BYTES) return false
  const y = withoutTopBit(encoded)
  const isAtTop = y[31] === 0x7f && y.subarray(1, 31).every(byte => byte === 0xff)
  if (isAtTop && y[0]! >= 0xed) return false
  return !SMALL_ORDER_Y.some(small => equalBytes(small, y))
}

/** True when the 32 bytes, little-endian, are below the group order (RFC 8032 §5.1.7). */
export function isCanonicalScalar(encoded: Uint8Array): boolean {
  if (encoded.length !== POINT_BYTES) return false
  for (let i = POINT_BYTES - 1; i >= 0; i--) {
    if (encoded[i]! !== GROUP_ORDER[i]!) return encoded[i]! < GROUP_ORDER[i]!
  }
  return false
}

/** True for an X25519 public key with which every exchange gives zero (RFC 7748 §6.1), or of a wrong length. */
export function isWeakExchangeKey(encoded: Uint8Array): boolean {
  if (encoded.length !== POINT_BYTES) return true
  const u = withoutTopBit(encoded)
  return SMALL_ORDER_U.some(small => equalBytes(small, u))
}

/**
 * What both suites ask of a signature before the arithmetic: lengths, S below L, A and R canonical and of large order.
 */
export function isPlausibleSignature(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    isStrongSigningPoint(publicKey) &&
    isStrongSigningPoint(signature.subarray(0, POINT_BYTES)) &&
    isCanonicalScalar(signature.subarray(POINT_BYTES))
  )
}
