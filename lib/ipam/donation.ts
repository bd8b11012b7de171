import { assert } from '../base/mod.ts'
import type { PeerId } from '../address/mod.ts'
import { GRANTED_RANGES_MAX, type BlockRange, type IpamAnswer, type IpamRequest } from '../wire/mod.ts'
import type { BlockMap } from './block-map.ts'
import type { BlockSpan } from './block-space.ts'
import { ANSWERS_MAX } from './constants.ts'
import type { LeaseTable } from './lease-table.ts'

/** The giving side: answers peers that ask for blocks. */
export class Donor {
  readonly #map: BlockMap
  readonly #leases: LeaseTable
  /** `peer request id` to answer, the oldest first. */
  readonly #answers = new Map<string, IpamAnswer>()

  constructor(map: BlockMap, leases: LeaseTable) {
    this.#map = map
    this.#leases = leases
  }

  /**
   * Hands blocks on, if any can be spared, and says which. A repeated request gets the same answer. What changed hands
   * must be published before the answer is sent.
   */
  answer(from: PeerId, request: IpamRequest): IpamAnswer {
    const key = `${from} ${request.id}`
    const given = this.#answers.get(key)
    if (given !== undefined) return given
    const granted = this.#choose(from, request)
    for (const range of granted) this.#handOn(range, from)
    const head = { kind: 'ipam-answer', id: request.id } as const
    const answer: IpamAnswer =
      granted.length > 0
        ? { ...head, outcome: 'granted', granted }
        : { ...head, outcome: 'denied', free: this.#freeAddresses(request) }
    this.#keep(key, answer)
    return answer
  }

  #choose(from: PeerId, request: IpamRequest): BlockRange[] {
    const { block } = request
    if (block === undefined) {
      const span = this.#map.space.spanOf(request.subnet)
      return span === undefined ? [] : chooseRanges(span, at => this.#isSpare(at))
    }
    const isTheirs = block < this.#map.space.blockCount && this.#map.ownerOf(block) === from
    return isTheirs || this.#isSpare(block) ? [{ first: block, count: 1 }] : []
  }

  #isSpare(block: number): boolean {
    return this.#map.canHandOn(block) && this.#leases.usedIn(block) === 0
  }

  #handOn({ first, count }: BlockRange, to: PeerId): void {
    if (this.#map.ownerOf(first) !== to) this.#map.handOn({ first, last: first + count - 1 }, to)
  }

  #freeAddresses({ subnet }: IpamRequest): number {
    const span = this.#map.space.spanOf(subnet)
    if (span === undefined) return 0
    let free = 0
    for (let block = span.first; block <= span.last; block++) {
      if (this.#map.isOwn(block)) free += this.#leases.freeIn(block, subnet)
    }
    return free
  }

  #keep(key: string, answer: IpamAnswer): void {
    this.#answers.set(key, answer)
    if (this.#answers.size <= ANSWERS_MAX) return
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest)
      return
    }
  }
}

/**
 * About half of the spare blocks of a span, at least one if there is any: the largest aligned runs that fit, from the
 * top, because a donor itself allocates from the bottom.
 */
export function chooseRanges(span: BlockSpan, isSpare: (block: number) => boolean): BlockRange[] {
  const spare: number[] = []
  for (let block = span.first; block <= span.last; block++) if (isSpare(block)) spare.push(block)
  let quota = spare.length === 0 ? 0 : Math.max(1, Math.floor(spare.length / 2))
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
  assert(spare.length === 0 || ranges.length > 0, 'one spare block can always be given')
  return ranges
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
