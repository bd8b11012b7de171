import type { PeerId } from '../../address/mod.ts'
import type { PathView, PeerView, TargetView } from '../../api/mod.ts'
import { counted, type Millis } from '../../base/mod.ts'
import type { Contact, NodeReport } from '../../node/mod.ts'
import { SHOWN_PEERS_MAX } from '../constants.ts'
import { retryInSeconds } from './connections.ts'
import type { Names } from './names.ts'

/** This peer with the links that it has; then all others by id, with those that they tell of while they are reached. */
export function peerViews(report: NodeReport, names: Names, pathTo: (peer: PeerId) => PathView | null): PeerView[] {
  const others = report.peers.slice(0, SHOWN_PEERS_MAX).map(peer => ({
    ...names.ref(peer.peerId),
    isSelf: false,
    version: peer.info?.softwareVersion ?? '?',
    incarnation: peer.info?.incarnation ?? '',
    isReachable: peer.isReachable,
    path: pathTo(peer.peerId),
    // What somebody said of its links whom nobody reaches any more is over.
    connections: (peer.isReachable ? peer.links : []).map(link =>
      connectionOf(link.isOutbound, link.endpoint ?? '?', names.ref(link.neighbour), link.isDataUp),
    ),
  }))
  return [ownView(report, names, pathTo), ...others.sort((a, b) => (a.id < b.id ? -1 : 1))]
}

/** What `peerViews` leaves out. */
export function unshownWarnings({ peers }: NodeReport): string[] {
  const warnings: string[] = []
  if (peers.length > SHOWN_PEERS_MAX)
    warnings.push(`${peers.length} other peers are known; the nearest ${SHOWN_PEERS_MAX} are shown`)
  const silent = peers.slice(0, SHOWN_PEERS_MAX).filter(peer => peer.isAbridged).length
  if (silent > 0)
    warnings.push(`the links of ${counted(silent, 'peer')} are not shown, because all together are so many`)
  return warnings
}

function ownView({ self, neighbours }: NodeReport, names: Names, pathTo: (peer: PeerId) => PathView | null): PeerView {
  return {
    ...names.ref(self.peerId),
    isSelf: true,
    version: self.software,
    incarnation: self.incarnation,
    isReachable: true,
    path: null,
    connections: neighbours.map(({ isOutbound, endpoint, peerId }) =>
      connectionOf(isOutbound, endpoint, names.ref(peerId), pathTo(peerId)?.kind === 'direct'),
    ),
  }
}

function connectionOf(
  isOutbound: boolean,
  address: string,
  peer: PeerView['connections'][number]['peer'],
  isDataUp: boolean,
): PeerView['connections'][number] {
  return {
    direction: isOutbound ? 'outbound' : 'inbound',
    address,
    peer,
    state: isDataUp ? 'established' : 'pending',
  }
}

/** The contacts that the operator named. */
export function targetViews({ contacts, neighbours }: NodeReport, names: Names, now: Millis): TargetView[] {
  const linked = new Set(neighbours.map(one => one.peerId))
  return contacts
    .filter(contact => contact.origin === 'configured')
    .map(contact => ({
      target: contact.text,
      state: targetState(contact, linked),
      address: contact.endpoint ?? null,
      peer: names.refOrNull(contact.peerId),
      error: contact.isReached ? null : (contact.lastError ?? null),
      retryInSeconds: contact.isReached ? null : retryInSeconds(contact, now),
    }))
}

function targetState({ peerId, isReached, state }: Contact, linked: ReadonlySet<PeerId>): string {
  if (peerId !== undefined && linked.has(peerId)) return 'connected'
  return isReached ? 'reached' : state
}
