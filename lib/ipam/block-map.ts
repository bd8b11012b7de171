import type { PeerId } from '../address/mod.ts'
import { assert, type Drop, type Millis } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import { segmentOfPage, type Page } from './blocks-record.ts'
import type { BlockSpace, BlockSpan } from './block-space.ts'
import { CHAIN_MAX, RENEW_AT, SEGMENT_BLOCKS } from './constants.ts'
import type { RivalGrants } from './rival-grants.ts'
import { Evidence } from './evidence.ts'
import type { Founding } from './founding.ts'
import { OwnPages, type PageStatement } from './own-pages.ts'
import { countOwners } from './owner-counts.ts'
import { Prover } from './prover.ts'
import { compareRegisters, type Register } from './register.ts'
import { RegisterTable } from './register-table.ts'
import { Statements } from './statements.ts'
import { blocksIn, stretchesOf } from './stretches.ts'
import { overlap } from './takeover-entry.ts'
import type { Takeover } from './takeover-record.ts'
import type { TakeoverRoots } from './takeover-roots.ts'
import { TitlesInForce } from './titles-in-force.ts'
import { grant, rootOf, type Giver, type GrantScope, type RootTitle, type Stretch, type Title } from './title.ts'

export interface BlockMapOptions {
  /** This peer, which signs what it hands on. */
  readonly self: Giver
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  /** 16 bytes: of which mesh the blocks are. */
  readonly meshId: () => Uint8Array
  readonly takeovers: TakeoverRoots
}

/**
 * Who owns which block, by what everybody states and proves.
 *
 * The register in force is the maximum of all that is proved. This peer states the blocks that it owns, and those that it
 * handed on for as long as the new owner does not state them itself; so the greatest register of a block is always
 * stated by somebody, and never falls back because an old record is read late.
 *
 * A block is *ours* when the register in force says so and this process never saw a greater one: if the statement of a
 * later owner vanishes (it was forgotten), the block is nobody's until it is taken over, and not ours again.
 */
export class BlockMap {
  readonly self: PeerId
  readonly space: BlockSpace
  readonly #giver: Giver
  readonly #meshId: () => Uint8Array
  readonly #takeovers: TakeoverRoots
  readonly #prover: Prover
  readonly #evidence: Evidence
  readonly #statements = new Statements()
  readonly #own: OwnPages
  readonly #inForce: TitlesInForce
  readonly #scratch = new RegisterTable(SEGMENT_BLOCKS)
  readonly #isConfirmed = new Uint8Array(SEGMENT_BLOCKS)
  readonly #isRootInForce = (root: RootTitle) => root.type === 'founding' || this.#takeovers.isInForce(root.takeover)
  #statementsVersion = 0
  /** What was known up to there was of a mesh that was given up. */
  #abandonedVersion = 0

  constructor(space: BlockSpace, options: BlockMapOptions) {
    const { self, suite, meshId, takeovers } = options
    this.self = self.peerId
    this.space = space
    this.#giver = self
    this.#meshId = meshId
    this.#takeovers = takeovers
    this.#prover = new Prover({ suite, scope: () => this.#scope(), blockCount: space.blockCount, takeovers })
    this.#evidence = new Evidence(this.#prover, space, self.peerId)
    this.#own = new OwnPages(space)
    this.#inForce = new TitlesInForce(self.peerId, space.blockCount)
  }

  /** Grows whenever a block changes hands. */
  get version(): number {
    return this.#inForce.version
  }

  /** Grows whenever a register in force changes. */
  get registersVersion(): number {
    return this.#inForce.registersVersion
  }

  /** Grows whenever somebody states something else. */
  get statementsVersion(): number {
    return this.#statementsVersion
  }

  /** Blocks per owner, by the registers in force. */
  get counts(): ReadonlyMap<PeerId, number> {
    return this.#inForce.counts.all
  }

  /** Blocks that a former owner handed on again. */
  get rivals(): RivalGrants {
    return this.#inForce.rivals
  }

  get isEmpty(): boolean {
    return this.#inForce.counts.all.size === 0
  }

  registerOf(block: number): Register | undefined {
    const title = this.#inForce.titleOf(block)
    return title === undefined ? undefined : { term: title.term, seq: title.seq, owner: title.owner }
  }

  /** What counts when a new root is agreed to: the title that was known first, if there is a rival. */
  rightTo(block: number): Title | undefined {
    return this.rivals.firstOf(block) ?? this.#inForce.titleOf(block)
  }

  ownerOf(block: number): PeerId | undefined {
    return this.#inForce.titleOf(block)?.owner
  }

  isOwn(block: number): boolean {
    return this.#inForce.isOwn(block)
  }

  get ownsAny(): boolean {
    return this.#inForce.ownsAny
  }

  /** Blocks per owner within a span; `undefined` counts those of nobody. */
  countsIn(span: BlockSpan): ReadonlyMap<PeerId | undefined, number> {
    if (span.first > 0 || span.last < this.space.blockCount - 1) return countOwners(span, block => this.ownerOf(block))
    return this.#inForce.counts.withNobody(this.space.blockCount)
  }

  /**
   * Makes every block ours, as the founder that the mesh id names; only where none was ever known (`isAnew`: since
   * `abandon`). Returns false, and changes nothing, otherwise. `salt`: 16 bytes.
   */
  found(salt: Uint8Array, isAnew = false): boolean {
    if (this.version > (isAnew ? this.#abandonedVersion : 0)) return false
    const founding: Founding = { founder: this.self, salt }
    const title = this.#prover.foundingTitle(founding)
    assert(title !== undefined, 'who founds has a mesh id that says so')
    for (let block = 0; block < this.space.blockCount; block++) this.#own.state(block, title)
    for (let segment = 0; segment < this.space.segmentCount; segment++) this.#recompute(segment)
    return true
  }

  /** True when a block is ours and what proves it may still grow. */
  canHandOn(block: number): boolean {
    return this.isOwn(block) && this.#inForce.titleOf(block)!.seq < CHAIN_MAX
  }

  /** Hands blocks of ours to another peer. */
  handOn(span: BlockSpan, to: PeerId): void {
    assert(to !== this.self, 'a block is handed to somebody else')
    for (let block = span.first; block <= span.last;) {
      assert(this.canHandOn(block), `block ${block} is not ours to hand on`)
      const parent = this.#inForce.titleOf(block)!
      let end = block + 1
      while (end <= span.last && this.#inForce.titleOf(end) === parent) end++
      const title = grant(this.#giver, this.#scope(), parent, { first: block, count: end - block }, to)
      this.#prover.keep(title)
      for (; block < end; block++) this.#own.state(block, title)
    }
    const { first, last } = { first: this.space.segmentOf(span.first), last: this.space.segmentOf(span.last) }
    for (let segment = first; segment <= last; segment++) this.#recompute(segment)
  }

  /**
   * Takes what the ledger holds of `author` for a page; undefined: nothing any more. What is malformed or not proved
   * counts as nothing. This peer's own record (at restore, or when the ledger met a newer one) is merged. Drops: those
   * of `Evidence`.
   */
  setStatement(author: PeerId, page: Page, value: Uint8Array | undefined, now: Millis): Drop | undefined {
    const { runs, drop, isLater } = this.#evidence.read(author, page, value, now)
    this.#statementsVersion++
    if (author === this.self) {
      if (value === undefined || isLater || (drop !== undefined && runs.length === 0)) return drop
      // An echo of an older own record must not bring back what was handed on since.
      this.#own.merge(page, value, runs, (block, title) => this.#inForce.isHighest(block, title))
    } else {
      this.#statements.set(author, page, runs)
    }
    const segment = segmentOfPage(page)
    if (segment < this.space.segmentCount) this.#recompute(segment)
    return drop
  }

  /** Judges again what could not be judged before. */
  handleTimeout(now: Millis): void {
    for (const { author, page, value } of this.#evidence.takeDue(now)) this.setStatement(author, page, value, now)
  }

  nextTimeout(): Millis | undefined {
    return this.#evidence.nextRetry()
  }

  /** Takeovers became known, or in force, or are so no longer: only titles of the blocks that they name rest on them. */
  rootsChanged(changed: readonly Pick<Takeover, 'id' | 'runs'>[], now: Millis): void {
    const due = this.#evidence.takeWaiting(new Set(changed.map(({ id }) => id)))
    for (const { author, page, value } of due) this.setStatement(author, page, value, now)
    const segments = new Set<number>()
    for (const block of blocksIn(changed.flatMap(({ runs }) => runs))) {
      const highest = this.#inForce.highestOf(block)
      // What was given by a takeover that is withdrawn was never given.
      if (highest !== undefined && !this.#isRootInForce(rootOf(highest))) this.#inForce.forgetHighest(block)
      segments.add(this.space.segmentOf(block))
    }
    for (const segment of segments) this.#recompute(segment)
  }

  /** True when a reached peer but its victim and author states a block of a takeover as its own, with a lesser term. */
  isHeldBeside(takeover: Takeover, isReached: (peer: PeerId) => boolean): boolean {
    const { runs, term, victim, author } = takeover
    const isBeside = (title: Title) => {
      const { owner } = title
      if (title.term >= term || owner === victim || owner === author || !isReached(owner)) return false
      return this.#isRootInForce(rootOf(title))
    }
    const segments = new Set<number>()
    for (const block of blocksIn(runs)) {
      segments.add(this.space.segmentOf(block))
      const own = [this.#own.statedOf(block), this.#own.replacedOf(block)]
      if (own.some(title => title?.owner === this.self && isBeside(title))) return true
    }
    for (const segment of segments) {
      const { first } = this.space.segmentSpan(segment)
      for (const run of this.#statements.ownedIn(segment))
        if (isBeside(run.title) && overlap({ runs: [{ first: first + run.first, count: run.count }] }, takeover))
          return true
    }
    return false
  }

  /** States the titles of a takeover of this peer: all others of these blocks with a lesser term are worth nothing. */
  takeOver(takeover: Pick<Takeover, 'id' | 'runs'>): void {
    const title = this.#takeovers.titleOf(takeover.id)
    assert(title?.owner === this.self, 'a takeover of this peer')
    const segments = new Set<number>()
    for (const block of blocksIn(takeover.runs)) {
      const register = this.#inForce.titleOf(block)
      if (register !== undefined && register.term >= title.term) continue
      const stated = this.#own.statedOf(block)
      if (stated !== undefined) this.#own.keepReplaced(block, stated)
      this.#own.state(block, title)
      segments.add(this.space.segmentOf(block))
    }
    for (const segment of segments) this.#recompute(segment)
  }

  /** The takeovers on which titles in force rest: all, and those of this peer's blocks. */
  takeoversInForce(): { readonly all: ReadonlySet<string>; readonly own: ReadonlySet<string> } {
    const [all, own] = [new Set<string>(), new Set<string>()]
    let last: Title | undefined
    for (let block = 0; block < this.space.blockCount; block++) {
      const title = this.#inForce.titleOf(block)
      if (title === undefined || title === last) continue
      last = title
      const root = rootOf(title)
      if (root.type !== 'takeover') continue
      all.add(root.takeover)
      if (title.owner === this.self) own.add(root.takeover)
    }
    return { all, own }
  }

  /** Blocks of which this peer states what a takeover replaced. */
  replacedBlocks(): Stretch[] {
    return stretchesOf(this.space.blockCount, block => this.#own.replacedOf(block) !== undefined)
  }

  /** Blocks of an owner. */
  blocksOf(owner: PeerId): Stretch[] {
    return stretchesOf(this.space.blockCount, block => this.ownerOf(block) === owner)
  }

  /** Blocks of this peer whose titles have RENEW_AT grants or more. */
  longOwn(): Stretch[] {
    if (!this.#inForce.hasLong) return []
    return stretchesOf(this.space.blockCount, block => {
      const register = this.#inForce.titleOf(block)
      return register?.owner === this.self && register.seq >= RENEW_AT
    })
  }

  /** Blocks that were this peer's before whoever gave them gave them to somebody else, too. */
  rivalledOwn(): Stretch[] {
    if (this.rivals.size === 0) return []
    return stretchesOf(this.space.blockCount, block => this.rivals.firstOf(block)?.owner === this.self)
  }

  /** True when `orphans` finds some; known without a search. */
  get hasOrphans(): boolean {
    return !this.isEmpty && this.#inForce.counts.sum < this.space.blockCount
  }

  /** True when `lost` finds some; known without a search. */
  get hasLost(): boolean {
    return this.#inForce.hasLost
  }

  /** The blocks of which no owner is known, where any was ever. */
  orphans(): Stretch[] {
    return !this.hasOrphans
      ? []
      : stretchesOf(this.space.blockCount, block => this.#inForce.titleOf(block) === undefined)
  }

  /** Blocks that others take for this peer's, and it saw a later owner of, whom nobody knows any more. */
  lost(): Stretch[] {
    if (!this.hasLost) return []
    return stretchesOf(this.space.blockCount, block => this.ownerOf(block) === this.self && !this.isOwn(block))
  }

  /** The greatest term in force of these blocks; 0 for none. */
  greatestTerm(stretches: readonly Stretch[]): number {
    let greatest = 0
    for (const block of blocksIn(stretches)) greatest = Math.max(greatest, this.#inForce.titleOf(block)?.term ?? 0)
    return greatest
  }

  /** The blocks of this peer within a span. */
  ownIn({ first, last }: BlockSpan): number[] {
    const blocks: number[] = []
    for (let block = first; block <= last; block++) if (this.isOwn(block)) blocks.push(block)
    return blocks
  }

  /** Gives up every statement, own and foreign: this peer joins another mesh. Own records are to be removed. */
  abandon(): void {
    this.#statements.clear()
    this.#evidence.clear()
    this.#own.clear()
    this.#inForce.forget()
    for (let segment = 0; segment < this.space.segmentCount; segment++) this.#recompute(segment)
    this.#abandonedVersion = this.version
  }

  /** Own records that differ from what was published last. Must be taken, and published, before anything is sent. */
  takePublishes(): PageStatement[] {
    return this.#own.takePublishes()
  }

  /** Blocks whose owner changed since the last call. */
  takeChanged(): number[] {
    return this.#inForce.takeChanged()
  }

  #scope(): GrantScope {
    return { meshId: this.#meshId(), range: this.space.range, blockPrefix: this.space.blockPrefix }
  }

  #recompute(segment: number): void {
    const { first, last } = this.space.segmentSpan(segment)
    for (let at = 0; at < SEGMENT_BLOCKS; at++) {
      const stated = this.#live(this.#own.statedOf(first + at), first + at)
      const replaced = this.#live(this.#own.replacedOf(first + at), first + at)
      this.#scratch.set(at, stated)
      if (replaced !== undefined) this.#scratch.merge(at, replaced)
    }
    this.#statements.mergeSegment(segment, this.#scratch, this.#isConfirmed, this.#isRootInForce)
    for (let block = first; block <= last; block++) {
      const merged = this.#scratch.get(block - first)
      // What its author has not stated yet, or handed to somebody who lost it, is nobody's, and not the victim's again.
      const register = merged !== undefined && this.#takeovers.voids(merged.term, block) ? undefined : merged
      this.#inForce.set(block, register)
      this.#restate(block, register, this.#isConfirmed[block - first] === 1)
    }
  }

  #live(title: Title | undefined, block: number): Title | undefined {
    if (title === undefined || !this.#isRootInForce(rootOf(title))) return undefined
    return this.#inForce.isHighest(block, title) ? title : undefined
  }

  /** States anew what is this peer's to state of a block; what a recent takeover replaced is stated besides. */
  #restate(block: number, inForce: Title | undefined, isConfirmed: boolean): void {
    const stated = this.#own.statedOf(block)
    const replaced = this.#own.replacedOf(block)
    if (stated !== undefined && this.#takeovers.replaces(stated.term, block)) this.#own.keepReplaced(block, stated)
    if (replaced !== undefined && !this.#takeovers.replaces(replaced.term, block)) this.#own.dropReplaced(block)
    const isBack = stated === undefined || (replaced !== undefined && compareRegisters(stated, replaced) < 0)
    this.#own.state(
      block,
      this.#toState(block, inForce, isConfirmed, isBack || !this.#isLiveRoot(stated) ? replaced : stated),
    )
  }

  #isLiveRoot(title: Title): boolean {
    return this.#isRootInForce(rootOf(title))
  }

  #toState(
    block: number,
    inForce: Title | undefined,
    isConfirmed: boolean,
    stated: Title | undefined,
  ): Title | undefined {
    if (inForce === undefined) return undefined
    if (this.isOwn(block)) return inForce
    if (stated === undefined || stated.owner === this.self || isConfirmed) return undefined
    return compareRegisters(stated, inForce) === 0 ? stated : undefined
  }
}
