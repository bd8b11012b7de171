import type { PeerId } from '../address/peer-id.ts'
import type { Chance } from '../base/ports.ts'
import { FULL_MESH_PEERS, NEIGHBOURS_MIN, NEIGHBOURS_SURPLUS_FACTOR } from './constants.ts'

/** Another peer that this one knows. */
export interface Candidate {
  readonly peer: PeerId
  /** Undefined while it was never measured. */
  readonly rttMs: number | undefined
  readonly isLinked: boolean
  /** How many links it is known to have, ours included. */
  readonly linkCount: number
}

/** How many links a peer wants in a mesh of `peers` (itself included). */
export function neighbourTarget(peers: number): number {
  if (peers <= FULL_MESH_PEERS) return Math.max(0, peers - 1)
  return Math.max(NEIGHBOURS_MIN, 2 * Math.ceil(Math.log2(peers)))
}

/** The number of links above which some are given up, and new ones are refused to those who have others. */
export function neighbourLimit(peers: number): number {
  return peers <= FULL_MESH_PEERS ? FULL_MESH_PEERS - 1 : NEIGHBOURS_SURPLUS_FACTOR * neighbourTarget(peers)
}

/**
 * Whom to link to now, the nearest first: everyone in a small mesh; else as many as are wanting to the target, so that
 * about half of the links go to the nearest known peers and the rest to random ones.
 */
export function chooseNeighbours(candidates: readonly Candidate[], chance: Chance): PeerId[] {
  const unlinked = candidates.filter(candidate => !candidate.isLinked)
  const target = neighbourTarget(candidates.length + 1)
  const wanted = Math.min(unlinked.length, target - (candidates.length - unlinked.length))
  if (wanted <= 0) return []
  const near = nearest(candidates, Math.ceil(target / 2)).filter(candidate => !candidate.isLinked)
  const chosen = near.slice(0, wanted)
  const others = shuffled(
    unlinked.filter(candidate => !chosen.includes(candidate)),
    chance,
  )
  return [...chosen, ...others.slice(0, wanted - chosen.length)].map(({ peer }) => peer)
}

/**
 * Which links to give up: none up to twice the target; above, random ones down to the target, but neither those of the
 * nearest peers nor those of peers that have no more links than the target themselves.
 */
export function surplusNeighbours(candidates: readonly Candidate[], chance: Chance): PeerId[] {
  const peers = candidates.length + 1
  const linked = candidates.filter(candidate => candidate.isLinked)
  if (linked.length <= neighbourLimit(peers)) return []
  const target = neighbourTarget(peers)
  const near = new Set(nearest(linked, Math.ceil(target / 2)))
  const spare = linked.filter(candidate => !near.has(candidate) && candidate.linkCount > target)
  return shuffled(spare, chance)
    .slice(0, linked.length - target)
    .map(({ peer }) => peer)
}

/** Whether a peer with `links` links may refuse one more to somebody who has `newcomerLinks`: never the first one. */
export function mayRefuse(peers: number, links: number, newcomerLinks: number): boolean {
  return newcomerLinks > 0 && links >= neighbourLimit(peers)
}

function nearest(candidates: readonly Candidate[], count: number): Candidate[] {
  return candidates
    .filter(candidate => candidate.rttMs !== undefined)
    .sort((a, b) => a.rttMs! - b.rttMs! || (a.peer < b.peer ? -1 : 1))
    .slice(0, count)
}

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1))
    const held = result[i]!
    result[i] = result[j]!
    result[j] = held
  }
  return result
}
