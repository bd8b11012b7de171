import { formatIp, parseIp } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, isPrintable, type Decoded } from '../base/mod.ts'

/**
 * The value of a `name` record: under which names a container of its owner is found, and where.
 *
 *     | container: 16-bit length, text | address count u8 | addresses | name count u8 | names: 16-bit length, text |
 *
 * An address is `| bytes u8: 4 or 16 | ip … |`. A name is relative to the zone, which each peer has from its operator:
 * lower case, without a dot at the end. Bytes after the last name are ignored.
 */
export interface NameRecord {
  /** What the owner calls the container: at most CONTAINER_ID_BYTES_MAX bytes. */
  readonly container: string
  /** In canonical form, IPv4 or IPv6. */
  readonly addresses: readonly string[]
  /** Each as `isRelativeName` has it. */
  readonly names: readonly string[]
}

/** The key of a record is the hash of the container's id, cut to so much. */
export const NAME_KEY_BYTES = 16
export const CONTAINER_ID_BYTES_MAX = 512
export const NAME_ADDRESSES_MAX = 32
/** Names of one container. */
export const NAMES_MAX = 32
/** Characters of a name without the zone: with it a name has at most 253 (RFC 1035 §2.3.4). */
export const RELATIVE_NAME_MAX = 240
/** Labels of a name without the zone. */
export const NAME_LABELS_MAX = 8

/** RFC 1035 §2.3.1, and what containers are called besides: a label may begin with a digit, and hold `_`. */
const NAME_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** True for one to NAME_LABELS_MAX labels of lower-case letters, digits, `-` and `_`. */
export function isRelativeName(text: string): boolean {
  if (text.length > RELATIVE_NAME_MAX) return false
  const labels = text.split('.')
  return labels.length <= NAME_LABELS_MAX && labels.every(label => NAME_LABEL.test(label))
}

export function encodeNameRecord({ container, addresses, names }: NameRecord): Uint8Array {
  assert(addresses.length <= NAME_ADDRESSES_MAX, `${addresses.length} addresses of one container`)
  assert(names.length <= NAMES_MAX && names.every(isRelativeName), `the names ${names.join(' ')}`)
  const writer = new ByteWriter().text(container).u8(addresses.length)
  for (const address of addresses) {
    const ip = parseIp(address)
    assert(ip !== undefined, `the address ${address}`)
    writer.u8(ip.length).raw(ip)
  }
  writer.u8(names.length)
  for (const name of names) writer.text(name)
  return writer.finish()
}

export function decodeNameRecord(value: Uint8Array): Decoded<NameRecord> {
  const reader = new ByteReader(value)
  const container = reader.text(CONTAINER_ID_BYTES_MAX)
  const addresses = list(reader, NAME_ADDRESSES_MAX, () => {
    const length = reader.u8()
    if (length !== 4 && length !== 16) reader.fail()
    const ip = reader.raw(length)
    return reader.ok ? formatIp(ip) : ''
  })
  const names = list(reader, NAMES_MAX, () => reader.text(RELATIVE_NAME_MAX))
  if (!reader.ok || !isPrintable(container)) return new Drop('name-malformed')
  if (!names.every(isRelativeName)) return new Drop('name-text')
  return { container, addresses: [...new Set(addresses)], names: [...new Set(names)] }
}

function list(reader: ByteReader, max: number, read: () => string): string[] {
  const count = reader.u8()
  if (count > max) reader.fail()
  const items: string[] = []
  for (let i = 0; i < count && reader.ok; i++) items.push(read())
  return items
}
