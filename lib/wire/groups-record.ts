import { assert, ByteReader, ByteWriter, compareBytes, Drop, type Decoded } from '../base/mod.ts'

/**
 * The value of a `groups` record: to which multicast groups somebody on the owner's host listens.
 *
 *     | flags u8 | count u16 ≤ 512 | groups … |        flags: 1 it listens to everything, then there is no group
 *     group: | length u8: 4 or 16 | ip … |             ascending by these bytes
 *
 * Bytes after the last group are ignored.
 */
export interface GroupsRecord {
  readonly isEverything: boolean
  /** IP addresses of 4 or 16 bytes, each once. */
  readonly groups: readonly Uint8Array[]
}

/** Groups that one peer tells of; who listens to more says that it listens to everything. */
export const TOLD_GROUPS_MAX = 512

const FLAG_EVERYTHING = 1

export function encodeGroupsRecord({ isEverything, groups }: GroupsRecord): Uint8Array {
  assert(groups.length <= TOLD_GROUPS_MAX, `${groups.length} groups`)
  assert(!isEverything || groups.length === 0, 'everything, and groups')
  const writer = new ByteWriter().u8(isEverything ? FLAG_EVERYTHING : 0).u16(groups.length)
  const fields = groups.map(ip => Uint8Array.of(ip.length, ...ip)).sort(compareBytes)
  for (const field of fields) writer.raw(field)
  return writer.finish()
}

export function decodeGroupsRecord(value: Uint8Array): Decoded<GroupsRecord> {
  const reader = new ByteReader(value)
  const isEverything = (reader.u8() & FLAG_EVERYTHING) !== 0
  const count = reader.u16()
  if (count > TOLD_GROUPS_MAX || (isEverything && count > 0)) reader.fail()
  const groups: Uint8Array[] = []
  for (let i = 0; i < count && reader.ok; i++) {
    const length = reader.u8()
    const ip = reader.raw(length).slice()
    const isGroup = (length === 4 && ip[0]! >>> 4 === 14) || (length === 16 && ip[0] === 0xff)
    const before = groups.at(-1)
    const isNext =
      before === undefined || before.length < length || (before.length === length && compareBytes(before, ip) < 0)
    if (!isGroup || !isNext) reader.fail()
    groups.push(ip)
  }
  return reader.ok ? { isEverything, groups } : new Drop('groups-malformed')
}
