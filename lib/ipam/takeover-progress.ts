import type { PeerId } from '../address/mod.ts'
import type { TakeoverEntry } from './takeover-entry.ts'
import type { TakeoverVotes } from './takeover-votes.ts'

/** How far a takeover is. */
export interface TakeoverProgress {
  readonly id: string
  readonly author: PeerId
  readonly victim: PeerId
  readonly blocks: number
  readonly isForced: boolean
  readonly isSettled: boolean
  /** Peers that agreed, and how many are needed. */
  readonly agreed: number
  readonly needed: number
  /** Who has not agreed, while it is not settled. */
  readonly waitsFor: readonly PeerId[]
}

export function progressOf({ takeover, isSettled }: TakeoverEntry, votes: TakeoverVotes): TakeoverProgress {
  const { id, author, victim, isForced, runs } = takeover
  const voters = votes.voters(takeover)
  const agreed = voters.filter(peer => votes.hasAgreed(peer, id))
  const waitsFor = isSettled ? [] : voters.filter(peer => !agreed.includes(peer))
  return {
    id,
    author,
    victim,
    blocks: runs.reduce((sum, { count }) => sum + count, 0),
    isForced,
    isSettled,
    agreed: agreed.length,
    needed: Math.floor(voters.length / 2) + 1,
    waitsFor: waitsFor.sort(),
  }
}
