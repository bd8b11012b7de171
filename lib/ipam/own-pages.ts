import { equalBytes, jittered, type Chance, type Millis } from '../base/mod.ts'
import type { BlockSpace } from './block-space.ts'
import { encodeBlocksRecord, sheetOfPage, segmentOfPage, type Page } from './blocks-record.ts'
import { REPLACED_SHEET_MIN, SPARE_KEPT_MS } from './constants.ts'
import { compareRegisters, equalRegisters } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { runsOf, writePages, type Run } from './statements.ts'
import type { Title } from './title.ts'

/** A change of this peer's own record for a page; undefined removes it. */
export interface PageStatement {
  readonly page: Page
  readonly value: Uint8Array | undefined
}

/**
 * What this peer states of blocks, and the records that say so. What somebody else states too is **spare**: it goes with
 * the next change of its page or, with all else that is spare by then, after SPARE_KEPT_MS. A record for that alone would
 * tell each peer of the mesh what it knows.
 */
export class OwnPages {
  readonly #space: BlockSpace
  readonly #chance: Chance
  readonly #stated: RegisterTable
  /** What this peer stated before a recent takeover, which may be withdrawn. */
  readonly #replaced: RegisterTable
  readonly #dirty = new Set<number>()
  readonly #published = new Map<Page, Uint8Array>()
  /** Blocks by segment. */
  readonly #spare = new Map<number, Set<number>>()
  #spareUntil: Millis | undefined

  constructor(space: BlockSpace, chance: Chance) {
    this.#space = space
    this.#chance = chance
    this.#stated = new RegisterTable(space.blockCount)
    this.#replaced = new RegisterTable(space.blockCount)
  }

  statedOf(block: number): Title | undefined {
    return this.#stated.get(block)
  }

  replacedOf(block: number): Title | undefined {
    return this.#replaced.get(block)
  }

  state(block: number, title: Title | undefined): void {
    this.#setSpare(block, false)
    if (equalRegisters(this.#stated.get(block), title)) return
    this.#stated.set(block, title)
    this.#dirty.add(this.#space.segmentOf(block))
  }

  /** Its owner states the same: it need not be stated here any more. */
  spare(block: number): void {
    if (this.#stated.get(block) !== undefined) this.#setSpare(block, true)
  }

  /** States it besides, if it is above what it states so already. */
  keepReplaced(block: number, title: Title): void {
    const replaced = this.#replaced.get(block)
    if (replaced === undefined || compareRegisters(title, replaced) > 0) this.#setReplaced(block, title)
  }

  dropReplaced(block: number): void {
    if (this.#replaced.get(block) !== undefined) this.#setReplaced(block, undefined)
  }

  /** The ledger holds this as the own record. `isNew`: what is handed on since must not come back by an older one. */
  merge(page: Page, value: Uint8Array, runs: readonly Run[], isNew: (block: number, title: Title) => boolean): void {
    const segment = segmentOfPage(page)
    const { first } = this.#space.segmentSpan(segment)
    const isReplaced = sheetOfPage(page) >= REPLACED_SHEET_MIN
    for (const run of runs) {
      for (let block = first + run.first; block < first + run.first + run.count; block++) {
        if (isReplaced) this.#replaced.merge(block, run.title)
        else if (isNew(block, run.title)) this.#stated.merge(block, run.title)
      }
    }
    // If the statement differs from this value, it is published again.
    this.#published.set(page, value.slice())
    this.#dirty.add(segment)
  }

  /** States nothing any more. */
  clear(): void {
    this.#stated.clear()
    this.#replaced.clear()
    this.#spare.clear()
    for (const page of this.#published.keys()) this.#dirty.add(segmentOfPage(page))
  }

  /** Own records that differ from what was published last. Must be taken, and published, before anything is sent. */
  takePublishes(now: Millis): PageStatement[] {
    if (this.#spareUntil !== undefined && now >= this.#spareUntil)
      for (const segment of this.#spare.keys()) this.#dirty.add(segment)
    const publishes: PageStatement[] = []
    for (const segment of this.#dirty) {
      this.#dropSpare(segment)
      const span = this.#space.segmentSpan(segment)
      const written = new Set<Page>()
      for (const { page, record } of [
        ...writePages(runsOf(this.#stated, span), segment, this.#space),
        ...writePages(runsOf(this.#replaced, span), segment, this.#space, REPLACED_SHEET_MIN),
      ]) {
        written.add(page)
        const before = this.#published.get(page)
        const value = encodeBlocksRecord(record)
        if (before !== undefined && equalBytes(before, value)) continue
        this.#published.set(page, value)
        publishes.push({ page, value })
      }
      for (const page of this.#pagesOf(segment)) {
        if (written.has(page)) continue
        this.#published.delete(page)
        publishes.push({ page, value: undefined })
      }
    }
    this.#dirty.clear()
    if (this.#spare.size === 0) this.#spareUntil = undefined
    else this.#spareUntil ??= now + jittered(SPARE_KEPT_MS, this.#chance)
    return publishes
  }

  nextTimeout(): Millis | undefined {
    return this.#spareUntil
  }

  #setSpare(block: number, isSpare: boolean): void {
    const segment = this.#space.segmentOf(block)
    const blocks = this.#spare.get(segment)
    if (isSpare) {
      if (blocks === undefined) this.#spare.set(segment, new Set([block]))
      else blocks.add(block)
    } else if (blocks?.delete(block) === true && blocks.size === 0) this.#spare.delete(segment)
  }

  #dropSpare(segment: number): void {
    for (const block of this.#spare.get(segment) ?? []) this.#stated.set(block, undefined)
    this.#spare.delete(segment)
  }

  #setReplaced(block: number, title: Title | undefined): void {
    this.#replaced.set(block, title)
    this.#dirty.add(this.#space.segmentOf(block))
  }

  #pagesOf(segment: number): Page[] {
    return [...this.#published.keys()].filter(page => segmentOfPage(page) === segment)
  }
}
