import type { PeerId } from '../../lib/address/mod.ts'
import { classCost, type Layer } from '../../lib/topology/mod.ts'
import type { PeerLinks } from './graphs.ts'

export interface Way {
  readonly cost: number
  readonly hops: number
  /** Every first hop that some cheapest way has. */
  readonly firstHops: readonly PeerId[]
}

/** The slow model: edges as a list, distances by relaxing until nothing changes. */
export class NaiveGraph {
  readonly peers: PeerId[]
  readonly edges = new Map<PeerId, Map<PeerId, number>>()

  constructor(claims: readonly PeerLinks[], layer: Layer) {
    this.peers = claims.map(({ peer }) => peer).sort()
    for (const { peer } of claims) this.edges.set(peer, new Map())
    for (const { peer, links } of claims) {
      for (const link of links) {
        const back = claims.find(other => other.peer === link.neighbour)?.links.find(other => other.neighbour === peer)
        if (!back || link.neighbour === peer) continue
        if (layer === 'data' && !(link.isDataUp && back.isDataUp)) continue
        this.edges.get(peer)!.set(link.neighbour, classCost(Math.max(link.rttClass, back.rttClass)))
      }
    }
  }

  /** Cheapest cost and hops from `source` to all that can be reached. */
  distances(source: PeerId): Map<PeerId, [number, number]> {
    const found = new Map<PeerId, [number, number]>([[source, [0, 0]]])
    for (let changed = true; changed;) {
      changed = false
      for (const [from, [cost, hops]] of [...found]) {
        for (const [to, edge] of this.edges.get(from)!) {
          const held = found.get(to)
          const next: [number, number] = [cost + edge, hops + 1]
          if (held && (held[0] < next[0] || (held[0] === next[0] && held[1] <= next[1]))) continue
          found.set(to, next)
          changed = true
        }
      }
    }
    return found
  }

  ways(source: PeerId): Map<PeerId, Way> {
    const onward = new Map([...this.edges.get(source)!.keys()].map(hop => [hop, this.distances(hop)]))
    const result = new Map<PeerId, Way>()
    for (const [to, [cost, hops]] of this.distances(source)) {
      if (to === source) continue
      const firstHops = [...onward]
        .filter(([hop, rest]) => {
          const [restCost, restHops] = rest.get(to) ?? [Infinity, 0]
          return this.edges.get(source)!.get(hop)! + restCost === cost && restHops + 1 === hops
        })
        .map(([hop]) => hop)
        .sort()
      result.set(to, { cost, hops, firstHops })
    }
    return result
  }
}
