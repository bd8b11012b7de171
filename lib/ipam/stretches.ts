import type { Stretch } from './title.ts'

/** The blocks below `blockCount` that are meant, neighbours joined. */
export function stretchesOf(blockCount: number, isMeant: (block: number) => boolean): Stretch[] {
  const stretches: { first: number; count: number }[] = []
  for (let block = 0; block < blockCount; block++) {
    if (!isMeant(block)) continue
    const last = stretches.at(-1)
    if (last !== undefined && last.first + last.count === block) last.count++
    else stretches.push({ first: block, count: 1 })
  }
  return stretches
}

/** The same blocks in ascending order, neighbours joined; none may be twice. */
export function joinStretches(stretches: readonly Stretch[]): Stretch[] {
  const joined: { first: number; count: number }[] = []
  for (const { first, count } of [...stretches].sort((a, b) => a.first - b.first)) {
    const last = joined.at(-1)
    if (last !== undefined && last.first + last.count === first) last.count += count
    else joined.push({ first, count })
  }
  return joined
}

/** Every block of some stretches, in their order. */
export function* blocksIn(stretches: Iterable<Stretch>): Iterable<number> {
  for (const { first, count } of stretches) for (let block = first; block < first + count; block++) yield block
}
