import { equalBytes, type Chance } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import {
  ownerDigits,
  SYNC_DEPTH_MAX,
  WANT_IDS_MAX,
  WANT_OPEN,
  WANT_TAGS,
  type LedgerSync,
  type LedgerWant,
  type OwnerList,
  type OwnerSum,
  type PrefixSum,
} from '../wire/mod.ts'
import { LISTED_OWNERS_MAX } from './constants.ts'
import type { OwnerRecords } from './owner-records.ts'
import { seqOf, tagOf, type PackedRecord } from './packed-record.ts'
import type { SumTable } from './sum-table.ts'
import { SyncDraft } from './sync-draft.ts'

const DIGITS = [...'0123456789abcdef']

/** What to ask about an owner whose records differ: those above a seq, or all but what is held. */
export type Ask = { readonly above: number } | 'differences'

/**
 * Finds where two ledgers differ, from the sum of all down to the owners, and asks for what is missing. It tells and
 * asks only; nothing that the other side says is believed but what owners signed, so a lie costs one message.
 */
export class Reconciler {
  readonly #table: SumTable
  readonly #recordsOf: (owner: PeerId) => OwnerRecords | undefined
  readonly #ask: (owner: PeerId, lastSeq: number) => Ask | undefined
  readonly #chance: Chance
  readonly #messageBytesMax: number

  constructor(given: {
    readonly table: SumTable
    readonly recordsOf: (owner: PeerId) => OwnerRecords | undefined
    /** What to ask of somebody who holds other records of the owner, up to `lastSeq`; undefined: nothing. */
    readonly ask: (owner: PeerId, lastSeq: number) => Ask | undefined
    readonly chance: Chance
    readonly messageBytesMax: number
  }) {
    this.#table = given.table
    this.#recordsOf = given.recordsOf
    this.#ask = given.ask
    this.#chance = given.chance
    this.#messageBytesMax = given.messageBytesMax
  }

  rootSync(): LedgerSync {
    return { sums: [this.#sum('')], lists: [], wants: [] }
  }

  /**
   * Undefined: nothing differs. Each part begins at a random place, so what never fits or never heals starves nobody.
   */
  answer(sync: LedgerSync): LedgerSync | undefined {
    const draft = new SyncDraft(this.#messageBytesMax)
    for (const list of this.#shifted(sync.lists)) this.#answerList(list, draft)
    for (const sum of this.#shifted(sync.sums)) this.#answerSum(sum, draft)
    return draft.finish()
  }

  /** The wanted records that are held, ascending. */
  recordsFor({ owner, above, upTo, tagAt, held }: LedgerWant): PackedRecord[] {
    const known = new Set(held.map(({ seq, tag }) => `${seq}/${tag}`))
    return (this.#recordsOf(owner)?.ordered() ?? []).filter(packed => {
      const seq = seqOf(packed)
      return seq > above && seq <= upTo && !(known.size > 0 && known.has(`${seq}/${tagOf(packed, tagAt)}`))
    })
  }

  #answerSum({ prefix, sum }: PrefixSum, draft: SyncDraft): void {
    if (equalBytes(this.#table.sumUnder(prefix), sum)) return
    const isDeepest = prefix.length >= SYNC_DEPTH_MAX
    if (!isDeepest && this.#table.countUnder(prefix) > LISTED_OWNERS_MAX)
      return draft.addSums(DIGITS.map(digit => this.#sum(prefix + digit)))
    const owners = this.#table.ownersUnder(prefix)
    this.#addList(draft, prefix, owners, { isPartial: false, isAnswer: false })
  }

  #answerList(list: OwnerList, draft: SyncDraft): void {
    const named = new Set<PeerId>()
    const lacking: PeerId[] = []
    const asks: [PeerId, Ask][] = []
    for (const { owner, lastSeq, sum } of this.#shifted(list.owners)) {
      named.add(owner)
      const held = this.#table.sumOf(owner)
      if (held !== undefined && equalBytes(held, sum)) continue
      const ask = this.#ask(owner, lastSeq)
      if (ask !== undefined) asks.push([owner, ask])
      if (held !== undefined && this.#recordsOf(owner)!.lastSeq >= lastSeq) lacking.push(owner)
    }
    if (!list.isPartial)
      for (const owner of this.#shifted(this.#table.ownersUnder(list.prefix)))
        if (!named.has(owner)) lacking.push(owner)
    if (!list.isAnswer && lacking.length > 0)
      this.#addList(draft, list.prefix, lacking, { isPartial: true, isAnswer: true })
    for (const [owner, ask] of asks) this.#addWants(draft, owner, ask)
  }

  /** A list that is not partial must name all, so when not all fit it becomes partial. */
  #addList(
    draft: SyncDraft,
    prefix: string,
    owners: readonly PeerId[],
    flags: { readonly isPartial: boolean; readonly isAnswer: boolean },
  ): void {
    const told = owners.slice(0, draft.ownersLeft(prefix))
    const isCut = told.length < owners.length
    if (isCut && told.length === 0) return
    const sorted = told
      .map(owner => ({ owner, digits: ownerDigits(owner) }))
      .sort((a, b) => (a.digits < b.digits ? -1 : 1))
    draft.addList({
      prefix,
      isPartial: flags.isPartial || isCut,
      isAnswer: flags.isAnswer,
      owners: sorted.map(({ owner }) => this.#describe(owner)),
    })
  }

  #addWants(draft: SyncDraft, owner: PeerId, ask: Ask): void {
    const tagAt = Math.floor(this.#chance() * WANT_TAGS)
    if (ask !== 'differences') return draft.addWant({ owner, above: ask.above, upTo: WANT_OPEN, tagAt, held: [] })
    for (const want of this.#shifted(windows(this.#recordsOf(owner)!, tagAt))) draft.addWant(want)
  }

  #describe(owner: PeerId): OwnerSum {
    return { owner, lastSeq: this.#recordsOf(owner)!.lastSeq, sum: this.#table.sumOf(owner)! }
  }

  #sum(prefix: string): PrefixSum {
    return { prefix, sum: this.#table.sumUnder(prefix) }
  }

  #shifted<T>(items: readonly T[]): readonly T[] {
    if (items.length < 2) return items
    const first = Math.floor(this.#chance() * items.length)
    return [...items.slice(first), ...items.slice(0, first)]
  }
}

/** Wants that together name all records of an owner, each in its range of seqs. */
function windows(records: OwnerRecords, tagAt: number): LedgerWant[] {
  const ordered = records.ordered()
  const wants: LedgerWant[] = []
  let above = 0
  for (let at = 0; at < ordered.length;) {
    const end = windowEnd(ordered, at)
    const upTo = end === ordered.length ? WANT_OPEN : seqOf(ordered[end - 1]!)
    const named = ordered.slice(at, Math.min(end, at + WANT_IDS_MAX))
    const held = named.map(packed => ({ seq: seqOf(packed), tag: tagOf(packed, tagAt) }))
    wants.push({ owner: records.owner, above, upTo, tagAt, held })
    at = end
    above = upTo
  }
  return wants
}

/**
 * Where a window that begins at `at` ends: between two seqs. When more records than a want can name have one seq (only
 * a broken owner signs such), they are one window, and the other side sends again what it does not name.
 */
function windowEnd(ordered: readonly PackedRecord[], at: number): number {
  const full = at + WANT_IDS_MAX
  if (full >= ordered.length) return ordered.length
  const cut = seqOf(ordered[full]!)
  let end = full
  while (end > at && seqOf(ordered[end - 1]!) === cut) end--
  if (end > at) return end
  for (end = full; end < ordered.length && seqOf(ordered[end]!) === cut;) end++
  return end
}
