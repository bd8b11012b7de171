import { peerIdBytes, type Endpoint, type PeerId } from '../address/mod.ts'
import type { EngineOp } from '../overlay/mod.ts'
import { ClaimTable, PEER_CAPABILITY, type LinkClaim, type PeerInfo } from '../topology/mod.ts'
import { SHORT_ID_BYTES } from '../wire/mod.ts'

/** This peer's own index in forwarding tables. */
export const SELF_INDEX = 0

/** What is known of another peer. */
export interface KnownPeer {
  readonly id: PeerId
  /** The small number that the lanes and the engine know it by. */
  readonly index: number
  readonly info: PeerInfo | undefined
  /** Those of its advertised endpoints that may be dialled. */
  readonly endpoints: readonly Endpoint[]
  /** What it claims, made anew each time: for showing it. */
  readonly links: readonly LinkClaim[]
  /** How many these are at most, without making them. */
  readonly linkCount: number
}

interface Entry extends KnownPeer {
  info: PeerInfo | undefined
  endpoints: readonly Endpoint[]
}

/** All peers that are known, their numbers, and what they claim of their links. */
export class KnownPeers {
  readonly claims = new ClaimTable()
  readonly #self: PeerId
  readonly #advertised: readonly Endpoint[]
  readonly #engine: (op: EngineOp) => void
  readonly #peers = new Map<PeerId, Entry>()
  readonly #byIndex = new Map<number, PeerId>()
  readonly #freeIndices: number[] = []
  #nextIndex = SELF_INDEX + 1
  #version = 0

  /** `advertised`: by this peer. */
  constructor(self: PeerId, advertised: readonly Endpoint[], engine: (op: EngineOp) => void) {
    this.#self = self
    this.#advertised = advertised
    this.#engine = engine
    this.claims.add(SELF_INDEX, self)
  }

  /** Grows whenever a number is given or given back. */
  get version(): number {
    return this.#version
  }

  /** All but this one. */
  get all(): IterableIterator<KnownPeer> {
    return this.#peers.values()
  }

  get(id: PeerId): KnownPeer | undefined {
    return this.#peers.get(id)
  }

  at(index: number): PeerId | undefined {
    return index === SELF_INDEX ? this.#self : this.#byIndex.get(index)
  }

  indexOf(id: PeerId): number | undefined {
    return id === this.#self ? SELF_INDEX : this.#peers.get(id)?.index
  }

  ensure(id: PeerId): KnownPeer {
    return this.#peers.get(id) ?? this.#add(id)
  }

  setInfo(id: PeerId, info: PeerInfo | undefined, endpoints: readonly Endpoint[]): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    const isJoining = takesJoined(info)
    if (isJoining !== takesJoined(peer.info))
      this.#engine({ op: 'set-joining', peerIndex: peer.index, isOn: isJoining })
    Object.assign(peer, { info, endpoints })
  }

  /** Its index is free from then on, and may soon be another's. */
  forget(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    this.claims.remove(peer.index)
    this.#peers.delete(id)
    this.#byIndex.delete(peer.index)
    this.#freeIndices.push(peer.index)
    this.#version++
    this.#engine({ op: 'remove-peer', peerIndex: peer.index })
  }

  #add(id: PeerId): Entry {
    const index = this.#freeIndices.pop() ?? this.#nextIndex++
    const { claims } = this
    const linksNow = (): readonly LinkClaim[] =>
      claims.claims(index).map(claim => ({
        ...claim,
        // A claim names no endpoint that the neighbour advertises itself.
        endpoint: claim.endpoint ?? this.#advertisedBy(claim.neighbour)[0],
      }))
    const peer: Entry = {
      id,
      index,
      info: undefined,
      endpoints: [],
      get links() {
        return linksNow()
      },
      get linkCount() {
        return claims.claimed(index)
      },
    }
    this.#peers.set(id, peer)
    this.#byIndex.set(index, id)
    claims.add(index, id)
    this.#version++
    this.#engine({ op: 'set-peer', peerIndex: index, shortId: peerIdBytes(id).slice(0, SHORT_ID_BYTES) })
    return peer
  }

  #advertisedBy(id: PeerId): readonly Endpoint[] {
    return id === this.#self ? this.#advertised : (this.#peers.get(id)?.info?.endpoints ?? [])
  }
}

function takesJoined(info: PeerInfo | undefined): boolean {
  return ((info?.capabilities ?? 0) & PEER_CAPABILITY.joinedDatagrams) !== 0
}
