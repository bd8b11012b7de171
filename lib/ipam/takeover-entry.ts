import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import type { Takeover } from './takeover-record.ts'
import type { TakeoverTitle } from './title.ts'

/** A takeover that is known. */
export interface TakeoverEntry {
  readonly takeover: Takeover
  /** One for all blocks, so that those of one title are stated as one run. */
  readonly title: TakeoverTitle
  /** Whose records hold it. */
  readonly publishers: Set<PeerId>
  readonly seenAt: Millis
  isSettled: boolean
}

/** True when any block is of both. */
export function overlap(a: Pick<Takeover, 'runs'>, b: Pick<Takeover, 'runs'>): boolean {
  if (a.runs.length === 0 || b.runs.length === 0) return false
  return a.runs.some(one => b.runs.some(two => one.first < two.first + two.count && two.first < one.first + one.count))
}
