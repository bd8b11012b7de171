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
