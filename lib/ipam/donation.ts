import { assert } from '../base/mod.ts'
import { GRANTED_RANGES_MAX, type BlockRange } from '../wire/mod.ts'
import type { BlockSpan } from './block-space.ts'

/**
 * About half of the spare blocks of a span: the largest aligned runs that fit, from the top, because a donor itself
 * allocates from the bottom. `least` (0 or 1): so many at least, if there are any; `most`: no more than so many.
 */
export function chooseRanges(
  span: BlockSpan,
  isSpare: (block: number) => boolean,
  least = 1,
  most = Infinity,
): BlockRange[] {
  const spare: number[] = []
  for (let block = span.first; block <= span.last; block++) if (isSpare(block)) spare.push(block)
  let quota = Math.min(most, Math.max(Math.floor(spare.length / 2), Math.min(least, spare.length)))
  const ranges: BlockRange[] = []
  const taken = new Set<number>()
  let size = 2 ** Math.floor(Math.log2(Math.max(1, quota)))
  while (size >= 1 && quota > 0 && ranges.length < GRANTED_RANGES_MAX) {
    const first = size > quota ? undefined : lastAlignedRun(spare, size, taken)
    if (first === undefined) {
      size /= 2
      continue
    }
    for (let block = first; block < first + size; block++) taken.add(block)
    ranges.push({ first, count: size })
    quota -= size
  }
  assert(quota <= 0 || ranges.length > 0, 'one spare block can always be given')
  return ranges
}

/**
 * The share of one of so many members in a span, as one aligned run; at least a block. Were each asker given half of what
 * there is, the first would get pieces that span many records, and the last what was handed on many times.
 */
export function shareOf(span: BlockSpan, members: number): number {
  const blocks = span.last - span.first + 1
  return 2 ** Math.floor(Math.log2(Math.max(1, blocks / members)))
}

/** The highest aligned run of `size` blocks in an ascending list; undefined when there is none. */
function lastAlignedRun(blocks: readonly number[], size: number, taken: ReadonlySet<number>): number | undefined {
  for (let at = blocks.length - size; at >= 0; at--) {
    const first = blocks[at]!
    if (first % size !== 0 || blocks[at + size - 1] !== first + size - 1) continue
    if (!taken.has(first) && !taken.has(first + size - 1)) return first
  }
  return undefined
}
