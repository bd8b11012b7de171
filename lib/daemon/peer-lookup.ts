import { shortPeerId, type PeerId } from '../address/mod.ts'
import { WeaveError } from '../base/mod.ts'
import type { NodeReport } from '../node/mod.ts'

/** Fewer characters of an id say too little. */
const ID_PREFIX_MIN = 4

/**
 * The other peer that is meant: by its nickname, its id or how that begins, or an address of a container behind it.
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
  const named = known.filter(({ peerId, nickname }) => peerId === text || nickname === text)
  const begun =
    named.length > 0 || text.length < ID_PREFIX_MIN ? named : known.filter(({ peerId }) => peerId.startsWith(text))
  const found = begun.length > 0 ? begun.map(({ peerId }) => peerId) : (peersAt(text) ?? [])
  const [one, another] = found
  if (one === undefined)
    throw new WeaveError(
      'PEER_UNKNOWN',
      `no peer is known that is called ${text}, and no id of one begins so; known are ${known.length - 1} others`,
      'name it by its nickname or its id, as `weave-ts status peers` shows them, or by an address of a container behind it',
    )
  if (another !== undefined)
    throw new WeaveError(
      'BAD_PEER',
      `${text} can be ${found.length} peers: ${found.map(shortPeerId).join(', ')}`,
      'name the one that is meant by its id',
    )
  if (one === self.peerId)
    throw new WeaveError('BAD_PEER', `${text} is this peer itself`, 'name another: `weave-ts status peers` shows them')
  return one
}
