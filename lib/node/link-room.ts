import type { PeerId } from '../address/mod.ts'
import { hasOtherWay, type Graph } from '../topology/mod.ts'

/** What is known of the links of a peer that has more of them than it may have. */
export interface LinkCrowd {
  readonly self: PeerId
  readonly graph: Graph
  readonly linked: readonly PeerId[]
  readonly wanted: ReadonlySet<PeerId>
  /** Peers that configured contacts led to. */
  readonly configured: ReadonlySet<PeerId>
  /** Links of a peer that both ends claim. */
  degreeOf(peer: PeerId): number
}

/**
 * The link that makes room for somebody else's first one: one without which nobody is cut off, not wanted rather than
 * wanted, configured last; of several that of whoever has most links. Undefined when each of them is needed.
 */
export function linkToSpare({ self, graph, linked, wanted, configured, degreeOf }: LinkCrowd): PeerId | undefined {
  const worth = (peer: PeerId) => (configured.has(peer) ? 2 : wanted.has(peer) ? 1 : 0)
  return [...linked]
    .sort((a, b) => worth(a) - worth(b) || degreeOf(b) - degreeOf(a) || (a < b ? -1 : 1))
    .find(peer => hasOtherWay(graph, self, peer))
}
