import { peerLabel, type PeerId } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { NodeReport } from '../node/mod.ts'

/** Fewer characters of an id say too little. */
const ID_PREFIX_MIN = 4

const HOW = `by its nickname, its id, the first ${ID_PREFIX_MIN} or more characters of that, or ID(NICKNAME) as outputs print it`

interface Called {
  readonly peerId: PeerId
  readonly nickname: string
}

/**
 * The other peer that is meant: by its nickname, its id or how that begins, both as outputs print them, or an address of
 * a container behind it.
 *
 * @param peersAt Behind whom an address is; undefined when the text is no address.
 * @throws WeaveError PEER_UNKNOWN, ADDRESS_UNKNOWN, or BAD_PEER when several are meant, or this one
 */
export function otherPeer(
  text: string,
  { self, peers }: Pick<NodeReport, 'self' | 'peers'>,
  peersAt: (text: string) => PeerId[] | undefined,
): PeerId {
  const known = [...peers, self]
  const called = peersCalled(text, known)
  const one = theOne(text, called.length > 0 ? called : (peersAt(text) ?? []))
  if (one === undefined)
    throw new WeaveError(
      'PEER_UNKNOWN',
      `no peer is known that is called ${text}, and no id of one begins so; other peers that are known: ${known.length - 1}`,
      `name it ${HOW}, as \`weave-ts status peers\` shows them, or by an address of a container behind it`,
    )
  if (one === self.peerId)
    throw new WeaveError('BAD_PEER', `${text} is this peer itself`, 'name another: `weave-ts status peers` shows them')
  return one
}

/**
 * The peer that is called so, this one and those that were removed or only own blocks included.
 *
 * @throws WeaveError PEER_UNKNOWN, or BAD_PEER when several are
 */
export function peerCalled(
  text: string,
  report: Pick<NodeReport, 'self' | 'peers' | 'neighbours' | 'removed' | 'ipam'>,
): PeerId {
  const known = new Map<PeerId, string>()
  // Of a peer that was removed only the id may be left.
  for (const { victim } of report.ipam.takeovers) known.set(victim, '?')
  for (const { peer } of report.ipam.perPeer) known.set(peer, '?')
  for (const { peerId, nickname } of [...report.removed, ...report.peers]) known.set(peerId, nickname)
  known.set(report.self.peerId, report.self.nickname)
  const called = peersCalled(
    text,
    [...known].map(([peerId, nickname]) => ({ peerId, nickname })),
  )
  const one = theOne(text, called)
  if (one === undefined) throw unknownPeer(text, report)
  return one
}

export function unknownPeer(text: string, { peers, neighbours }: Pick<NodeReport, 'peers' | 'neighbours'>): WeaveError {
  // Who has not joined yet is linked, and reached by no route.
  const linked = new Set(neighbours.map(({ peerId }) => peerId))
  const isAway = (peer: NodeReport['peers'][number]) => !peer.isReachable && !linked.has(peer.peerId)
  const away = peers.filter(isAway).map(({ peerId, nickname }) => peerLabel(peerId, nickname))
  return new WeaveError(
    'PEER_UNKNOWN',
    `no peer is known that is called ${text}; out of reach now: ${away.length === 0 ? 'none' : away.join(', ')}`,
    `name it ${HOW}: \`weave-ts status peers\` and \`status ipam\` show them; one that was removed before is not known any more`,
  )
}

/** Who is called just so; if nobody is, whose id begins so. A nickname may itself look like ID(NICKNAME). */
function peersCalled(text: string, known: readonly Called[]): PeerId[] {
  const exact = known.filter(({ peerId, nickname }) => peerId === text || nickname === text)
  if (exact.length > 0) return exact.map(({ peerId }) => peerId)
  const printed = /^([a-z2-7]+)\((.*)\)$/s.exec(text)
  const begin = printed?.[1] ?? text
  if (begin.length < ID_PREFIX_MIN) return []
  return known
    .filter(({ peerId, nickname }) => peerId.startsWith(begin) && (printed === null || nickname === printed[2]))
    .map(({ peerId }) => peerId)
}

function theOne(text: string, found: readonly PeerId[]): PeerId | undefined {
  if (found.length <= 1) return found[0]
  throw new WeaveError(
    'BAD_PEER',
    `${text} can be ${found.length} peers: ${found.join(', ')}`,
    'name the one that is meant by its id',
  )
}
