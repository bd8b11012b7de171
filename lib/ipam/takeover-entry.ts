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
  /** Its titles count. */
  isInForce: boolean
  /** It is in force, and came not long ago. */
  isRecent: boolean
  /** Since when it would not be settled if it were not. */
  doubtedSince: Millis | undefined
}

/** True when any block is of both; the runs of each ascend. */
export function overlap(a: Pick<Takeover, 'runs'>, b: Pick<Takeover, 'runs'>): boolean {
  for (let i = 0, j = 0; i < a.runs.length && j < b.runs.length;) {
    const [one, two] = [a.runs[i]!, b.runs[j]!]
    if (one.first + one.count <= two.first) i++
    else if (two.first + two.count <= one.first) j++
    else return true
  }
  return false
}
