import type { GraphShown, PathShown } from './answers.ts'
import { calledBy, compareNames, countOf, leastMsOf, rttClassText, rttText } from './words.ts'

/** How data goes: `link` is a control link between others, whose data this host does not see. */
export type EdgeKind = 'direct' | 'relayed' | 'tcp' | 'none' | 'link'
/** How far the ends are from each other, by the round trip. */
export type Nearness = 'near' | 'middling' | 'far' | 'unknown'

export interface Edge {
  readonly from: string
  readonly to: string
  readonly kind: EdgeKind
  readonly nearness: Nearness
  /** The round trip, for people. */
  readonly rtt: string
}

export interface Vertex {
  readonly id: string
  readonly name: string
  readonly isSelf: boolean
  readonly isReachable: boolean
}

export interface MeshPicture {
  readonly vertices: readonly Vertex[]
  readonly edges: readonly Edge[]
  /** What is not in it; empty: all that is known is. */
  readonly leftOut: string
}

/** A line of the table of hosts. */
export interface HostRow {
  readonly id: string
  readonly name: string
  readonly isSelf: boolean
  readonly isReachable: boolean
  readonly way: string
  readonly rtt: string
  readonly containers: number
  readonly why: string
}

const NEAR_MS = 8
const MIDDLING_MS = 64
const OWN_WAY_KINDS: readonly EdgeKind[] = ['direct', 'relayed', 'tcp', 'none']
const WAYS: Readonly<Record<string, string>> = {
  direct: 'direct',
  tcp: 'over TCP',
  none: 'nothing gets through',
  idle: 'idle',
}

/** What is drawn: own paths by their kind, and the links between others that no path of ours lies on. */
export function pictureOf({ peers, edges, paths, leftOut }: GraphShown): MeshPicture {
  const known = new Set(peers.map(({ id }) => id))
  const reached = new Set(peers.filter(({ isReachable }) => isReachable).map(({ id }) => id))
  const self = peers.find(({ isSelf }) => isSelf)?.id
  const drawn = new Map<string, Edge>()
  if (self !== undefined)
    for (const path of paths)
      if (reached.has(path.to)) {
        const edge = pathEdge(self, path)
        if (edge !== undefined && known.has(edge.from)) drawn.set(keyOf(edge.from, edge.to), edge)
      }
  for (const { from, to, rttClass } of edges) {
    if (!known.has(from) || !known.has(to) || from === to || drawn.has(keyOf(from, to))) continue
    const ms = rttClass === null ? null : leastMsOf(rttClass)
    drawn.set(keyOf(from, to), { from, to, kind: 'link', nearness: nearnessOf(ms), rtt: rttClassText(rttClass) })
  }
  return {
    vertices: peers.map(({ id, nickname, isSelf, isReachable }) => ({
      id,
      name: calledBy({ id, nickname }),
      isSelf,
      isReachable,
    })),
    edges: [...drawn.values()],
    leftOut: leftOutText(leftOut),
  }
}

/** The class of an edge: all of one class are one line of many pieces. */
export function edgeClass({ kind, nearness }: Edge): string {
  return `edge ${kind} ${nearness}`
}

/** All hosts: this one, then those that are not reached, then the others by name. */
export function hostRows({ peers, paths }: GraphShown): HostRow[] {
  const byId = new Map(paths.map(path => [path.to, path]))
  const names = new Map(peers.map(peer => [peer.id, calledBy(peer)]))
  return peers
    .map(({ id, isSelf, isReachable, containers }) => {
      const path = isReachable ? byId.get(id) : undefined
      return {
        id,
        name: names.get(id)!,
        isSelf,
        isReachable,
        way: isSelf ? 'this host' : isReachable ? wayOf(path, names) : 'not reached',
        rtt: rttText(path?.rttMs ?? null),
        containers,
        why: path?.why ?? '',
      }
    })
    .sort((a, b) => rank(a) - rank(b) || compareNames(a.name, b.name) || (a.id < b.id ? -1 : 1))
}

function leftOutText({ peers, edges }: GraphShown['leftOut']): string {
  const parts = [peers === 0 ? '' : countOf(peers, 'host'), edges === 0 ? '' : countOf(edges, 'link')]
  const said = parts.filter(part => part !== '').join(' and ')
  return said === '' ? '' : `${said} more, farther away, are known and not drawn.`
}

function rank({ isSelf, isReachable }: HostRow): number {
  return isSelf ? 0 : isReachable ? 2 : 1
}

function wayOf(path: PathShown | undefined, names: ReadonlyMap<string, string>): string {
  if (path === undefined) return WAYS['idle']!
  if (path.kind === 'relayed' && path.via !== null) return `through ${names.get(path.via) ?? path.via}`
  return WAYS[path.kind] ?? path.kind
}

/** Of a path through a relay the last piece is drawn: the way to the relay has a path of its own. */
function pathEdge(self: string, { to, kind, via, rttMs }: PathShown): Edge | undefined {
  const known = OWN_WAY_KINDS.find(one => one === kind)
  if (to === self || known === undefined) return undefined
  const from = known === 'relayed' && via !== null ? via : self
  return { from, to, kind: known, nearness: nearnessOf(rttMs), rtt: rttText(rttMs) }
}

function nearnessOf(ms: number | null): Nearness {
  if (ms === null) return 'unknown'
  return ms < NEAR_MS ? 'near' : ms < MIDDLING_MS ? 'middling' : 'far'
}

function keyOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
