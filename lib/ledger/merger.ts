import type { Millis } from '../base/mod.ts'
import type { DeltaPart, LedgerRecord } from '../wire/mod.ts'
import { FALSE_SIGNATURES_MAX, type LedgerDrop } from './constants.ts'
import type { Owner } from './owner.ts'
import { costOf, type OwnerRecords } from './owner-records.ts'
import type { Owners, Place } from './owners.ts'
import type { OwnRecords } from './own-records.ts'
import { packRecord, type PackedRecord } from './packed-record.ts'
import type { Signatures } from './signatures.ts'

export interface MergeOutcome {
  /** Records that were new here, tombstones included, ascending: to be passed on. */
  readonly changed: readonly LedgerRecord[]
  /** Records that were known already, or void. */
  readonly held: number
  /** Records dropped, by reason; a part that is dropped as a whole counts as one. */
  readonly dropped: Readonly<Partial<Record<LedgerDrop, number>>>
}

/** What becomes of the records of one part. */
class Tally implements MergeOutcome {
  readonly changed: LedgerRecord[] = []
  readonly dropped: Partial<Record<LedgerDrop, number>> = {}
  held = 0
  #falseSignatures = 0

  drop(reason: LedgerDrop): this {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + 1
    return this
  }

  /** False when there were so many that nothing more is to be verified. */
  falseSignature(): boolean {
    this.drop('bad-signature')
    return ++this.#falseSignatures < FALSE_SIGNATURES_MAX
  }

  finish(): MergeOutcome {
    return { changed: this.changed, held: this.held, dropped: this.dropped }
  }
}

/** Takes in what others send. Every record stands for itself: nothing but its owner's signature makes it believed. */
export class Merger {
  readonly #owners: Owners
  readonly #own: OwnRecords
  readonly #signatures: Signatures
  readonly #echo: () => OwnerRecords | undefined
  readonly #onMet: (records: readonly LedgerRecord[]) => void

  constructor(given: {
    readonly owners: Owners
    readonly own: OwnRecords
    readonly signatures: Signatures
    /** What is known of what others hold of this peer, while that is being asked for. */
    readonly echo: () => OwnerRecords | undefined
    /** Called with own records of another life. */
    readonly onMet: (records: readonly LedgerRecord[]) => void
  }) {
    this.#owners = given.owners
    this.#own = given.own
    this.#signatures = given.signatures
    this.#echo = given.echo
    this.#onMet = given.onMet
  }

  merge(part: DeltaPart, now: Millis): MergeOutcome {
    const tally = new Tally()
    const known = this.#owners.get(part.owner)
    const key = part.signingPublic
    if (known === undefined) {
      if (key === undefined) return tally.drop('unknown-owner').finish()
      if (!this.#signatures.isKeyOf(part.owner, key)) return tally.drop('key-mismatch').finish()
      const place = this.#owners.placeFor(part.owner)
      if (place === undefined) return tally.drop('too-many-owners').finish()
      this.#mergeForeign(part, this.#owners.candidate(part.owner, key, now), place, tally, now)
    } else {
      if (key !== undefined && !known.records.isKey(key)) return tally.drop('key-mismatch').finish()
      const echo = this.#echo()
      if (known.records !== this.#own.records) this.#mergeForeign(part, known, undefined, tally, now)
      else if (echo === undefined) this.#mergeOwn(part, known.records, tally, now)
      else this.#mergeEcho(part, echo, tally)
    }
    return tally.finish()
  }

  /** `place`: for an owner that is not held yet; it comes in with its first genuine record. */
  #mergeForeign(part: DeltaPart, owner: Owner, place: Place | undefined, tally: Tally, now: Millis): void {
    const { records } = owner
    const collectedSeq = this.#owners.collectedSeq(part.owner)
    const signingPublic = records.signingPublic
    let isAwaited = place !== undefined
    for (const record of part.records) {
      if (record.seq <= collectedSeq) {
        tally.drop('collected')
        continue
      }
      const packed = packRecord(record)
      if (records.judge(packed) !== 'new') {
        tally.held++
        continue
      }
      const lack = this.#owners.capacity.lack(records, packed)
      // It was verified and refused before, or would be: that is not worth another verification.
      const isRefused = lack !== undefined && owner.refused !== undefined && record.seq <= owner.refused.seq
      const reason = isRefused ? lack : owner.mayTake(costOf(packed), now) ? undefined : 'owner-rate'
      if (reason !== undefined) {
        tally.drop(reason)
        continue
      }
      if (!this.#signatures.isGenuine(record, signingPublic)) {
        if (!tally.falseSignature()) return
        continue
      }
      owner.charge(costOf(packed), now)
      if (lack !== undefined) {
        owner.refuse(record.seq, records.growth(packed).cost)
        tally.drop(lack)
        continue
      }
      if (isAwaited) {
        if (place?.instead !== undefined) this.#owners.drop(place.instead)
        this.#owners.add(owner)
        isAwaited = false
      }
      this.#owners.store(owner, packed)
      tally.changed.push(record)
    }
  }

  #mergeOwn(part: DeltaPart, records: OwnerRecords, tally: Tally, now: Millis): void {
    const met: PackedRecord[] = []
    const told: LedgerRecord[] = []
    const { signingPublic } = records
    for (const record of part.records) {
      const packed = packRecord(record)
      if (!this.#own.isForeign(packed)) tally.held++
      else if (this.#signatures.isGenuine(record, signingPublic)) {
        met.push(packed)
        told.push(record)
      } else if (!tally.falseSignature()) break
    }
    if (met.length === 0) return
    this.#own.meet(met, now)
    this.#onMet(told)
  }

  /** What others hold of this peer, which it has not yet spoken over. */
  #mergeEcho(part: DeltaPart, echo: OwnerRecords, tally: Tally): void {
    for (const record of part.records) {
      const packed = packRecord(record)
      if (echo.judge(packed) !== 'new') tally.held++
      else if (this.#owners.capacity.lack(echo, packed) !== undefined) tally.drop('owner-too-large')
      else if (this.#signatures.isGenuine(record, echo.signingPublic)) {
        echo.store(packed)
        this.#owners.sums.changed(part.owner)
        tally.changed.push(record)
      } else if (!tally.falseSignature()) return
    }
  }
}
