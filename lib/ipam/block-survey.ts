import { contains, type Cidr, type PeerId } from '../address/mod.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import type { BlockSpan } from './block-space.ts'
import type { LeaseTable } from './lease-table.ts'
import type { Loans } from './loans.ts'

/** Consecutive blocks of one owner, and what is known of their addresses here. */
export interface BlockRun extends BlockSpan {
  /** Undefined: nobody that is known. */
  readonly owner: PeerId | undefined
  /** Addresses that containers of this host hold. */
  readonly leased: number
  /** Addresses that rest here after use. */
  readonly resting: number
  /** Blocks of which nothing is given for now, although they are own. */
  readonly barred: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The whole range as runs of blocks, in order. */
export function surveyBlocks(
  map: Pick<BlockMap, 'space' | 'ownerOf'>,
  leases: Pick<LeaseTable, 'all' | 'resting' | 'isBarred'>,
): BlockRun[] {
  const { space } = map
  const leased = new Map<number, number>()
  const resting = new Map<number, number>()
  const count = (counts: Map<number, number>, address: number) => {
    if (!space.holds(address)) return
    const block = space.blockOf(address)
    counts.set(block, (counts.get(block) ?? 0) + 1)
  }
  for (const { address } of leases.all()) count(leased, address)
  for (const address of leases.resting()) count(resting, address)
  const runs: Writable<BlockRun>[] = []
  for (let block = 0; block < space.blockCount; block++) {
    const owner = map.ownerOf(block)
    let run = runs.at(-1)
    if (run === undefined || run.owner !== owner)
      runs.push((run = { first: block, last: block, owner, leased: 0, resting: 0, barred: 0 }))
    run.last = block
    run.leased += leased.get(block) ?? 0
    run.resting += resting.get(block) ?? 0
    if (leases.isBarred(block)) run.barred++
  }
  return runs
}

/** How many addresses of own blocks a container in `subnet` could get now. */
export function freeIn(
  map: Pick<BlockMap, 'space' | 'ownIn'>,
  leases: Pick<LeaseTable, 'freeIn'>,
  subnet: Cidr,
): number {
  const span = map.space.spanOf(subnet)
  return span === undefined ? 0 : map.ownIn(span).reduce((free, block) => free + leases.freeIn(block, subnet), 0)
}

/**
 * How many addresses of a subnet this peer lent that the borrower does not say to use: they rest there, and come back.
 * Not those of `asker`, which knows of them itself.
 */
export function restingAway(
  loans: Pick<Loans, 'all'>,
  assignments: Pick<Assignments, 'usersOf'>,
  subnet: Cidr,
  asker?: PeerId,
): number {
  let count = 0
  for (const { address, peer } of loans.all())
    if (peer !== asker && contains(subnet, address) && !assignments.usersOf(address).includes(peer)) count++
  return count
}
