import type { Ipv4, PeerId } from '../address/mod.ts'
import { Drop, isDrop, type Millis } from '../base/mod.ts'
import type { Words } from './allocation-error.ts'
import { decodeAssignedRecord, type Assigned } from './assigned-record.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import { segmentOfPage, type Page } from './blocks-record.ts'
import type { Loans } from './loans.ts'
import type { OwnAssigned } from './own-assigned.ts'
import { rangeText } from './range-changed.ts'
import type { Takeovers } from './takeovers.ts'

export interface LedgerInputParts {
  readonly map: BlockMap
  readonly takeovers: Takeovers
  readonly assignments: Assignments
  readonly loans: Loans
  readonly own: OwnAssigned
}

/** Where the records of the ledger go, kind by kind; and which peers manage another range. */
export class LedgerInputs {
  readonly #parts: LedgerInputParts
  /** Peers that manage another range, and which. Bounded by the owners of the ledger. */
  readonly #otherRanges = new Map<PeerId, string>()

  constructor(parts: LedgerInputParts) {
    this.#parts = parts
  }

  get otherRanges(): ReadonlyMap<PeerId, string> {
    return this.#otherRanges
  }

  /** One of them, to be named in an error. */
  get otherRange(): Words['other'] {
    for (const [peer, text] of this.#otherRanges) return { peer, text }
    return undefined
  }

  clear(): void {
    this.#otherRanges.clear()
  }

  setStatements(author: PeerId, page: Page, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const drop = this.#parts.map.setStatement(author, page, value, now)
    if (value !== undefined && drop?.reason === 'blocks-range-differs') this.#otherRanges.set(author, rangeText(value))
    else this.#otherRanges.delete(author)
    return drop
  }

  /** What others remember of an own page, taken back. Returns the blocks that are own by it, and were not. */
  takeBack(page: Page, value: Uint8Array, now: Millis): readonly number[] | Drop {
    const { map } = this.#parts
    const segment = segmentOfPage(page)
    if (segment >= map.space.segmentCount) return new Drop('blocks-segment')
    const span = map.space.segmentSpan(segment)
    const before = new Set(map.ownIn(span))
    const drop = map.setStatement(map.self, page, value, now)
    return drop ?? map.ownIn(span).filter(block => !before.has(block))
  }

  /** `isRestoring`: only then what this peer itself said counts; afterwards it knows better. */
  setAssigned(author: PeerId, strip: Ipv4, value: Uint8Array | undefined, isRestoring: boolean): Drop | undefined {
    const { map, assignments, own, loans } = this.#parts
    if (author !== map.self) return assignments.set(author, strip, value)
    if (!isRestoring || value === undefined) return undefined
    const assigned = decodeAssignedRecord(strip, value)
    if (isDrop(assigned)) return assigned
    own.restore(strip, value)
    for (const one of assigned) if (this.#isLoan(one)) loans.lend(one)
    return undefined
  }

  setTakeover(author: PeerId, key: Uint8Array, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    return this.#parts.takeovers.setRecord(author, key, value, now)
  }

  setAcks(author: PeerId, value: Uint8Array | undefined): Drop | undefined {
    return this.#parts.takeovers.setAcks(author, value)
  }

  #isLoan({ peer, address }: Assigned): boolean {
    const { map, loans } = this.#parts
    return peer !== map.self && map.space.holds(address) && loans.at(address) === undefined
  }
}
