import { LEDGER_MESSAGE_BYTES_MAX } from '../wire/mod.ts'

/**
 * What a held record takes in memory beyond its bytes on the wire, as measured with `node
 * build/scripts/ledger-memory.js`.
 */
export const RECORD_OVERHEAD_BYTES = 128

/** What an owner takes in memory without its records, measured likewise. */
export const OWNER_OVERHEAD_BYTES = 1536

/**
 * What one ledger may hold and send. Costs are bytes of memory: a record costs what it takes on the wire and
 * RECORD_OVERHEAD_BYTES, an owner OWNER_OVERHEAD_BYTES and its records. Whatever exceeds a limit is dropped and
 * counted; it never ends a link.
 */
export interface LedgerLimits {
  /** Peers whose records are held, this one included. */
  readonly ownersMax: number
  /** Records of one owner, tombstones included. */
  readonly ownerRecordsMax: number
  /** Cost of one owner. */
  readonly ownerCostMax: number
  /** Every owner has room for so much, whatever the others take. */
  readonly ownerShareBytes: number
  /** What all foreign owners together may cost beyond their shares. */
  readonly surplusBytesMax: number
  /** New records of one foreign owner are taken at this rate of cost … */
  readonly ownerBytesPerSecond: number
  /** … and so much at once. */
  readonly ownerBurstBytes: number
  /** Collected owners whose last seq is remembered; the oldest is forgotten first. */
  readonly collectedMax: number
  /** An owner that nobody reaches for so long is collected. */
  readonly collectAfterMs: number
  /** Between two recoveries of this peer's own records: two peers with one identity must not flood the mesh. */
  readonly recoverIntervalMs: number
  /** One encoded sync. */
  readonly messageBytesMax: number
}

export const LEDGER_LIMITS: LedgerLimits = {
  ownersMax: 4096,
  ownerRecordsMax: 4096,
  ownerCostMax: 4 * 1024 * 1024,
  ownerShareBytes: 16 * 1024,
  surplusBytesMax: 40 * 1024 * 1024,
  ownerBytesPerSecond: 32 * 1024,
  ownerBurstBytes: 256 * 1024,
  collectedMax: 4096,
  collectAfterMs: 24 * 60 * 60_000,
  recoverIntervalMs: 10_000,
  messageBytesMax: LEDGER_MESSAGE_BYTES_MAX,
}

/**
 * A full owner is compacted only when at least this share of its records are tombstones: it signs all the others anew.
 */
export const COMPACT_TOMBSTONE_SHARE = 1 / 8

/**
 * An owner that takes more than its share of others' memory is compacted when this share of its records are tombstones.
 */
export const SURPLUS_TOMBSTONE_SHARE = 1 / 2

/**
 * By how much a restart or a recovery raises the own seq: by more than the writes that a crash can take from the store,
 * and by another number each time. A million of them fit into a safe integer.
 */
export const LEAP_MIN = 2 ** 20
export const LEAP_SPREAD = 2 ** 32

/** Own records of another life that are kept until they are looked at. */
export const MET_RECORDS_MAX = 256

/** After so many false signatures in one part of a delta nothing more of it is looked at. */
export const FALSE_SIGNATURES_MAX = 3

/** Up to so many owners under a prefix are listed; of more the sums of the longer prefixes are told. */
export const LISTED_OWNERS_MAX = 16

/** Why a part of a delta, or records of it, were dropped. */
export const LEDGER_DROPS = [
  'unknown-owner',
  'key-mismatch',
  'bad-signature',
  'owner-rate',
  'too-many-owners',
  'too-many-records',
  'owner-too-large',
  'ledger-full',
  'collected',
] as const
export type LedgerDrop = (typeof LEDGER_DROPS)[number]
