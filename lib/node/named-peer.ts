import { peerLabel, type PeerId } from '../address/mod.ts'
import type { NodeContext } from './context.ts'

/** A peer in a line of text; see `peerLabel`. */
export function namedPeer({ view }: Pick<NodeContext, 'view'>, peer: PeerId): string {
  return peerLabel(peer, view.nicknameOf(peer))
}

/** The same, but `this host` for this peer. */
export function namedHost(context: Pick<NodeContext, 'view' | 'config'>, peer: PeerId): string {
  return peer === context.config.identity.peerId ? 'this host' : namedPeer(context, peer)
}
