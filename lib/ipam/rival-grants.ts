import type { PeerId } from '../address/mod.ts'
import { BoundedMap } from '../base/mod.ts'
import { TWICE_GIVERS_MAX } from './constants.ts'
import { compareRegisters, equalRegisters } from './register.ts'
import { rootOf, type GrantTitle, type Title } from './title.ts'

/** A block that a former owner handed on again: by the title that was known first, and by the one that is in force. */
interface RivalGrant {
  readonly first: GrantTitle
  readonly rival: Title
}

/** A peer that handed blocks on twice: it lies, or was put back to an earlier state. */
export interface TwiceGiver {
  readonly giver: PeerId
  /** Who was given the last of them later. */
  readonly rival: PeerId
  readonly blocks: number
}

/**
 * Blocks that somebody handed on twice, with the title that this peer knew first. Registers say which one is in force,
 * the same everywhere; but whose title was known first has a right to a new root, and others agree to that. At most one
 * for each block.
 */
export class RivalGrants {
  readonly #byBlock = new Map<number, RivalGrant>()
  readonly #givers = new BoundedMap<PeerId, TwiceGiver>(TWICE_GIVERS_MAX)

  get size(): number {
    return this.#byBlock.size
  }

  /** The title in force of a block changes. */
  note(block: number, before: Title | undefined, after: Title | undefined): void {
    const known = this.#byBlock.get(block)
    if (known !== undefined && (after === undefined || after.term > known.first.term || isOf(after, known.first))) {
      this.#byBlock.delete(block)
      return
    }
    if (before?.type !== 'grant' || after === undefined || compareRegisters(after, before) <= 0) return
    if (after.term !== before.term || rootOf(after) !== rootOf(before) || isOf(after, before)) return
    const first = known?.first ?? before
    this.#byBlock.set(block, { first, rival: after })
    const giver = forkOf(first, after)
    const blocks = (this.#givers.get(giver)?.blocks ?? 0) + (known === undefined ? 1 : 0)
    this.#givers.set(giver, { giver, rival: after.owner, blocks })
  }

  /** The title that was known first, where there is another one. */
  firstOf(block: number): Title | undefined {
    return this.#byBlock.get(block)?.first
  }

  /** Who did so since this peer started, the latest last. */
  get givers(): readonly TwiceGiver[] {
    return [...this.#givers.entries.values()]
  }

  clear(): void {
    this.#byBlock.clear()
    this.#givers.clear()
  }
}

/** Whose word the two titles part at. */
function forkOf(first: GrantTitle, rival: Title): PeerId {
  let at: Title = first
  while (at.type === 'grant' && !isOf(rival, at)) at = at.parent
  return at.owner
}

/** True when one follows from the other: it is the same, or was handed on since. */
function isOf(title: Title, earlier: Title): boolean {
  let at = title
  while (at.type === 'grant' && at.seq > earlier.seq) at = at.parent
  return equalRegisters(at, earlier)
}
