import type { Endpoint, PeerId } from '../address/mod.ts'
import { Heap, assert, firstNotBelow } from '../base/mod.ts'
import { EDGES_MAX, PUBLISHED_LINKS_MAX, VERTICES_MAX } from './constants.ts'
import { Graph, type Adjacency } from './graph.ts'
import {
  LINK_CLASS_MASK,
  LINK_FLAG,
  findLink,
  linkEndpoint,
  shortIdKey,
  shortIdOf,
  type LinkClaim,
  type LinksRecord,
  type ShortId,
} from './links-record.ts'
import { classCost } from './rtt-class.ts'
import type { WorkMeter } from './shortest-paths.ts'
import { survey, type Claimant, type Survey } from './survey.ts'

/** What both ends of an edge say together, in one byte: the worse RTT class (`classCost`), and these. */
const EDGE = { classMask: LINK_CLASS_MASK, dataUp: 0x10, isSeen: 0x20 } as const
const NO_PARTNER = -1
/** In place of a share that is too small for a number. */
const TINY = Number.MIN_VALUE * PUBLISHED_LINKS_MAX
const NO_LINKS: LinksRecord = {
  count: 0,
  highs: new Uint32Array(0),
  lows: new Uint32Array(0),
  marks: new Uint8Array(0),
  endpointsAt: new Uint16Array(0),
  value: new Uint8Array(0),
}

interface Vertex extends Claimant {
  readonly shortId: ShortId
  links: LinksRecord
  partners: Int32Array
  edges: Uint8Array
  degree: number
  /** Edges whose data path is up. */
  dataDegree: number
}

/**
 * What all peers claim of their links, and which claims are mutual: those are the edges. A peer is known by a small
 * number of the caller's. Two peers that share a short id have no edges. Taking up a record costs PUBLISHED_LINKS_MAX
 * look-ups and no more, whoever wrote it.
 */
export class ClaimTable {
  readonly #vertices: (Vertex | undefined)[] = []
  /** All vertices by the order of their ids, which numbers the peers of a graph. */
  readonly #ordered: Vertex[] = []
  readonly #byShortId = new Map<number, Vertex[]>()
  #work = 0

  /** Rows looked at so far. */
  get work(): number {
    return this.#work
  }

  add(index: number, peer: PeerId): void {
    assert(this.#vertices[index] === undefined, `two peers of number ${index}`)
    const shortId = shortIdOf(peer)
    const vertex: Vertex = {
      index,
      peer,
      shortId,
      links: NO_LINKS,
      partners: new Int32Array(0),
      edges: new Uint8Array(0),
      degree: 0,
      dataDegree: 0,
    }
    for (const twin of this.#twins(shortId)) this.#unlink(twin)
    this.#vertices[index] = vertex
    this.#ordered.splice(this.#placeOf(peer), 0, vertex)
    const key = shortIdKey(shortId)
    const held = this.#byShortId.get(key)
    if (held === undefined) this.#byShortId.set(key, [vertex])
    else held.push(vertex)
  }

  remove(index: number): void {
    const vertex = this.#vertices[index]
    if (vertex === undefined) return
    this.#unlink(vertex)
    this.#vertices[index] = undefined
    this.#ordered.splice(this.#placeOf(vertex.peer), 1)
    const key = shortIdKey(vertex.shortId)
    const held = this.#byShortId.get(key)!.filter(other => other !== vertex)
    if (held.length > 0) this.#byShortId.set(key, held)
    else this.#byShortId.delete(key)
    const twins = this.#twins(vertex.shortId)
    if (twins.length === 1) this.#link(twins[0]!)
  }

  /** What the peer claims from now on; undefined: nothing. Returns whether an edge came, went or changed. */
  set(index: number, record: LinksRecord | undefined): boolean {
    const vertex = this.#vertices[index]
    assert(vertex !== undefined, `claims of an unknown peer, number ${index}`)
    const { partners, edges } = vertex
    this.#unlink(vertex, false)
    vertex.links = record ?? NO_LINKS
    vertex.partners = new Int32Array(vertex.links.count).fill(NO_PARTNER)
    vertex.edges = new Uint8Array(vertex.links.count)
    this.#link(vertex)
    return !sameEdges(partners, edges, vertex.partners, vertex.edges)
  }

  /** How many edges the peer has. */
  degree(index: number): number {
    return this.#vertices[index]?.degree ?? 0
  }

  /** How many links the peer claims. */
  claimed(index: number): number {
    return this.#vertices[index]?.links.count ?? 0
  }

  /** The links that the peer claims to peers that are known here. */
  claims(index: number): LinkClaim[] {
    const claims: LinkClaim[] = []
    const links = this.#vertices[index]?.links ?? NO_LINKS
    for (let row = 0; row < links.count; row++) {
      const neighbour = this.#named(links.highs[row]!, links.lows[row]!)
      if (neighbour === undefined) continue
      const marks = links.marks[row]!
      claims.push({
        neighbour: neighbour.peer,
        endpoint: linkEndpoint(links, row),
        isOutbound: (marks & LINK_FLAG.outbound) !== 0,
        rttClass: marks & LINK_CLASS_MASK,
        isDataUp: (marks & LINK_FLAG.dataUp) !== 0,
      })
    }
    return claims
  }

  /** Where those who share an edge with the peer see it, at most `max` endpoints. */
  seenAt(index: number, max: number): Endpoint[] {
    const found: Endpoint[] = []
    const vertex = this.#vertices[index]
    if (vertex === undefined) return found
    for (let row = 0; row < vertex.partners.length && found.length < max; row++) {
      if (vertex.partners[row]! < 0 || (vertex.edges[row]! & EDGE.isSeen) === 0) continue
      const { links } = this.#vertices[vertex.partners[row]!]!
      const endpoint = linkEndpoint(links, findLink(links, vertex.shortId.high, vertex.shortId.low))
      if (endpoint !== undefined && !found.includes(endpoint)) found.push(endpoint)
    }
    return found
  }

  /**
   * Who is how far from a peer; and, when `isShared` or when not all of them fit into a graph, which share of the
   * places each has. It pauses when the meter says so.
   */
  survey(from: number, isShared: boolean, meter: WorkMeter): Generator<undefined, Survey, undefined> {
    const claimants = { size: this.#vertices.length, at: (index: number) => this.#vertices[index] }
    return survey(claimants, from, { peersMax: VERTICES_MAX, claimsMax: EDGES_MAX, isShared }, meter)
  }

  /**
   * The part of the mesh that a peer reaches: at most VERTICES_MAX peers that claim EDGES_MAX links between them. Where
   * not all fit, those do that have the largest share for each of their claims.
   */
  graph(surveyed: Survey): Graph {
    const chosen = this.#worthiest(surveyed)
    const vertices = this.#ordered.filter(vertex => chosen.has(vertex))
    const ranks = new Int32Array(this.#vertices.length).fill(-1)
    for (const [rank, { index }] of vertices.entries()) ranks[index] = rank
    const control = this.#adjacency(vertices, ranks, 0)
    const isUniform = vertices.every(({ degree, dataDegree }) => degree === dataDegree)
    return new Graph(
      vertices.map(({ peer }) => peer),
      { control, data: isUniform ? control : this.#adjacency(vertices, ranks, EDGE.dataUp) },
    )
  }

  /** Those of a survey that fit into a graph, each of them by way of one that does. */
  #worthiest({ nearest, shares }: Survey): ReadonlySet<Vertex> {
    const worths = new Float64Array(this.#vertices.length)
    for (const [place, { index, peer, links }] of nearest.entries()) {
      // Who went since then is worth nothing.
      if (this.#vertices[index]?.peer !== peer) continue
      worths[index] =
        shares === undefined ? 1 / (1 + place) : (shares.ofLinked(peer) || TINY) / Math.max(1, links.count)
    }
    const next = new Heap<{ readonly vertex: Vertex; readonly worth: number }>((a, b) => a.worth > b.worth)
    const offer = (index: number) => {
      const worth = worths[index] ?? 0
      if (worth === 0) return
      worths[index] = 0
      next.push({ vertex: this.#vertices[index]!, worth })
    }
    if (nearest[0] !== undefined) offer(nearest[0].index)
    const chosen = new Set<Vertex>()
    let room = EDGES_MAX
    for (let best = next.pop(); best !== undefined && chosen.size < VERTICES_MAX; best = next.pop()) {
      const { vertex } = best
      if (vertex.links.count > room) continue
      room -= vertex.links.count
      chosen.add(vertex)
      for (const partner of vertex.partners) offer(partner)
    }
    this.#work += EDGES_MAX - room
    return chosen
  }

  /** The edges that have all of the marks. */
  #adjacency(vertices: readonly Vertex[], ranks: Int32Array, marks: number): Adjacency {
    const offsets = new Int32Array(vertices.length + 1)
    let room = 0
    for (const { degree } of vertices) room += degree
    const ends = new Int32Array(room)
    const costs = new Int32Array(room)
    let at = 0
    for (const [rank, { partners, edges }] of vertices.entries()) {
      for (let row = 0; row < partners.length; row++) {
        const partner = partners[row]!
        if (partner < 0 || ranks[partner]! < 0 || (edges[row]! & marks) !== marks) continue
        ends[at] = ranks[partner]!
        costs[at++] = classCost(edges[row]! & EDGE.classMask)
      }
      offsets[rank + 1] = at
    }
    return { count: vertices.length, offsets, ends: ends.subarray(0, at), costs: costs.subarray(0, at) }
  }

  /** Takes the vertex's edges from both ends. */
  #unlink(vertex: Vertex, isOwnSide = true): void {
    this.#work += vertex.partners.length
    for (let row = 0; row < vertex.partners.length; row++) {
      const other = vertex.partners[row]! < 0 ? undefined : this.#vertices[vertex.partners[row]!]
      if (other === undefined) continue
      const back = findLink(other.links, vertex.shortId.high, vertex.shortId.low)
      other.partners[back] = NO_PARTNER
      other.degree--
      if ((other.edges[back]! & EDGE.dataUp) !== 0) other.dataDegree--
      if (isOwnSide) vertex.partners[row] = NO_PARTNER
    }
    vertex.degree = 0
    vertex.dataDegree = 0
  }

  /** Finds the edges of a vertex that has none. */
  #link(vertex: Vertex): void {
    const { links } = vertex
    this.#work += links.count
    if (this.#twins(vertex.shortId).length !== 1) return
    for (let row = 0; row < links.count; row++) {
      const other = this.#named(links.highs[row]!, links.lows[row]!)
      if (other === undefined || other === vertex) continue
      const back = findLink(other.links, vertex.shortId.high, vertex.shortId.low)
      if (back < 0) continue
      const [mine, theirs] = [links.marks[row]!, other.links.marks[back]!]
      const edge =
        Math.max(mine & LINK_CLASS_MASK, theirs & LINK_CLASS_MASK) |
        ((mine & theirs & LINK_FLAG.dataUp) === 0 ? 0 : EDGE.dataUp)
      vertex.partners[row] = other.index
      vertex.edges[row] = edge | (other.links.endpointsAt[back] === 0 ? 0 : EDGE.isSeen)
      vertex.degree++
      other.partners[back] = vertex.index
      other.edges[back] = edge | (links.endpointsAt[row] === 0 ? 0 : EDGE.isSeen)
      other.degree++
      if ((edge & EDGE.dataUp) === 0) continue
      vertex.dataDegree++
      other.dataDegree++
    }
  }

  /** The only peer of that short id. */
  #named(high: number, low: number): Vertex | undefined {
    const held = this.#byShortId.get(shortIdKey({ high, low }))
    if (held === undefined) return undefined
    let found: Vertex | undefined
    for (const vertex of held) {
      if (vertex.shortId.low !== low) continue
      if (found !== undefined) return undefined
      found = vertex
    }
    return found
  }

  #twins(shortId: ShortId): Vertex[] {
    return (this.#byShortId.get(shortIdKey(shortId)) ?? []).filter(({ shortId: { low } }) => low === shortId.low)
  }

  #placeOf(peer: PeerId): number {
    return firstNotBelow(this.#ordered.length, place => this.#ordered[place]!.peer < peer)
  }
}

/** Rows without a partner do not count. */
function sameEdges(partners: Int32Array, edges: Uint8Array, others: Int32Array, otherEdges: Uint8Array): boolean {
  let at = 0
  for (let row = 0; row < partners.length; row++) {
    if (partners[row]! < 0) continue
    while (at < others.length && others[at]! < 0) at++
    if (at >= others.length || others[at] !== partners[row] || otherEdges[at] !== edges[row]) return false
    at++
  }
  while (at < others.length && others[at]! < 0) at++
  return at >= others.length
}
