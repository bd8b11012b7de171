import type { PeerId } from '../address/mod.ts'
import { TAKEOVERS_MAX } from './constants.ts'
import type { TakeoverEntry } from './takeover-entry.ts'

/**
 * Which takeover gives way to one more of `author` where there is no more room: an unsettled one, of an author that is not
 * reached before one that is, and else of the author with the most. So nobody keeps out what one who has fewer begins.
 */
export function whoGivesWay(
  author: PeerId,
  entries: Iterable<TakeoverEntry>,
  isReached: (peer: PeerId) => boolean,
): TakeoverEntry | undefined {
  const byAuthor = new Map<PeerId, TakeoverEntry[]>([[author, []]])
  for (const entry of entries) {
    const those = byAuthor.get(entry.takeover.author)
    if (those === undefined) byAuthor.set(entry.takeover.author, [entry])
    else those.push(entry)
  }
  const weightOf = (peer: PeerId, count: number) => (isReached(peer) ? 0 : TAKEOVERS_MAX) + count
  let most = weightOf(author, byAuthor.get(author)!.length + 1)
  let found: TakeoverEntry | undefined
  for (const [peer, those] of byAuthor) {
    const [oldest] = those.filter(one => !one.isSettled && !one.isInForce)
    if (oldest === undefined || peer === author || weightOf(peer, those.length) < most) continue
    most = weightOf(peer, those.length) + 1
    found = oldest
  }
  return found
}
