import type { PeerId } from '../address/mod.ts'
import { equalBytes } from '../base/mod.ts'
import { ELECTION_NAMED_MAX } from './constants.ts'
import type { Electorate } from './electorate.ts'
import type { HeldStatement } from './founder-election.ts'

export interface ElectionPeer {
  readonly peerId: PeerId
  readonly nickname: string
}

/** How far the decision is, as plain data. */
export interface ElectionReport {
  /** As on the command line: `consensus=5`. */
  readonly plan: string
  readonly type: Electorate['plan']['type']
  readonly hasVote: boolean
  /** Who takes part, as far as it is known. */
  readonly electors: number
  readonly size: number
  readonly quorum: number
  /** Who was elected. */
  readonly founder: ElectionPeer | undefined
  /** Since it was elected it has not said that it founded, for FOUNDER_AWAITED_MS or more. */
  readonly isFounderMissing: boolean
  /** Peers that decide by another `--ipalloc-init`; at most ELECTION_NAMED_MAX. */
  readonly others: readonly (ElectionPeer & { readonly size: number })[]
  /** Seeds of which several go by one name. */
  readonly ambiguous: readonly ElectionPeer[]
}

export function electionReport(parts: {
  self: PeerId
  electorate: Electorate
  held: readonly HeldStatement[]
  founder: PeerId | undefined
  hasVote: boolean
  isFounderMissing: boolean
}): ElectionReport {
  const { electorate, held, founder } = parts
  const peers = held.map(({ peerId, statement }) => ({
    peerId,
    nickname: statement.nickname,
    size: statement.size,
    isAlike: equalBytes(statement.electorate, electorate.id),
  }))
  const { counted, ambiguous } = electorate.sort(peers.filter(({ isAlike }) => isAlike))
  const elected = peers.find(({ peerId }) => peerId === founder)
  return {
    plan: electorate.text,
    type: electorate.plan.type,
    hasVote: parts.hasVote,
    electors: counted.length,
    size: electorate.size,
    quorum: electorate.quorum(counted.length),
    isFounderMissing: parts.isFounderMissing,
    founder: founder === undefined ? undefined : { peerId: founder, nickname: elected?.nickname ?? '?' },
    others: peers
      .filter(({ isAlike, peerId }) => !isAlike && peerId !== parts.self)
      .slice(0, ELECTION_NAMED_MAX)
      .map(({ peerId, nickname, size }) => ({ peerId, nickname, size })),
    ambiguous: ambiguous.map(({ peerId, nickname }) => ({ peerId, nickname })),
  }
}
