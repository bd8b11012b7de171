import type { PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import {
  ACCEPTED_FACTOR,
  FULL_MESH_AGAIN_PEERS,
  FULL_MESH_PEERS,
  NEAR_COST_SHARE,
  NEAR_INTERVAL_MS,
  NEAR_MAX,
  PASSED_OVER_MAX,
  RANKED_MIN,
  WANTED_MIN,
} from './constants.ts'

/** What a choice is made of. */
export interface Neighbourhood {
  /** The other peers that can be reached, neighbours included. The same object while they are the same. */
  readonly others: ReadonlySet<PeerId>
  /** How many peers the mesh is said to have, this one included; 0 when nobody said so. */
  readonly peersSaid: number
  /** Peers that configured contacts led to. */
  readonly configured: ReadonlySet<PeerId>
  /** Dialled without success, and no neighbour. */
  isFailing(peer: PeerId): boolean
  /** Of the route there; undefined where there is none. */
  costOf(peer: PeerId): number | undefined
}

export interface Choice {
  /** Whom this peer links to, whoever of the two dialled. */
  readonly wanted: ReadonlySet<PeerId>
  /** Of those the few that connect the mesh; the others can wait. */
  readonly urgent: ReadonlySet<PeerId>
  /** Passed over, and dialled all the same. */
  readonly passedOver: ReadonlySet<PeerId>
}

const RANKS = 2 ** 32

/**
 * How many links a peer of a large mesh wants, `peers` counting itself. About as many others want one with it, so that it
 * has twice as many.
 */
export function wantedCount(peers: number): number {
  return Math.max(WANTED_MIN, Math.ceil(Math.log2(Math.max(1, peers)) / 2) + 2)
}

/**
 * Whom to link to. In a mesh of up to FULL_MESH_PEERS everyone wants everyone. In a larger one each peer wants some:
 * those that it was told to dial, as far as not all do who may have been told the same; the nearest; and those that
 * rank highest. The rank of a pair is a fixed pseudo-random number (rendezvous hashing), so that what is chosen hardly
 * changes when peers come and go, and the links of all make a random graph, which is connected.
 */
export class NeighbourChoice {
  readonly #self: PeerId
  #isSparse = false
  #ranked: { readonly others: ReadonlySet<PeerId>; readonly order: readonly PeerId[] } | undefined
  #near: PeerId[] = []
  #nearAt: Millis = -Infinity

  constructor(self: PeerId) {
    this.#self = self
  }

  get isSparse(): boolean {
    return this.#isSparse
  }

  choose(around: Neighbourhood, now: Millis): Choice {
    const { others, configured } = around
    const peers = Math.max(others.size + 1, around.peersSaid)
    if (peers > FULL_MESH_PEERS) this.#isSparse = true
    else if (peers <= FULL_MESH_AGAIN_PEERS) this.#isSparse = false
    if (!this.#isSparse)
      return { wanted: others, urgent: new Set(this.#order(others).slice(0, WANTED_MIN)), passedOver: new Set() }
    const isOpen = (peer: PeerId) => others.has(peer) && !around.isFailing(peer)
    const wanted = new Set([...configured].filter(peer => others.has(peer) && this.#keeps(peer, peers)))
    // A contact is the only one that a newcomer knows the way to, and so would be everybody's nearest.
    const isNear = (peer: PeerId) => isOpen(peer) && !configured.has(peer)
    for (const peer of this.#chooseNear(around, wanted, isNear, now)) wanted.add(peer)
    const passedOver = new Set<PeerId>()
    const count = Math.max(wantedCount(peers), wanted.size + RANKED_MIN)
    for (const peer of this.#order(others)) {
      if (wanted.size >= count) break
      if (wanted.has(peer)) continue
      if (!around.isFailing(peer)) wanted.add(peer)
      else if (passedOver.size < PASSED_OVER_MAX) passedOver.add(peer)
    }
    return { wanted, urgent: new Set([...wanted].slice(0, WANTED_MIN)), passedOver }
  }

  /** Whether a peer with `links` links may refuse one more to somebody who has `newcomerLinks`: never the first one. */
  mayRefuse(peers: number, links: number, newcomerLinks: number): boolean {
    return this.#isSparse && newcomerLinks > 0 && links >= ACCEPTED_FACTOR * wantedCount(peers)
  }

  /** Were everybody told the same contact, it would have a link to each: about as many as a peer wants are enough. */
  #keeps(contact: PeerId, peers: number): boolean {
    return pairRank(contact, this.#self) / RANKS < wantedCount(peers) / peers
  }

  #order(others: ReadonlySet<PeerId>): readonly PeerId[] {
    if (this.#ranked?.others !== others) {
      const ranks = [...others].map(peer => ({ peer, rank: pairRank(this.#self, peer) }))
      ranks.sort((a, b) => b.rank - a.rank || (a.peer < b.peer ? -1 : 1))
      this.#ranked = { others, order: ranks.map(({ peer }) => peer) }
    }
    return this.#ranked.order
  }

  /** The nearest stay until another is much nearer, for what is measured wavers. */
  #chooseNear(
    around: Neighbourhood,
    wanted: ReadonlySet<PeerId>,
    isOpen: (peer: PeerId) => boolean,
    now: Millis,
  ): readonly PeerId[] {
    this.#near = this.#near.filter(peer => isOpen(peer) && !wanted.has(peer))
    const isDue = now >= this.#nearAt + NEAR_INTERVAL_MS
    if (!isDue && this.#near.length >= NEAR_MAX) return this.#near
    if (isDue) this.#nearAt = now
    const costOf = (peer: PeerId) => around.costOf(peer) ?? Infinity
    const rest = this.#order(around.others)
      .filter(peer => isOpen(peer) && !wanted.has(peer) && !this.#near.includes(peer) && costOf(peer) < Infinity)
      // Of equally near ones those that rank high: they are wanted anyhow, or will be.
      .sort((a, b) => costOf(a) - costOf(b))
    while (this.#near.length < NEAR_MAX && rest.length > 0) this.#near.push(rest.shift()!)
    if (!isDue) return this.#near
    this.#near.sort((a, b) => costOf(b) - costOf(a))
    for (const [at, peer] of this.#near.entries()) {
      if (rest[0] === undefined || costOf(rest[0]) > costOf(peer) * NEAR_COST_SHARE) break
      this.#near[at] = rest.shift()!
    }
    return this.#near
  }
}

/** A number below RANKS that anybody can compute, and that differs from the rank of the pair the other way round. */
export function pairRank(self: PeerId, peer: PeerId): number {
  return mixed(hashOf(peer, hashOf(self, 0x811c_9dc5)))
}

function hashOf(id: PeerId, seed: number): number {
  let hash = seed
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x0100_0193)
  return hash
}

/** The last steps of MurmurHash3, so that every bit of the hash tells. */
function mixed(hash: number): number {
  let value = hash ^ (hash >>> 16)
  value = Math.imul(value, 0x85eb_ca6b)
  value ^= value >>> 13
  value = Math.imul(value, 0xc2b2_ae35)
  return (value ^ (value >>> 16)) >>> 0
}
