import type { EndpointParts } from '../../lib/address/mod.ts'
import type { Sealing } from './memory-session.ts'

/** What options leave out, and bytes and numbers for the ways of one batch. */
export const MEMORY_LIMITS = { rows: 64, rowBytes: 2048, queue: 1024, wayBytes: 131_072, ways: 16_384 } as const

/** A datagram that came. */
export interface Arrival {
  readonly bytes: Uint8Array
  readonly from: EndpointParts
}

export interface MemoryEngineOptions {
  /** Takes what the socket would send. The bytes are the receiver's to keep; must not call back into the engine. */
  readonly onDatagram: (bytes: Uint8Array, to: EndpointParts) => void
  /** Rows in a batch, and bytes of slab for each. */
  readonly rowsMax?: number
  readonly rowBytes?: number
  readonly sendsMax?: number
  readonly sealing?: Sealing
  /** Frames and datagrams that wait to be read. */
  readonly queueLimit?: number
}
