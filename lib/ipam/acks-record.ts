import { assert, ByteReader, ByteWriter, Drop, fromHex, toHex, type Decoded } from '../base/mod.ts'
import { ACKS_MAX } from './constants.ts'
import { TAKEOVER_ID_BYTES } from './takeover-record.ts'

/**
 * Which takeovers a peer agrees to: the value of its ledger record of kind `acks`, whose key is empty.
 *
 *     | count u16 ≤ 900 | count × | takeover (16) | flags u8: 1 settled, as this peer saw it | |
 */
export interface Ack {
  /** 32 hex digits. */
  readonly takeover: string
  /** The peer itself saw that a majority agrees: it does so for good, and remembers over its restarts. */
  readonly isSettled: boolean
}

const FLAG_SETTLED = 1

export function encodeAcks(acks: readonly Ack[]): Uint8Array {
  assert(acks.length <= ACKS_MAX, `${acks.length} acks`)
  const writer = new ByteWriter(2 + acks.length * (TAKEOVER_ID_BYTES + 1)).u16(acks.length)
  for (const { takeover, isSettled } of acks) {
    const id = fromHex(takeover)
    assert(id?.length === TAKEOVER_ID_BYTES, `a takeover ${takeover}`)
    writer.raw(id).u8(isSettled ? FLAG_SETTLED : 0)
  }
  return writer.finish()
}

/** Drops: `acks-malformed`. */
export function decodeAcks(value: Uint8Array): Decoded<Ack[]> {
  const reader = new ByteReader(value)
  const count = reader.u16()
  if (!reader.ok || count > ACKS_MAX) return new Drop('acks-malformed')
  const acks: Ack[] = []
  for (let i = 0; i < count; i++) {
    const takeover = toHex(reader.raw(TAKEOVER_ID_BYTES))
    acks.push({ takeover, isSettled: (reader.u8() & FLAG_SETTLED) !== 0 })
  }
  return reader.ok ? acks : new Drop('acks-malformed')
}
