import type { PeerId } from '../address/mod.ts'
import type { Graph } from './graph.ts'
import type { ShortestPaths } from './shortest-paths.ts'

/**
 * The tree by which a peer floods its frames, in preorder and without the peer itself: entry i is `peers[i]`, and the
 * `below[i]` entries behind it are the part of the tree below that peer. Children of one peer ascend by the bytes of
 * their ids.
 */
export interface BroadcastTree {
  readonly peers: readonly PeerId[]
  readonly below: readonly number[]
}

export interface TreeBranch {
  readonly peer: PeerId
  readonly children: readonly PeerId[]
}

export const NO_TREE: BroadcastTree = { peers: [], below: [] }

/** The shortest-path tree of which `paths` tells; of equal parents the lowest is taken. */
export function broadcastTree(graph: Graph, paths: ShortestPaths, from: number): BroadcastTree {
  const children = new Map<number, number[]>()
  for (const [vertex, parent] of paths.parent.entries()) {
    if (parent < 0) continue
    const held = children.get(parent)
    if (held === undefined) children.set(parent, [vertex])
    else held.push(vertex)
  }
  const peers: PeerId[] = []
  const below: number[] = []
  // A mesh may be one long line: no recursion. An entry that is left is marked by its place, below 0.
  const stack = descending(graph, children.get(from))
  for (let vertex = stack.pop(); vertex !== undefined; vertex = stack.pop()) {
    if (vertex < 0) {
      const place = -1 - vertex
      below[place] = peers.length - place - 1
      continue
    }
    stack.push(-1 - peers.length, ...descending(graph, children.get(vertex)))
    peers.push(graph.peers[vertex]!)
    below.push(0)
  }
  return { peers, below }
}

/** Who in the tree passes on to whom: each peer with children, `root` first. */
export function treeBranches(tree: BroadcastTree, root: PeerId): TreeBranch[] {
  const branches: TreeBranch[] = []
  const add = (peer: PeerId, from: number, end: number) => {
    const children: PeerId[] = []
    for (let at = from; at < end; at += 1 + tree.below[at]!) children.push(tree.peers[at]!)
    if (children.length > 0) branches.push({ peer, children })
  }
  add(root, 0, tree.peers.length)
  for (const [at, peer] of tree.peers.entries()) add(peer, at + 1, at + 1 + tree.below[at]!)
  return branches
}

function descending(graph: Graph, vertices: number[] = []): number[] {
  return vertices.sort((a, b) => compareBytes(graph.peers[b]!, graph.peers[a]!))
}

/** By the bytes that the ids stand for: in base32 the digits come behind the letters, and in text before them. */
function compareBytes(a: PeerId, b: PeerId): number {
  for (let at = 0; at < a.length; at++) {
    const [one, other] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (one !== other) return rank(one) - rank(other)
  }
  return 0
}

function rank(code: number): number {
  return code < 0x61 ? code + 0x80 : code
}
