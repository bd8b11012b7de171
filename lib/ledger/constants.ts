import { LEDGER_MESSAGE_BYTES_MAX } from '../wire/ledger-message.ts'

/** What one ledger may hold and send. Whatever exceeds a limit is dropped and counted; it never ends a link. */
export interface LedgerLimits {
  /** Peers whose records are held, this one included. */
  readonly ownersMax: number
  /** Records of one owner, tombstones included. */
  readonly ownerRecordsMax: number
  /** Bytes (keys, values, fixed parts) of one owner. */
  readonly ownerBytesMax: number
  /** Bytes of all owners. */
  readonly totalBytesMax: number
  /** Collected owners whose last seq is remembered; the oldest is forgotten first. */
  readonly collectedMax: number
  /** An owner that nobody reaches for so long is collected. */
  readonly collectAfterMs: number
  /** Between two recoveries of this peer's own records: two peers with one identity must not flood the mesh. */
  readonly recoverIntervalMs: number
  /** One encoded digest or delta. */
  readonly messageBytesMax: number
}

export const LEDGER_LIMITS: LedgerLimits = {
  ownersMax: 4096,
  ownerRecordsMax: 4096,
  ownerBytesMax: 4 * 1024 * 1024,
  totalBytesMax: 256 * 1024 * 1024,
  collectedMax: 4096,
  collectAfterMs: 24 * 60 * 60_000,
  recoverIntervalMs: 10_000,
  messageBytesMax: LEDGER_MESSAGE_BYTES_MAX,
}

/** A full owner is compacted only when at least this share of its records are tombstones: it signs all the others anew. */
export const COMPACT_TOMBSTONE_SHARE = 1 / 8

/**
 * By how much a restart or a recovery raises the own counter: by more than the writes that a crash can take from the store,
 * and by another number each time. A million of them fit into a safe integer.
 */
export const LEAP_MIN = 2 ** 20
export const LEAP_SPREAD = 2 ** 32

/** Why a delta, or records of it, were dropped. */
export const LEDGER_DROPS = [
  'key-mismatch',
  'bad-signature',
  'too-many-owners',
  'too-many-records',
  'owner-too-large',
  'ledger-full',
  'collected',
] as const
export type LedgerDrop = (typeof LEDGER_DROPS)[number]
