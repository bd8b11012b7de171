import type { PeerId } from '../address/peer-id.ts'
import {
  DELTA_FIXED_BYTES,
  DELTA_RECORDS_MAX,
  DIGEST_ENTRIES_MAX,
  inRange,
  type DigestEntry,
  type LedgerDelta,
  type LedgerDigest,
} from '../wire/ledger-message.ts'
import { recordBytes, type LedgerRecord } from '../wire/record.ts'
import type { OwnerRecords } from './owner-records.ts'

/** Cuts the records with from < seq ≤ to into deltas of at most `bytesMax` encoded bytes, lazily and in order. */
export function* deltasOf(
  owner: Pick<OwnerRecords, 'owner' | 'signingPublic' | 'ordered'>,
  from: number,
  to: number,
  bytesMax: number,
): Generator<LedgerDelta> {
  const { owner: id, signingPublic } = owner
  const ordered = owner.ordered()
  let start = from
  let last = from
  let records: LedgerRecord[] = []
  let bytes = DELTA_FIXED_BYTES
  for (let i = firstAbove(ordered, from); i < ordered.length && ordered[i]!.seq <= to; i++) {
    const record = ordered[i]!
    // Two keys with one seq: the owner is broken. The second cannot be told, and need not.
    if (record.seq === last) continue
    const more = recordBytes(record)
    if (records.length > 0 && (bytes + more > bytesMax || records.length === DELTA_RECORDS_MAX)) {
      yield { owner: id, signingPublic, from: start, records }
      start = last
      records = []
      bytes = DELTA_FIXED_BYTES
    }
    records.push(record)
    bytes += more
    last = record.seq
  }
  if (records.length > 0) yield { owner: id, signingPublic, from: start, records }
}

/**
 * What somebody who claims `seq` lacks: what is held contiguously, and the last record beyond that, if any. The latter
 * tells an owner that lost the end of an earlier run where that ended.
 */
export function* missing(owner: OwnerRecords, seq: number, bytesMax: number): Generator<LedgerDelta> {
  yield* deltasOf(owner, seq, owner.mark, bytesMax)
  const last = owner.ordered().at(-1)
  if (last === undefined || last.seq <= Math.max(seq, owner.mark)) return
  yield { owner: owner.owner, signingPublic: owner.signingPublic, from: last.seq - 1, records: [last] }
}

function firstAbove(ordered: readonly LedgerRecord[], seq: number): number {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ordered[middle]!.seq <= seq) low = middle + 1
    else high = middle
  }
  return low
}

/** Cuts the entries that lie in the range (sorted by owner) into digests that together speak of the whole range. */
export function digestsOf(
  entries: readonly DigestEntry[],
  range: Pick<LedgerDigest, 'after' | 'until'>,
  wantsReply: boolean,
  entriesMax = DIGEST_ENTRIES_MAX,
): LedgerDigest[] {
  const held = entries.filter(entry => inRange(range, entry.owner))
  const digests: LedgerDigest[] = []
  let after: PeerId | undefined = range.after
  let at = 0
  do {
    const part = held.slice(at, at + entriesMax)
    at += part.length
    const until = at < held.length ? part.at(-1)?.owner : range.until
    digests.push({ wantsReply, after, until, entries: part })
    after = until
  } while (at < held.length)
  return digests
}
