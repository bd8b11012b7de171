import type { PeerId } from '../address/mod.ts'
import { equalBytes, toHex, type Millis } from '../base/mod.ts'
import { SALT_BYTES, meshIdOf } from '../ipam/mod.ts'
import { GOODBYE_CODE } from '../wire/mod.ts'
import type { Addresses } from './addresses.ts'
import type { NodeContext } from './context.ts'
import type { Gossip } from './gossip.ts'
import type { Membership } from './membership.ts'

/** Moves this peer into a mesh, and carries every part along: ledger, blocks, sessions, links. */
export class Joining {
  readonly #context: NodeContext
  readonly #mesh: Membership
  readonly #addresses: Addresses
  readonly #gossip: Gossip
  readonly #meshChanged: (now: Millis) => void

  constructor(
    context: NodeContext,
    parts: { mesh: Membership; addresses: Addresses; gossip: Gossip; meshChanged: (now: Millis) => void },
  ) {
    this.#context = context
    this.#mesh = parts.mesh
    this.#addresses = parts.addresses
    this.#gossip = parts.gossip
    this.#meshChanged = parts.meshChanged
  }

  /** Founds a mesh of this peer alone. `isAnew`: after one that was given up. `tell`: before links to others end. */
  found(now: Millis, isAnew = false, tell?: () => void): void {
    const { entropy, suite, identity } = this.#context.config
    const salt = entropy.bytes(SALT_BYTES)
    this.#mesh.found(meshIdOf(suite, { founder: identity.peerId, salt }))
    this.#context.ledger.setMesh(this.#mesh.meshId)
    this.#addresses.ipam.found(salt, now, isAnew)
    this.#addresses.drain(now)
    // A crash between the two must not leave a mesh whose founder owns nothing.
    this.#context.flush(now)
    this.#mesh.store()
    this.#context.log('info', 'mesh-founded', { mesh: toHex(this.#mesh.meshId) }, now)
    tell?.()
    this.#endForeignLinks('founded a mesh', now)
  }

  /** Gives up a mesh that nobody used, or none, for that of the neighbour, whom the operator calls `contact`. */
  join(meshId: Uint8Array, from: PeerId, contact: string, now: Millis): void {
    this.#enter(meshId, from, now, () => this.#mesh.join(meshId, from, contact))
  }

  /** The same for a mesh that several are in, one of whom has told of its ledger: nothing is left to be confirmed. */
  move(meshId: Uint8Array, from: PeerId, contact: string, now: Millis): void {
    this.#enter(meshId, from, now, () => this.#mesh.set(meshId, false, contact))
  }

  #enter(meshId: Uint8Array, from: PeerId, now: Millis, set: () => void): void {
    const had = this.#mesh.isMember ? 'an unused mesh' : 'none'
    this.#context.log('info', 'mesh-joined', { peer: from, had }, now)
    this.#meshChanged(now)
    set()
    // It may have known this peer before: what others hold of it is heard first.
    this.#context.ledger.setMesh(meshId, true)
    this.#endForeignLinks('joined a mesh', now, from)
  }

  /** A neighbour told of its ledger: it counts this peer to its mesh, and stays in it. */
  confirm(from: PeerId, now: Millis): void {
    if (!this.#mesh.confirm(from)) return
    for (const { peerId } of this.#context.neighbours.neighbours) this.#gossip.greet(peerId, now)
  }

  /** Links made without a mesh are made anew, so that the other sides learn of it. */
  #endForeignLinks(text: string, now: Millis, joined?: PeerId): void {
    const { neighbours } = this.#context
    for (const { peerId, hello } of neighbours.neighbours)
      if (peerId !== joined && !equalBytes(hello.meshId, this.#mesh.meshId))
        neighbours.disconnect(peerId, GOODBYE_CODE.rejoin, text, now)
  }

  /** The neighbour that this peer was about to join through went, perhaps to a mesh of its own choice. */
  giveUp(now: Millis): void {
    this.#context.log('info', 'mesh-join-given-up', { text: 'the link ended before the join was complete' }, now)
    this.#meshChanged(now)
    const isFounder = this.#mesh.giveUp()
    this.#context.ledger.setMesh(this.#mesh.meshId, true)
    if (isFounder) this.found(now, true)
  }
}
