import type { PeerId } from '../../../lib/address/mod.ts'
import type { Millis } from '../../../lib/base/mod.ts'
import { Beat, isDrop, utf8 } from '../../../lib/base/mod.ts'
import { Ledger, type LedgerLimits } from '../../../lib/ledger/mod.ts'
import type { NodeContext } from '../../../lib/node/context.ts'
import { Gossip } from '../../../lib/node/gossip.ts'
import type { PartMessage } from '../../../lib/node/part.ts'
import { RECORD_KIND, decodeLinkMessage } from '../../../lib/wire/mod.ts'
import { fakeIdentity, fakeSuite } from '../../support/fake-suite.ts'
import { seededChance } from '../../support/seeded-chance.ts'

export const MESH = new Uint8Array(16).fill(6)
const DELAY_MS = 5

interface Letter {
  readonly at: Millis
  readonly from: GossipPeer
  readonly to: GossipPeer
  readonly bytes: Uint8Array
}

/** A ledger and its gossip, without the rest of a node. */
export class GossipPeer {
  readonly name: string
  readonly peerId: PeerId
  readonly ledger: Ledger
  readonly gossip: Gossip
  readonly drops = new Map<string, number>()
  readonly links = new Set<GossipPeer>()
  readonly forgers: PeerId[] = []

  constructor(world: GossipWorld, name: string, limits: Partial<LedgerLimits>) {
    this.name = name
    const identity = fakeIdentity(name)
    const chance = seededChance(name.length + world.peers.length * 7 + 1)
    this.peerId = identity.peerId
    this.ledger = new Ledger({ suite: fakeSuite, identity, meshId: MESH, chance, limits })
    const context = {
      config: { identity, chance, beat: new Beat(() => 0) },
      ledger: this.ledger,
      isShared: () => true,
      neighbours: { send: (to: PeerId, bytes: Uint8Array) => world.send(this, to, bytes) },
      drop: (reason: string) => this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1),
    } as unknown as NodeContext
    const links = { shun: (peer: PeerId) => void this.forgers.push(peer) }
    this.gossip = new Gossip(context, () => ({ links, past: { handleTold: () => undefined } }), 0)
    // As every peer does, it introduces itself first.
    this.ledger.put(RECORD_KIND.peer, new Uint8Array(0), utf8(name))
  }

  put(key: string, value: string, now: Millis): void {
    this.ledger.put(9, utf8(key), utf8(value))
    this.gossip.flush(now)
  }

  get(of: GossipPeer, key: string): string | undefined {
    const record = this.ledger.get(of.peerId, 9, utf8(key))
    return record && new TextDecoder().decode(record.value)
  }
}

/** Peers with gossip over links that lose nothing, on virtual time; counts what crosses. */
export class GossipWorld {
  readonly peers: GossipPeer[] = []
  readonly sent = new Map<PartMessage['type'], { messages: number; bytes: number }>()
  now: Millis = 0
  #mail: Letter[] = []

  add(name: string, limits: Partial<LedgerLimits> = {}): GossipPeer {
    const peer = new GossipPeer(this, name, limits)
    this.peers.push(peer)
    return peer
  }

  link(a: GossipPeer, b: GossipPeer): void {
    a.links.add(b)
    b.links.add(a)
    a.gossip.handleNeighbourUp({ peerId: b.peerId, isBehind: false }, this.now)
    b.gossip.handleNeighbourUp({ peerId: a.peerId, isBehind: false }, this.now)
    a.gossip.greet(b.peerId, this.now)
  }

  unlink(a: GossipPeer, b: GossipPeer): void {
    a.links.delete(b)
    b.links.delete(a)
    this.#mail = this.#mail.filter(({ from, to }) => !(from === a && to === b) && !(from === b && to === a))
    a.gossip.handleNeighbourDown(b.peerId, this.now)
    b.gossip.handleNeighbourDown(a.peerId, this.now)
  }

  send(from: GossipPeer, to: PeerId, bytes: Uint8Array): boolean {
    const peer = [...from.links].find(({ peerId }) => peerId === to)
    if (peer === undefined) return false
    const message = decodeLinkMessage(bytes)
    if (isDrop(message)) throw new Error(message.reason)
    const count = this.sent.get(message.type as PartMessage['type']) ?? { messages: 0, bytes: 0 }
    this.sent.set(message.type as PartMessage['type'], {
      messages: count.messages + 1,
      bytes: count.bytes + bytes.length,
    })
    this.#mail.push({ at: this.now + DELAY_MS, from, to: peer, bytes })
    return true
  }

  /** Messages and bytes of a type since the last call. */
  take(type: PartMessage['type']): { messages: number; bytes: number } {
    const count = this.sent.get(type) ?? { messages: 0, bytes: 0 }
    this.sent.delete(type)
    return count
  }

  run(forMs: number): void {
    const end = this.now + forMs
    for (;;) {
      const due = Math.min(
        ...this.#mail.map(({ at }) => at),
        ...this.peers.map(({ gossip }) => gossip.pollTimeout()?.at ?? Infinity),
      )
      if (due > end) break
      this.now = Math.max(this.now, due)
      for (const peer of this.peers) peer.gossip.handleTimeout(this.now)
      const arrived = this.#mail.filter(({ at }) => at <= this.now)
      this.#mail = this.#mail.filter(({ at }) => at > this.now)
      for (const { from, to, bytes } of arrived) this.deliver(from, to, bytes)
    }
    this.now = end
  }

  deliver(from: GossipPeer, to: GossipPeer, bytes: Uint8Array): void {
    const message = decodeLinkMessage(bytes)
    if (isDrop(message)) throw new Error(message.reason)
    to.gossip.handleMessage(from.peerId, message as PartMessage, this.now)
    to.gossip.flush(this.now)
  }

  /** True when all hold the same. */
  get agree(): boolean {
    const sums = this.peers.map(({ ledger }) =>
      ledger
        .rootSync()
        .sums.map(({ sum }) => sum.join())
        .join(),
    )
    return new Set(sums).size === 1
  }
}
