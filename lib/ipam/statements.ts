import type { PeerId } from '../address/mod.ts'
import type { BlockSpace, BlockSpan } from './block-space.ts'
import {
  ROOT_REF,
  pageOf,
  segmentOfPage,
  type BlockRun,
  type BlocksRecord,
  type GrantEntry,
  type Page,
  type RootEntry,
} from './blocks-record.ts'
import { GRANTS_MAX, ROOTS_MAX, SEGMENT_BLOCKS } from './constants.ts'
import { equalRegisters } from './register.ts'
import type { RegisterTable } from './register-table.ts'
import { grantsOf, rootOf, type RootTitle, type Title } from './title.ts'

/** Blocks of a segment with one title. */
export interface Run {
  readonly first: number
  readonly count: number
  readonly title: Title
}

/**
 * What all foreign peers state and prove, per segment: the other inputs of the value in force. Bounded by the ledger's
 * limits.
 */
export class Statements {
  readonly #bySegment = new Map<number, Map<string, { readonly author: PeerId; readonly runs: readonly Run[] }>>()

  /** Replaces what `author` states on a page. */
  set(author: PeerId, page: Page, runs: readonly Run[]): void {
    const segment = segmentOfPage(page)
    const key = `${author} ${page}`
    if (runs.length === 0) {
      this.#bySegment.get(segment)?.delete(key)
      return
    }
    let pages = this.#bySegment.get(segment)
    if (pages === undefined) {
      pages = new Map()
      this.#bySegment.set(segment, pages)
    }
    pages.set(key, { author, runs })
  }

  /** Runs of a segment that are stated by whoever has the title. */
  *ownedIn(segment: number): Iterable<Run> {
    for (const { author, runs } of this.#bySegment.get(segment)?.values() ?? [])
      for (const run of runs) if (run.title.owner === author) yield run
  }

  clear(): void {
    this.#bySegment.clear()
  }

  /**
   * Merges everything stated about a segment into `into`, which holds 256 places, and marks in `isConfirmed` where the
   * owner itself states the register that won. `isInForce`: whether a root counts.
   */
  mergeSegment(
    segment: number,
    into: RegisterTable,
    isConfirmed: Uint8Array,
    isInForce: (root: RootTitle) => boolean,
  ): void {
    const pages = this.#bySegment.get(segment)
    isConfirmed.fill(0)
    if (pages === undefined) return
    for (const { runs } of pages.values()) {
      for (const { first, count, title } of runs) {
        if (!isInForce(rootOf(title))) continue
        for (let at = first; at < first + count; at++) into.merge(at, title)
      }
    }
    for (const { author, runs } of pages.values()) {
      for (const { first, count, title } of runs) {
        if (title.owner !== author) continue
        for (let at = first; at < first + count; at++) if (equalRegisters(into.get(at), title)) isConfirmed[at] = 1
      }
    }
  }
}

/** The runs of a segment of `stated`, equal neighbours joined; block numbers within the segment. */
export function runsOf(stated: RegisterTable, span: BlockSpan): Run[] {
  const runs: Run[] = []
  let block = span.first
  while (block <= span.last) {
    const title = stated.get(block)
    const start = block++
    if (title === undefined) continue
    while (block <= span.last && stated.get(block) === title) block++
    runs.push({ first: start % SEGMENT_BLOCKS, count: block - start, title })
  }
  return runs
}

/**
 * What this peer states about a segment as records, one per page, each with the proof of all its runs. The sheets count
 * from `firstSheet`.
 */
export function writePages(
  runs: readonly Run[],
  segment: number,
  space: BlockSpace,
  firstSheet = 0,
): { readonly page: Page; readonly record: BlocksRecord }[] {
  const pages: { page: Page; record: BlocksRecord }[] = []
  let draft = new PageDraft()
  const finish = () => {
    if (draft.runs.length === 0) return
    const { roots, grants, runs: written } = draft
    const record = { range: space.range, blockPrefix: space.blockPrefix, roots, grants, runs: written }
    pages.push({ page: pageOf(segment, firstSheet + pages.length), record })
    draft = new PageDraft()
  }
  for (const run of runs) {
    if (!draft.hasRoomFor(run.title)) finish()
    draft.add(run)
  }
  finish()
  return pages
}

/** The tables of a record while its runs are gathered. */
class PageDraft {
  readonly roots: RootEntry[] = []
  readonly grants: GrantEntry[] = []
  readonly runs: BlockRun[] = []
  readonly #refs = new Map<Title, number>()

  hasRoomFor(title: Title): boolean {
    const more = grantsOf(title).filter(one => !this.#refs.has(one)).length
    const moreRoots = this.#refs.has(rootOf(title)) ? 0 : 1
    return this.grants.length + more <= GRANTS_MAX && this.roots.length + moreRoots <= ROOTS_MAX
  }

  add({ first, count, title }: Run): void {
    this.runs.push({ first, count, title: this.#refOf(title) })
  }

  #refOf(title: Title): number {
    const known = this.#refs.get(title)
    if (known !== undefined) return known
    const ref = title.type === 'grant' ? this.#addGrant(title) : this.#addRoot(title)
    this.#refs.set(title, ref)
    return ref
  }

  #addGrant(title: Extract<Title, { type: 'grant' }>): number {
    const { first, count, owner: to, giverKey, signature } = title
    const parent = this.#refOf(title.parent)
    return this.grants.push({ parent, first, count, to, giverKey, signature }) - 1
  }

  #addRoot(title: RootTitle): number {
    const root: RootEntry =
      title.type === 'founding'
        ? { type: 'founding', founding: title.founding }
        : { type: 'takeover', takeover: title.takeover }
    return ROOT_REF + this.roots.push(root) - 1
  }
}

/** Why a record cannot be about this space, if so. */
export function misfit(record: BlocksRecord, space: BlockSpace, segment: number): 'range' | 'segment' | undefined {
  const { range, blockPrefix, runs } = record
  if (range.address !== space.range.address || range.prefix !== space.range.prefix) return 'range'
  if (blockPrefix !== space.blockPrefix) return 'range'
  if (segment >= space.segmentCount) return 'segment'
  const last = runs.at(-1)
  const { first: from, last: to } = space.segmentSpan(segment)
  return last !== undefined && last.first + last.count > to - from + 1 ? 'segment' : undefined
}
