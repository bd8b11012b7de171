import { peerLabel, type PeerId } from '../../address/mod.ts'
import type { ConnectionView, PathView } from '../../api/mod.ts'
import type { Millis } from '../../base/mod.ts'
import type { ConnectionReport, Contact, NeighbourReport, NodeReport } from '../../node/mod.ts'
import type { Names } from './names.ts'

const IDLE = { peer: null, error: null, retryInSeconds: null, rttMs: null, path: null, mtu: null } as const

/** Links and what is to become one, then contacts without a link, then what was refused of others' attempts. */
export function connectionViews(
  report: NodeReport,
  names: Names,
  pathTo: (peer: PeerId) => PathView | null,
  now: Millis,
): ConnectionView[] {
  const neighbours = new Map(report.neighbours.map(one => [one.connection, one]))
  const linked = new Set(report.neighbours.map(one => one.peerId))
  return [
    ...report.connections.map(one => {
      const neighbour = one.isUp ? neighbours.get(one.connection) : undefined
      return neighbour === undefined ? handshakeView(one) : linkView(neighbour, names, pathTo(neighbour.peerId))
    }),
    ...waitingContacts(report.contacts, linked).map(contact => contactConnection(contact, names, pathTo, now)),
    ...report.failedInbound.map(({ endpoint, error, at }) => ({
      ...IDLE,
      direction: 'inbound' as const,
      address: endpoint,
      state: 'failed' as const,
      info: `${error}, ${Math.floor((now - at) / 1_000)} s ago`,
      error,
    })),
  ]
}

function directionOf({ isOutbound }: { readonly isOutbound: boolean }): 'outbound' | 'inbound' {
  return isOutbound ? 'outbound' : 'inbound'
}

function handshakeView(connection: ConnectionReport): ConnectionView {
  return {
    ...IDLE,
    direction: directionOf(connection),
    address: connection.endpoint,
    state: 'connecting',
    info: 'handshake',
  }
}

function linkView(neighbour: NeighbourReport, names: Names, path: PathView | null): ConnectionView {
  const isDirect = path?.kind === 'direct'
  const why = path?.why ?? 'no session yet'
  const name = names.short(neighbour.peerId)
  return {
    direction: directionOf(neighbour),
    address: neighbour.endpoint,
    state: isDirect ? 'established' : path?.kind === 'relayed' || path?.kind === 'tcp' ? path.kind : 'pending',
    peer: names.ref(neighbour.peerId),
    info: isDirect
      ? `encrypted udp ${path.cipher ?? ''} ${name}`
      : (tcpInfo(path, name) ?? relayedInfo(path, name) ?? `no data path ${name}: ${why}`),
    error: isDirect ? null : why,
    retryInSeconds: null,
    rttMs: neighbour.rttMs ?? null,
    path,
    mtu: path?.mtu ?? null,
  }
}

/** That frames go over the link itself, and why; undefined when it is not so. */
function tcpInfo(path: PathView | null, name: string): string | undefined {
  if (path?.kind !== 'tcp') return undefined
  return `encrypted, over TCP (the control link) ${path.cipher ?? ''} ${name}: ${path.why ?? ''}`
}

/** By whom a peer is reached, and why not directly; undefined when it is not so. */
function relayedInfo(path: PathView | null, name: string): string | undefined {
  if (path?.kind !== 'relayed' || path.via === null) return undefined
  const { via, cipher, why } = path
  return `encrypted, relayed by ${peerLabel(via.id, via.nickname)} ${cipher ?? ''} ${name}: ${why ?? ''}`
}

/** Contacts that no connection stands for. What was both named and discovered is shown as it was named. */
function waitingContacts(contacts: readonly Contact[], linked: ReadonlySet<PeerId>): Contact[] {
  const named = new Set(contacts.filter(contact => contact.origin === 'configured').map(contact => contact.peerId))
  return contacts.filter(
    ({ origin, state, peerId, isReached }) =>
      !isReached &&
      // This very host fails of nothing.
      state !== 'ourself' &&
      !(origin === 'discovered' && named.has(peerId)) &&
      state !== 'connected' &&
      state !== 'handshake' &&
      !(peerId !== undefined && linked.has(peerId)),
  )
}

function contactConnection(
  contact: Contact,
  names: Names,
  pathTo: (peer: PeerId) => PathView | null,
  now: Millis,
): ConnectionView {
  const { origin, state, peerId, lastError } = contact
  const path = peerId === undefined ? null : pathTo(peerId)
  const relayed = peerId === undefined ? undefined : relayedInfo(path, names.short(peerId))
  const name = origin === 'discovered' && peerId !== undefined ? ` ${names.short(peerId)}` : ''
  const attempt = lastError ?? (state === 'waiting' ? 'waiting for its turn' : state)
  return {
    ...IDLE,
    path,
    mtu: path?.mtu ?? null,
    direction: 'outbound',
    address: contact.endpoint ?? contact.text,
    state: relayed === undefined ? stateOf(contact) : 'relayed',
    peer: names.refOrNull(peerId),
    info: relayed === undefined ? attempt + name : `${relayed}; no link: ${attempt}`,
    error: lastError ?? null,
    retryInSeconds: retryInSeconds(contact, now),
  }
}

function stateOf({ state, lastError, attempts }: Contact): ConnectionView['state'] {
  if (state !== 'waiting' || lastError === undefined) return 'connecting'
  return attempts > 1 ? 'retrying' : 'failed'
}

/** Until the next dial; null when none is due. */
export function retryInSeconds({ retryAt }: Contact, now: Millis): number | null {
  return retryAt === undefined ? null : Math.max(0, (retryAt - now) / 1000)
}
