import { peerIdFromBytes, type PeerId } from '../../lib/address/mod.ts'
import { assert, isDrop, type Chance } from '../../lib/base/mod.ts'
import {
  ClaimTable,
  decodeLinks,
  encodeLinks,
  meshRoutes,
  type Graph,
  type LinkClaim,
  type LinksRecord,
  type MeshRoutes,
  type Routes,
  type Survey,
} from '../../lib/topology/mod.ts'

/** What one peer claims. */
export interface PeerLinks {
  readonly peer: PeerId
  readonly links: readonly LinkClaim[]
}

const numbered = new Map<number, PeerId>()

export function peerNumber(number: number): PeerId {
  const known = numbered.get(number)
  if (known !== undefined) return known
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setUint32(0, Math.imul(number + 1, 0x9e37_79b1) >>> 0)
  new DataView(bytes.buffer).setUint32(4, number)
  const peer = peerIdFromBytes(bytes)
  numbered.set(number, peer)
  return peer
}

export function claim(neighbour: PeerId, rttClass = 0, isDataUp = true): LinkClaim {
  return { neighbour, endpoint: undefined, isOutbound: false, rttClass, isDataUp }
}

/** Links between numbered peers that both ends claim: [a, b, rtt class, data path up]. */
export type Edge = readonly [number, number, number?, boolean?]

export function claimsOf(count: number, edges: readonly Edge[]): PeerLinks[] {
  const links = Array.from({ length: count }, () => new Map<PeerId, LinkClaim>())
  for (const [a, b, rtt = 0, isDataUp = true] of edges) {
    if (a === b) continue
    links[a]!.set(peerNumber(b), claim(peerNumber(b), rtt, isDataUp))
    links[b]!.set(peerNumber(a), claim(peerNumber(a), rtt, isDataUp))
  }
  return links.map((map, number) => ({ peer: peerNumber(number), links: [...map.values()] }))
}

/** A random mesh in which each peer has begun about `degree / 2` links; some ends claim worse times, or do not claim. */
export function randomClaims(count: number, degree: number, chance: Chance, lossShare = 0): PeerLinks[] {
  const edges: Edge[] = []
  for (let a = 0; a < count; a++) {
    for (let i = 0; i < degree / 2; i++) {
      edges.push([a, Math.floor(chance() * count), Math.floor(chance() * 6), chance() >= lossShare])
    }
  }
  return claimsOf(count, edges).map(({ peer, links }) => ({
    peer,
    links: links
      .filter(() => chance() >= lossShare)
      .map(link => (chance() < lossShare ? { ...link, rttClass: 7, isDataUp: false } : link)),
  }))
}

export function recordOf(links: readonly LinkClaim[]): LinksRecord {
  const record = decodeLinks(encodeLinks(links))
  assert(!isDrop(record), 'what was encoded reads back')
  return record
}

/** All claims in a table, where the number of a peer is its place in the list. */
export function tableOf(claims: readonly PeerLinks[]): ClaimTable {
  const table = new ClaimTable()
  for (const [index, { peer }] of claims.entries()) table.add(index, peer)
  for (const [index, { links }] of claims.entries()) table.set(index, recordOf(links))
  return table
}

/** The mesh as a peer sees it. */
export function graphOf(claims: readonly PeerLinks[], self: PeerId): Graph {
  const from = claims.findIndex(({ peer }) => peer === self)
  return graphIn(tableOf(claims), from)
}

/** The graph of the peer of that number. */
export function graphIn(table: ClaimTable, from: number): Graph {
  return table.graph(surveyIn(table, from, false))
}

/** A survey, worked out with a pause after every so much work; `paused` is called in each. */
export function surveyIn(
  table: ClaimTable,
  from: number,
  isShared: boolean,
  workMax = Infinity,
  paused: () => void = () => undefined,
): Survey {
  const meter = { work: 0, pauseAt: workMax }
  const job = table.survey(from, isShared, meter)
  for (;;) {
    const step = job.next()
    if (step.done === true) return step.value
    paused()
    meter.pauseAt = meter.work + workMax
  }
}

/** Routes and trees, worked out with a pause after every so much work. */
export function routesIn(graph: Graph, self: PeerId, previous: Routes = new Map(), workMax = Infinity): MeshRoutes {
  const meter = { work: 0, pauseAt: workMax }
  const job = meshRoutes(graph, self, previous, meter)
  for (;;) {
    const step = job.next()
    if (step.done === true) return step.value
    meter.pauseAt = meter.work + workMax
  }
}
