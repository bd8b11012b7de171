import type { PeerId } from '../address/mod.ts'
import { Drop, isDrop, TokenBucket, type Millis } from '../base/mod.ts'
import type { BlockSpace } from './block-space.ts'
import { decodeBlocksRecord, segmentOfPage, type BlocksRecord, type Page } from './blocks-record.ts'
import { PROOFS_BURST, PROOFS_PER_SECOND, UNPROVED_MAX } from './constants.ts'
import type { Prover } from './prover.ts'
import { misfit, type Run } from './statements.ts'
import { WaitingPages, type WaitingPage } from './waiting-pages.ts'

/** What a record is worth. */
export interface Read {
  /** What it states, and proves. */
  readonly runs: readonly Run[]
  /** Why it was not understood, or not believed, or not all of it. */
  readonly drop: Drop | undefined
  /** Not all of it can be judged yet. */
  readonly isLater: boolean
}

/**
 * Reads what peers state, and lets through what they prove. What cannot be judged yet is kept aside: its author had
 * more signatures verified than his share, or the takeover that it rests on is not known.
 */
export class Evidence {
  readonly #prover: Prover
  readonly #space: BlockSpace
  readonly #self: PeerId
  readonly #waiting = new WaitingPages(UNPROVED_MAX)
  readonly #budgets = new Map<PeerId, TokenBucket>()
  #retryAt: Millis | undefined

  constructor(prover: Prover, space: BlockSpace, self: PeerId) {
    this.#prover = prover
    this.#space = space
    this.#self = self
  }

  clear(): void {
    this.#prover.clear()
    this.#waiting.clear()
    this.#budgets.clear()
    this.#retryAt = undefined
  }

  /**
   * Drops: those of the codec, `blocks-range-differs`, `blocks-segment`, `blocks-unproved` (a title that nobody who had
   * it gave; what else is proved still counts).
   */
  read(author: PeerId, page: Page, value: Uint8Array | undefined, now: Millis): Read {
    this.#waiting.delete(author, page)
    if (value === undefined) return { ...NO_RUNS, drop: undefined }
    const record = decodeBlocksRecord(value)
    if (isDrop(record)) return { ...NO_RUNS, drop: record }
    const segment = segmentOfPage(page)
    const why = misfit(record, this.#space, segment)
    if (why !== undefined)
      return { ...NO_RUNS, drop: why === 'range' ? new Drop('blocks-range-differs') : new Drop('blocks-segment') }
    const proof = this.#prover.prove(record, () => this.#mayVerify(author, now))
    if (proof.isProved === 'later') this.#waiting.add({ author, page, value, waitsFor: proof.waitsFor })
    const { runs, isWhole } = this.#proved(record, segment, proof.titleOf)
    const isDropped = proof.isProved === false || (proof.isProved === true && !isWhole)
    return { runs, drop: isDropped ? new Drop('blocks-unproved') : undefined, isLater: proof.isProved === 'later' }
  }

  /** What may be judged now that there are more tokens; to be read again. */
  takeDue(now: Millis): readonly WaitingPage[] {
    if (this.#retryAt === undefined || now < this.#retryAt) return []
    this.#retryAt = undefined
    return this.#waiting.pages()
  }

  /** What waits for any of these takeovers; to be read again. */
  takeWaiting(takeovers: ReadonlySet<string>): readonly WaitingPage[] {
    return this.#waiting.pages().filter(({ waitsFor }) => waitsFor.some(id => takeovers.has(id)))
  }

  nextRetry(): Millis | undefined {
    return this.#retryAt
  }

  #proved(record: BlocksRecord, segment: number, titleOf: (ref: number) => Run['title'] | undefined) {
    const { first: base } = this.#space.segmentSpan(segment)
    const runs: Run[] = []
    for (const { first, count, title: ref } of record.runs) {
      const title = titleOf(ref)
      const isCovered = title !== undefined && this.#prover.covers(title, { first: base + first, count })
      if (isCovered) runs.push({ first, count, title })
    }
    return { runs, isWhole: runs.length === record.runs.length }
  }

  #mayVerify(author: PeerId, now: Millis): boolean {
    if (author === this.#self) return true
    let budget = this.#budgets.get(author)
    if (budget === undefined) {
      budget = new TokenBucket(PROOFS_BURST, PROOFS_PER_SECOND)
      this.#budgets.set(author, budget)
    }
    if (budget.take(1, now)) return true
    const at = budget.nextAt(PROOFS_PER_SECOND, now)
    if (this.#retryAt === undefined || at < this.#retryAt) this.#retryAt = at
    return false
  }
}

const NO_RUNS = { runs: [], isLater: false } as const
