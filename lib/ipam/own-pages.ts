import { equalBytes } from '../base/mod.ts'
import type { BlockSpace } from './block-space.ts'
import { encodeBlocksRecord, sheetOfPage, segmentOfPage, type Page } from './blocks-record.ts'
import { REPLACED_SHEET_MIN } from './constants.ts'
import { compareRegisters, equalRegisters } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { runsOf, writePages, type Run } from './statements.ts'
import type { Title } from './title.ts'

/** A change of this peer's own record for a page; undefined removes it. */
export interface PageStatement {
  readonly page: Page
  readonly value: Uint8Array | undefined
}

/** What this peer states of blocks, and the records that say so. */
export class OwnPages {
  readonly #space: BlockSpace
  readonly #stated: RegisterTable
  /** What this peer stated before a recent takeover, which may be withdrawn. */
  readonly #replaced: RegisterTable
  readonly #dirty = new Set<number>()
  readonly #published = new Map<Page, Uint8Array>()

  constructor(space: BlockSpace) {
    this.#space = space
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
    if (equalRegisters(this.#stated.get(block), title)) return
    this.#stated.set(block, title)
    this.#dirty.add(this.#space.segmentOf(block))
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
    for (const page of this.#published.keys()) this.#dirty.add(segmentOfPage(page))
  }

  /** Own records that differ from what was published last. Must be taken, and published, before anything is sent. */
  takePublishes(): PageStatement[] {
    const publishes: PageStatement[] = []
    for (const segment of this.#dirty) {
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
    return publishes
  }

  #setReplaced(block: number, title: Title | undefined): void {
    this.#replaced.set(block, title)
    this.#dirty.add(this.#space.segmentOf(block))
  }

  #pagesOf(segment: number): Page[] {
    return [...this.#published.keys()].filter(page => segmentOfPage(page) === segment)
  }
}
