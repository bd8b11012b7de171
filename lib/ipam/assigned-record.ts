import { PEER_ID_BYTES, peerIdBytes, peerIdFromBytes, type Ipv4, type PeerId } from '../address/mod.ts'
import { assert, ByteReader, ByteWriter, Drop, type Decoded } from '../base/mod.ts'
import { ASSIGNED_STRIP } from './constants.ts'

/**
 * Which single addresses a peer says that others, or it itself, have: the value of a ledger record of kind `assigned`,
 * whose key is the first of 256 consecutive addresses (u32, little-endian). All integers are little-endian.
 *
 *     | peers u16 | peers × ( peer (16) | flags u8 | count u16 | count × ( offset u8 | loan u32 ) ) |
 *
 * With another peer, it is a loan: the author, if it owns the block, lent the address to that peer. Flag 1: to an
 * ephemeral one. With the author itself: a container of the author has the address, which is in no block of the author
 * (borrowed, outside the range, or disputed); the loan is 0. Bytes after that are ignored: a later version may append.
 */
export interface Assigned {
  readonly address: Ipv4
  readonly peer: PeerId
  readonly loan: number
  readonly isEphemeral: boolean
}

const FLAG_EPHEMERAL = 1

/** The first address of the strip that an address is in. */
export function stripOf(address: Ipv4): Ipv4 {
  return address - (address % ASSIGNED_STRIP)
}

export function encodeStripKey(strip: Ipv4): Uint8Array {
  return new ByteWriter(4).u32(strip).finish()
}

/** Drops: `assigned-key`. */
export function decodeStripKey(key: Uint8Array): Decoded<Ipv4> {
  const reader = new ByteReader(key)
  const strip = reader.u32()
  return reader.done && strip === stripOf(strip) ? strip : new Drop('assigned-key')
}

/** `assigned`: all of the strip, each address once. */
export function encodeAssignedRecord(strip: Ipv4, assigned: readonly Assigned[]): Uint8Array {
  assert(assigned.length <= ASSIGNED_STRIP, `${assigned.length} assigned addresses in a strip`)
  const groups = new Map<string, Assigned[]>()
  for (const one of [...assigned].sort((a, b) => a.address - b.address)) {
    const key = `${one.peer} ${one.isEphemeral}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  const writer = new ByteWriter(2 + 19 * groups.size + 5 * assigned.length).u16(groups.size)
  for (const group of groups.values()) {
    const { peer, isEphemeral } = group[0]!
    writer
      .raw(peerIdBytes(peer))
      .u8(isEphemeral ? FLAG_EPHEMERAL : 0)
      .u16(group.length)
    for (const { address, loan } of group) writer.u8(address - strip).u32(loan)
  }
  return writer.finish()
}

/** Drops: `assigned-short`, `assigned-twice` (an address more than once). */
export function decodeAssignedRecord(strip: Ipv4, value: Uint8Array): Decoded<Assigned[]> {
  const reader = new ByteReader(value)
  const peers = reader.u16()
  const assigned: Assigned[] = []
  const seen = new Set<number>()
  for (let i = 0; i < peers && reader.ok; i++) {
    const peer = peerIdFromBytes(reader.raw(PEER_ID_BYTES))
    const isEphemeral = (reader.u8() & FLAG_EPHEMERAL) !== 0
    const count = reader.u16()
    for (let at = 0; at < count && reader.ok; at++) {
      const address = strip + reader.u8()
      const loan = reader.u32()
      if (!reader.ok) break
      if (seen.has(address)) return new Drop('assigned-twice')
      seen.add(address)
      assigned.push({ address, peer, loan, isEphemeral })
    }
  }
  return reader.ok ? assigned : new Drop('assigned-short')
}
