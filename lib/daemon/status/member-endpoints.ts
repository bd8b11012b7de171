import { endpointParts, isLinkLocalIpv6, type Endpoint, type PeerId } from '../../address/mod.ts'
import type { NodeReport } from '../../node/mod.ts'

/** More than an invitation has room for beside the endpoints of its inviter. */
const MEMBER_ENDPOINTS_MAX = 16

/**
 * Where other members that are reached can be dialled, one endpoint of each, the nearest first: where this peer dialled it
 * with success, or else the first that it tells of. A link-local one means nothing to others.
 */
export function memberEndpoints({ peers, neighbours }: Pick<NodeReport, 'peers' | 'neighbours'>): Endpoint[] {
  const dialled = new Map<PeerId, Endpoint>(
    neighbours.filter(({ isOutbound }) => isOutbound).map(({ peerId, endpoint }) => [peerId, endpoint]),
  )
  const found = new Set<Endpoint>()
  for (const { peerId, info, isReachable } of peers) {
    if (found.size === MEMBER_ENDPOINTS_MAX) break
    if (!isReachable || info === undefined) continue
    const known = [dialled.get(peerId), ...info.endpoints].filter(one => one !== undefined)
    const usable = known.find(endpoint => !isLinkLocalIpv6(endpointParts(endpoint).ip))
    if (usable !== undefined) found.add(usable)
  }
  return [...found]
}
