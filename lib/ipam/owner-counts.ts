import type { PeerId } from '../address/mod.ts'
import type { BlockSpan } from './block-space.ts'

/** How many blocks each owner has. */
export class OwnerCounts {
  readonly #counts = new Map<PeerId, number>()
  #sum = 0

  get all(): ReadonlyMap<PeerId, number> {
    return this.#counts
  }

  /** Of all owners. */
  get sum(): number {
    return this.#sum
  }

  add(owner: PeerId, change: number): void {
    this.#sum += change
    const count = (this.#counts.get(owner) ?? 0) + change
    if (count === 0) this.#counts.delete(owner)
    else this.#counts.set(owner, count)
  }

  /** With those of nobody, of so many blocks. */
  withNobody(blockCount: number): ReadonlyMap<PeerId | undefined, number> {
    const counts = new Map<PeerId | undefined, number>(this.#counts)
    if (this.#sum < blockCount) counts.set(undefined, blockCount - this.#sum)
    return counts
  }
}

export function countOwners(
  { first, last }: BlockSpan,
  ownerOf: (block: number) => PeerId | undefined,
): ReadonlyMap<PeerId | undefined, number> {
  const counts = new Map<PeerId | undefined, number>()
  for (let block = first; block <= last; block++) {
    const owner = ownerOf(block)
    counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  return counts
}
