import { endpointOf, type EndpointParts } from '../../lib/address/mod.ts'
import { VIA_LINK } from '../../lib/overlay/packet-engine.ts'
import {
  DATAGRAM_HEADER_BYTES,
  DATAGRAM_TAG_BYTES,
  OVERHEAD_RELAY_BYTES,
  SHORT_ID_BYTES,
} from '../../lib/wire/datagram.ts'
import type { MemoryOrigin } from './memory-origins.ts'
import type { MemorySession } from './memory-session.ts'

/** What the in-memory engine keeps of a peer. */
export interface MemoryPeer {
  readonly key: string
  readonly shortId: Uint8Array
  session: MemorySession | undefined
  endpoint: EndpointParts | undefined
  pathBytes: number
  via: number
  spare: number
  /** Undefined while its start number is not known. */
  origin: MemoryOrigin | undefined
}

/** Until something is known of the path: what fits IPv6's smallest MTU. */
const PATH_BYTES_DEFAULT = 1232

/** A peer of which nothing is known yet but its name. */
export const FRESH = {
  session: undefined,
  endpoint: undefined,
  pathBytes: PATH_BYTES_DEFAULT,
  via: -1,
  spare: -1,
  origin: undefined,
} as const

/** The peer to which a datagram for `peer` leaves this host; undefined when its relay is unknown or needs one itself. */
export function nextHop(peers: ReadonlyMap<number, MemoryPeer>, peer: MemoryPeer): MemoryPeer | undefined {
  if (peer.via < 0) return peer
  const next = peers.get(peer.via)
  return next === undefined || next.via >= 0 ? undefined : next
}

/** The peer to which a relay passes on what came from `sender`: never back. Or why it is dropped. */
export function onwardHop(
  peers: ReadonlyMap<number, MemoryPeer>,
  peer: MemoryPeer,
  sender: MemoryPeer | undefined,
): MemoryPeer | 'relay-back' | 'no-path' {
  // The sender may be reached by a relay itself by now: that is how its way has gone.
  const first = peer.via < 0 ? peer : peers.get(peer.via)
  const next = first !== undefined && first === sender ? peers.get(peer.spare) : first
  if (first !== undefined && first === sender && (next === undefined || next === sender)) return 'relay-back'
  return next === undefined || next.via >= 0 || !hasWay(next) ? 'no-path' : next
}

/** Whether datagrams reach it without a relay. */
export function hasWay(peer: MemoryPeer): boolean {
  return peer.via === VIA_LINK || peer.endpoint !== undefined
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function keyOf(shortId: Uint8Array): string {
  return String.fromCharCode(...shortId.subarray(0, SHORT_ID_BYTES))
}

export function isAt(endpoint: EndpointParts | undefined, from: EndpointParts): boolean {
  if (endpoint === undefined || endpoint.port !== from.port) return false
  return endpoint.ip === from.ip || endpointOf(endpoint.ip, endpoint.port) === endpointOf(from.ip, from.port)
}

/** The largest plaintext for the peer, end to end. */
export function pieceBytes(peer: MemoryPeer, peers: ReadonlyMap<number, MemoryPeer>): number {
  const hop = nextHop(peers, peer)
  const isRelayed = hop !== undefined && hop !== peer
  const most = isRelayed ? Math.min(peer.pathBytes, hop.pathBytes - OVERHEAD_RELAY_BYTES) : peer.pathBytes
  return most - DATAGRAM_HEADER_BYTES - DATAGRAM_TAG_BYTES
}

export function isTooBig(peer: MemoryPeer, peers: ReadonlyMap<number, MemoryPeer>, plaintext: Uint8Array): boolean {
  return plaintext.length > pieceBytes(peer, peers)
}
