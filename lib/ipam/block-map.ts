import type { PeerId } from '../address/mod.ts'
import { assert, Drop, equalBytes, isDrop } from '../base/mod.ts'
import { decodeBlocksRecord, encodeBlocksRecord, type BlocksRecord } from './blocks-record.ts'
import type { BlockSpace, BlockSpan } from './block-space.ts'
import { SEGMENT_BLOCKS } from './constants.ts'
import { compareRegisters, equalRegisters, REGISTER_FIELD_MAX, type Register } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { misfit, readRuns, Statements, writeRuns } from './statements.ts'

/** A change of this peer's own record for a segment; undefined removes it. */
export interface SegmentStatement {
  readonly segment: number
  readonly value: Uint8Array | undefined
}

/**
 * Who owns which block, by the statements held of everybody.
 *
 * The register in force is the maximum of all statements. This peer states the blocks that it owns, and those that it
 * handed on for as long as the new owner does not state them itself; so the greatest register of a block is always
 * stated by somebody, and never falls back because an old record is read late.
 *
 * A block is *ours* when the register in force says so and this process never saw a greater one: if the statement of a
 * later owner vanishes (it was forgotten), the block is nobody's until it is taken over, and not ours again.
 */
export class BlockMap {
  readonly self: PeerId
  readonly space: BlockSpace
  readonly #statements = new Statements()
  readonly #stated: RegisterTable
  readonly #inForce: RegisterTable
  readonly #highest: RegisterTable
  readonly #isOwn: Uint8Array
  readonly #scratch = new RegisterTable(SEGMENT_BLOCKS)
  readonly #isConfirmed = new Uint8Array(SEGMENT_BLOCKS)
  readonly #counts = new Map<PeerId, number>()
  readonly #dirty = new Set<number>()
  readonly #published = new Map<number, Uint8Array>()
  #changed: number[] = []
  #version = 0
  /** What was known up to there was of a mesh that was given up. */
  #abandonedVersion = 0

  constructor(self: PeerId, space: BlockSpace) {
    this.self = self
    this.space = space
    this.#stated = new RegisterTable(space.blockCount)
    this.#inForce = new RegisterTable(space.blockCount)
    this.#highest = new RegisterTable(space.blockCount)
    this.#isOwn = new Uint8Array(space.blockCount)
  }

  /** Grows whenever a block changes hands. */
  get version(): number {
    return this.#version
  }

  /** Blocks per owner, by the registers in force. */
  get counts(): ReadonlyMap<PeerId, number> {
    return this.#counts
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0
  }

  registerOf(block: number): Register | undefined {
    return this.#inForce.get(block)
  }

  ownerOf(block: number): PeerId | undefined {
    return this.#inForce.get(block)?.owner
  }

  isOwn(block: number): boolean {
    return this.#isOwn[block] === 1
  }

  get ownsAny(): boolean {
    return this.#isOwn.includes(1)
  }

  /** Blocks per owner within a span; `undefined` counts those of nobody. */
  countsIn(span: BlockSpan): ReadonlyMap<PeerId | undefined, number> {
    if (span.first === 0 && span.last === this.space.blockCount - 1) return this.#countsOfAll()
    const counts = new Map<PeerId | undefined, number>()
    for (let block = span.first; block <= span.last; block++) {
      const owner = this.ownerOf(block)
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
    }
    return counts
  }

  /**
   * Makes every block ours; only where none was ever known (`isAnew`: since `abandon`). Returns false, and changes
   * nothing, otherwise.
   */
  found(isAnew = false): boolean {
    if (this.#version > (isAnew ? this.#abandonedVersion : 0)) return false
    const register = { term: 0, seq: 0, owner: this.self }
    for (let block = 0; block < this.space.blockCount; block++) this.#state(block, register)
    for (let segment = 0; segment < this.space.segmentCount; segment++) this.#recompute(segment)
    return true
  }

  /** True when a block is ours and its register can still grow. */
  canHandOn(block: number): boolean {
    return this.isOwn(block) && this.#inForce.get(block)!.seq < REGISTER_FIELD_MAX
  }

  /** Hands a block of ours to another peer. */
  handOn(span: BlockSpan, to: PeerId): void {
    assert(to !== this.self, 'a block is handed to somebody else')
    for (let block = span.first; block <= span.last; block++) {
      assert(this.canHandOn(block), `block ${block} is not ours to hand on`)
      const { term, seq } = this.#inForce.get(block)!
      this.#state(block, { term, seq: seq + 1, owner: to })
    }
    const { first, last } = { first: this.space.segmentOf(span.first), last: this.space.segmentOf(span.last) }
    for (let segment = first; segment <= last; segment++) this.#recompute(segment)
  }

  /**
   * Takes what the ledger holds of `author` for a segment; undefined: nothing any more. A malformed record counts as
   * none. For this peer's own record (at restore, or when the ledger met a newer one) the registers are merged.
   * Drops: those of the codec, `blocks-range-differs`, `blocks-segment`.
   */
  setStatement(author: PeerId, segment: number, value: Uint8Array | undefined): Drop | undefined {
    const record = value === undefined ? undefined : this.#decode(segment, value)
    if (author === this.self) {
      if (value === undefined || record === undefined) return undefined
      if (isDrop(record)) return record
      this.#mergeOwn(segment, value, record)
    } else {
      this.#statements.set(author, segment, record === undefined || isDrop(record) ? [] : record.runs)
    }
    if (segment < this.space.segmentCount) this.#recompute(segment)
    return isDrop(record) ? record : undefined
  }

  /** Gives up every statement, own and foreign: this peer joins another mesh. Own records are to be removed. */
  abandon(): void {
    this.#statements.clear()
    this.#stated.clear()
    this.#highest.clear()
    for (let segment = 0; segment < this.space.segmentCount; segment++) this.#recompute(segment)
    for (const segment of this.#published.keys()) this.#dirty.add(segment)
    this.#abandonedVersion = this.#version
  }

  /** Own records that differ from what was published last. Must be taken, and published, before anything is sent. */
  takePublishes(): SegmentStatement[] {
    const publishes: SegmentStatement[] = []
    for (const segment of this.#dirty) {
      const runs = writeRuns(this.#stated, this.space.segmentSpan(segment))
      const before = this.#published.get(segment)
      if (runs.length === 0) {
        if (before !== undefined) publishes.push({ segment, value: undefined })
        this.#published.delete(segment)
        continue
      }
      const { range, blockPrefix } = this.space
      const value = encodeBlocksRecord({ range, blockPrefix, runs })
      if (before !== undefined && equalBytes(before, value)) continue
      this.#published.set(segment, value)
      publishes.push({ segment, value })
    }
    this.#dirty.clear()
    return publishes
  }

  /** Blocks whose owner changed since the last call. */
  takeChanged(): number[] {
    const changed = this.#changed
    this.#changed = []
    return changed
  }

  #countsOfAll(): ReadonlyMap<PeerId | undefined, number> {
    const counts = new Map<PeerId | undefined, number>(this.#counts)
    let known = 0
    for (const count of this.#counts.values()) known += count
    if (known < this.space.blockCount) counts.set(undefined, this.space.blockCount - known)
    return counts
  }

  #decode(segment: number, value: Uint8Array): BlocksRecord | Drop {
    const record = decodeBlocksRecord(value)
    if (isDrop(record)) return record
    const why = misfit(record, this.space, segment)
    if (why === undefined) return record
    return new Drop(why === 'range' ? 'blocks-range-differs' : 'blocks-segment')
  }

  #mergeOwn(segment: number, value: Uint8Array, record: BlocksRecord): void {
    const { first } = this.space.segmentSpan(segment)
    for (const run of readRuns(record.runs)) {
      for (let block = first + run.first; block < first + run.first + run.count; block++) {
        // An echo of an older own record must not bring back what was handed on since.
        if (this.#highest.isNotAbove(block, run.register)) this.#stated.merge(block, run.register)
      }
    }
    // The ledger holds this value now; if the statement differs from it, it is published again.
    this.#published.set(segment, value.slice())
    this.#dirty.add(segment)
  }

  #state(block: number, register: Register | undefined): void {
    if (equalRegisters(this.#stated.get(block), register)) return
    this.#stated.set(block, register)
    this.#dirty.add(this.space.segmentOf(block))
  }

  #recompute(segment: number): void {
    const { first, last } = this.space.segmentSpan(segment)
    for (let at = 0; at < SEGMENT_BLOCKS; at++) {
      const stated = this.#stated.get(first + at)
      const isLive = stated !== undefined && this.#highest.isNotAbove(first + at, stated)
      this.#scratch.set(at, isLive ? stated : undefined)
    }
    this.#statements.mergeSegment(segment, this.#scratch, this.#isConfirmed)
    for (let block = first; block <= last; block++) {
      const register = this.#scratch.get(block - first)
      this.#force(block, register)
      this.#state(block, this.#toState(block, register, this.#isConfirmed[block - first] === 1))
    }
  }

  #force(block: number, register: Register | undefined): void {
    const before = this.#inForce.get(block)
    if (register !== undefined) this.#highest.merge(block, register)
    const isOwn = register?.owner === this.self && this.#highest.isNotAbove(block, register)
    this.#isOwn[block] = isOwn ? 1 : 0
    if (equalRegisters(before, register)) return
    this.#inForce.set(block, register)
    if (before?.owner === register?.owner) return
    if (before !== undefined) this.#count(before.owner, -1)
    if (register !== undefined) this.#count(register.owner, 1)
    this.#changed.push(block)
    this.#version++
  }

  #toState(block: number, inForce: Register | undefined, isConfirmed: boolean): Register | undefined {
    if (inForce === undefined) return undefined
    if (this.isOwn(block)) return inForce
    const stated = this.#stated.get(block)
    if (stated === undefined || stated.owner === this.self || isConfirmed) return undefined
    return compareRegisters(stated, inForce) === 0 ? stated : undefined
  }

  #count(owner: PeerId, change: number): void {
    const count = (this.#counts.get(owner) ?? 0) + change
    if (count === 0) this.#counts.delete(owner)
    else this.#counts.set(owner, count)
  }
}
