import type { PeerId } from '../address/mod.ts'
import type { Accepted, Ballot } from '../wire/mod.ts'

/** How one elector has voted. */
export interface Vote {
  /** It accepts nothing of an earlier attempt any more. */
  readonly promised: Ballot | undefined
  readonly accepted: Accepted | undefined
}

export const NO_VOTE: Vote = { promised: undefined, accepted: undefined }

export function isBefore(a: Ballot | undefined, b: Ballot | undefined): boolean {
  if (b === undefined) return false
  if (a === undefined) return true
  return a.round === b.round ? a.proposer < b.proposer : a.round < b.round
}

function isSame(a: Ballot | undefined, b: Ballot | undefined): boolean {
  return a?.round === b?.round && a?.proposer === b?.proposer
}

/**
 * Who founds, decided once: Paxos for a single decree (Lamport, "Paxos Made Simple") among electors that know each other
 * by the newest vote of each. Its value is a founder. All is computed from the votes; the one who proposes a ballot
 * promises it first, the others follow, and once a majority has, it accepts first.
 *
 * Safe however late, repeated or lost votes are, as long as an elector never forgets its own, and any two quorums have
 * an elector in common.
 */

/** What an elector's vote becomes by those of all, its own among them; the same object when it stays. */
export function nextVote(self: PeerId, votes: ReadonlyMap<PeerId, Vote>, quorum: number): Vote {
  const own = votes.get(self) ?? NO_VOTE
  let vote = own
  for (const { accepted } of votes.values())
    if (
      accepted !== undefined &&
      !isBefore(accepted.ballot, vote.promised) &&
      isBefore(vote.accepted?.ballot, accepted.ballot)
    )
      vote = { promised: accepted.ballot, accepted }
  for (const { promised } of votes.values()) if (isBefore(vote.promised, promised)) vote = { ...vote, promised }
  const { promised } = vote
  if (promised?.proposer !== self || !isBefore(vote.accepted?.ballot, promised)) return vote
  const followers = [...votes.values()].filter(other => isSame(other.promised, promised))
  // The own promise counts once it was told: `votes` holds what is durable.
  if (followers.length < quorum) return vote
  return { promised, accepted: { ballot: promised, founder: latestFounder(followers) ?? self } }
}

/** A new attempt, above all that were seen. */
export function newAttempt(self: PeerId, votes: ReadonlyMap<PeerId, Vote>): Vote {
  const rounds = [...votes.values()].map(({ promised }) => promised?.round ?? 0)
  const promised = { round: Math.max(0, ...rounds) + 1, proposer: self }
  return { ...(votes.get(self) ?? NO_VOTE), promised }
}

/** Whom a majority has accepted in one attempt; undefined while there is none. */
export function decidedFounder(votes: ReadonlyMap<PeerId, Vote>, quorum: number): PeerId | undefined {
  const counts = new Map<string, number>()
  for (const { accepted } of votes.values()) {
    if (accepted === undefined) continue
    const key = `${accepted.ballot.round} ${accepted.ballot.proposer} ${accepted.founder}`
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    if (count >= quorum) return accepted.founder
  }
  return undefined
}

/** What was accepted last before a new attempt: only that may be accepted again. */
function latestFounder(votes: readonly Vote[]): PeerId | undefined {
  let latest: Accepted | undefined
  for (const { accepted } of votes)
    if (accepted !== undefined && isBefore(latest?.ballot, accepted.ballot)) latest = accepted
  return latest?.founder
}
