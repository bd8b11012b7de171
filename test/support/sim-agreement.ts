import type { PeerId } from '../../lib/address/mod.ts'
import { toHex } from '../../lib/base/mod.ts'
import type { Node } from '../../lib/node/mod.ts'
import type { SimHost } from './sim-host.ts'

interface GraphSums {
  readonly version: number
  readonly reach: string
  readonly control: string
  readonly data: string
}

/**
 * Whether peers see one mesh. Compared are sums in which order does not count: it is looked often, of hundreds of peers,
 * each with hundreds of records. The cheapest parts come first.
 */
export class SimAgreement {
  readonly #names = new Map<PeerId, number>()
  readonly #graphs = new WeakMap<Node, GraphSums>()
  readonly #parts: readonly (readonly [string, (node: Node) => string])[] = [
    ['mesh', node => toHex(node.meshId ?? new Uint8Array(0))],
    // Over the signatures of all records.
    ['ledger', node => toHex(node.ledger.rootSync().sums[0]?.sum ?? new Uint8Array(0))],
    ['reach', node => this.#graph(node).reach],
    ['control', node => this.#graph(node).control],
    ['data', node => this.#graph(node).data],
    ['registers', node => this.#registers(node)],
  ]

  /** What the peers of each group do not agree on, at most so much of it; empty when they agree on everything. */
  disagreements(groups: readonly (readonly SimHost[])[], most = Infinity): string[] {
    const found: string[] = []
    for (const group of groups) this.#reach(group, most, found)
    for (const [part, sumOf] of this.#parts)
      for (const group of groups) {
        if (found.length >= most) return found
        const first = group[0]!
        const sum = sumOf(first.node)
        for (const host of group) {
          if (found.length >= most) return found
          if (sumOf(host.node) !== sum) found.push(`${host.name} and ${first.name} differ in ${part}`)
        }
      }
    return found
  }

  /**
   * What these, who all reach each other, see of the mesh: how many peers there are, and all else in a text that is the same for
   * whoever sees the same. Undefined when they do not agree.
   */
  common(hosts: readonly SimHost[]): { readonly peers: number; readonly text: string } | undefined {
    const { reachable } = hosts[0]!.node.view
    const isWhole = ({ node, identity }: SimHost) =>
      reachable.has(identity.peerId) && node.view.reachable.size === reachable.size
    if (!hosts.every(isWhole)) return undefined
    const texts: string[] = []
    for (const [, sumOf] of this.#parts) {
      const sum = sumOf(hosts[0]!.node)
      if (!hosts.every(({ node }) => sumOf(node) === sum)) return undefined
      texts.push(sum)
    }
    return { peers: reachable.size, text: texts.join(' ') }
  }

  /** Each must reach the living of its group, and nobody else. */
  #reach(group: readonly SimHost[], most: number, found: string[]): void {
    const members = new Set(group.map(host => host.identity.peerId))
    for (const host of group) {
      if (found.length >= most) return
      const { reachable } = host.node.view
      const others = [...members].filter(member => !reachable.has(member)).length
      if (others > 0 || reachable.size !== members.size)
        found.push(`${host.name} reaches ${reachable.size}, and lacks ${others} of ${members.size}`)
    }
  }

  /** A view that was not made anew is what it was. */
  #graph(node: Node): GraphSums {
    const { graph, reachable, version } = node.view
    const known = this.#graphs.get(node)
    if (known?.version === version) return known
    const edges = (layer: 'control' | 'data') => {
      const sum = new Sum()
      for (const [index, peer] of graph.peers.entries()) {
        sum.add(this.#name(peer))
        for (const other of graph.neighbourIndices(layer, index))
          sum.add(fold(this.#name(peer), this.#name(graph.peers[other]!)))
      }
      return sum.text
    }
    const reach = new Sum()
    for (const peer of reachable) reach.add(this.#name(peer))
    const sums = { version, reach: reach.text, control: edges('control'), data: edges('data') }
    this.#graphs.set(node, sums)
    return sums
  }

  #registers(node: Node): string {
    const { ipam } = node.addresses
    if (!ipam.isReady) return 'waiting'
    const sum = new Sum()
    const { blockCount, ownerOf } = ipam.ownership()
    for (let block = 0; block < blockCount; block++) {
      const owner = ownerOf(block)
      sum.add(fold(block, owner === undefined ? 0 : this.#name(owner)))
    }
    return sum.text
  }

  #name(peer: PeerId): number {
    let name = this.#names.get(peer)
    if (name === undefined) {
      name = foldBytes(0, Buffer.from(peer))
      this.#names.set(peer, name)
    }
    return name
  }
}

/** A sum of hashes, twice mixed, so that equal sums of different things are as good as impossible. */
class Sum {
  #one = 0
  #other = 0
  #count = 0

  get text(): string {
    return `${this.#count}/${this.#one}/${this.#other}`
  }

  add(hash: number): void {
    this.#count++
    this.#one = (this.#one + fold(hash, 0x9e37_79b9)) | 0
    this.#other = (this.#other + fold(hash, 0x85eb_ca6b)) | 0
  }
}

function fold(sum: number, value: number): number {
  let mixed = Math.imul(sum ^ value, 0x9e37_79b1)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed + sum, 0x85eb_ca77)
  return mixed ^ (mixed >>> 13)
}

function foldBytes(sum: number, bytes: Uint8Array): number {
  let folded = fold(sum, bytes.length)
  for (let at = 0; at < bytes.length; at++) folded = fold(folded, bytes[at]!)
  return folded
}
