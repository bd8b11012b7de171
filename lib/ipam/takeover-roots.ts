import type { Stretch, TakeoverTitle } from './title.ts'

/** What the proof of titles needs to know of takeovers. */
export interface TakeoverRoots {
  /** The title of whoever took over; undefined when the takeover is not known (yet). */
  titleOf(takeover: string): TakeoverTitle | undefined
  /** True when the takeover is of all these blocks. */
  covers(takeover: string, stretch: Stretch): boolean
  /** True once it is settled, or forced here: its titles count then. */
  isInForce(takeover: string): boolean
  /** True when a takeover in force of the block makes titles of this term worth nothing. */
  voids(term: number, block: number): boolean
  /** The same of one that came not long ago, and may still be withdrawn: what it replaces is worth keeping. */
  replaces(term: number, block: number): boolean
}
