import { peerLabel, type PeerId } from '../../address/mod.ts'
import type { PeerRef } from '../../api/mod.ts'
import type { NodeReport } from '../../node/mod.ts'

/** Who is who in a report. An id that nothing is known of has the nickname `?`. */
export class Names {
  readonly #self: PeerId
  readonly #nicknames: ReadonlyMap<PeerId, string>

  constructor({ self, neighbours, peers, removed }: Pick<NodeReport, 'self' | 'neighbours' | 'peers' | 'removed'>) {
    this.#self = self.peerId
    this.#nicknames = new Map([
      ...removed.map(one => [one.peerId, one.nickname] as const),
      ...neighbours.map(one => [one.peerId, one.nickname] as const),
      ...peers.map(one => [one.peerId, one.nickname] as const),
      [self.peerId, self.nickname] as const,
    ])
  }

  ref(id: PeerId): PeerRef {
    return { id, nickname: this.#nicknames.get(id) ?? '?' }
  }

  refOrNull(id: PeerId | undefined): PeerRef | null {
    return id === undefined ? null : this.ref(id)
  }

  /** For a line of text: the id's short form, and the nickname in brackets. */
  short(id: PeerId): string {
    return peerLabel(id, this.ref(id).nickname)
  }

  /** The same, but `this host` for the peer whose report it is. */
  host(id: PeerId): string {
    return id === this.#self ? 'this host' : this.short(id)
  }
}
