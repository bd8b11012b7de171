import type { PeerId } from '../address/mod.ts'
import type { BlockRun, BlocksRecord } from './blocks-record.ts'
import type { BlockSpace, BlockSpan } from './block-space.ts'
import { SEGMENT_BLOCKS } from './constants.ts'
import { compareRegisters, equalRegisters, type Register } from './register.ts'
import type { RegisterTable } from './register-table.ts'

interface Run {
  readonly first: number
  readonly count: number
  readonly register: Register
}

/**
 * What all foreign peers state, per segment: the other inputs of the value in force. Bounded by the ledger's limits.
 */
export class Statements {
  readonly #bySegment = new Map<number, Map<PeerId, readonly Run[]>>()

  /** Replaces what `author` states about a segment. */
  set(author: PeerId, segment: number, runs: readonly BlockRun[]): void {
    if (runs.length === 0) {
      this.#bySegment.get(segment)?.delete(author)
      return
    }
    let authors = this.#bySegment.get(segment)
    if (authors === undefined) {
      authors = new Map()
      this.#bySegment.set(segment, authors)
    }
    authors.set(author, readRuns(runs))
  }

  clear(): void {
    this.#bySegment.clear()
  }

  /**
   * Merges everything stated about a segment into `into`, which holds 256 places, and marks in `isConfirmed` where the
   * owner itself states the register that won.
   */
  mergeSegment(segment: number, into: RegisterTable, isConfirmed: Uint8Array): void {
    const authors = this.#bySegment.get(segment)
    isConfirmed.fill(0)
    if (authors === undefined) return
    for (const runs of authors.values()) {
      for (const run of runs) {
        for (let at = run.first; at < run.first + run.count; at++) into.merge(at, run.register)
      }
    }
    for (const [author, runs] of authors) {
      for (const run of runs) {
        if (run.register.owner !== author) continue
        for (let at = run.first; at < run.first + run.count; at++) {
          if (equalRegisters(into.get(at), run.register)) isConfirmed[at] = 1
        }
      }
    }
  }
}

/** Runs of a record as runs of registers, one object each. */
export function readRuns(runs: readonly BlockRun[]): Run[] {
  return runs.map(({ first, count, term, seq, owner }) => ({ first, count, register: { term, seq, owner } }))
}

/** The runs of a segment of `stated`, equal neighbours joined. */
export function writeRuns(stated: RegisterTable, span: BlockSpan): BlockRun[] {
  const runs: BlockRun[] = []
  let block = span.first
  while (block <= span.last) {
    const register = stated.get(block)
    const start = block++
    if (register === undefined) continue
    while (block <= span.last) {
      const next = stated.get(block)
      if (next === undefined || compareRegisters(next, register) !== 0) break
      block++
    }
    runs.push({ first: start % SEGMENT_BLOCKS, count: block - start, ...register })
  }
  return runs
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
