import { cidrSize, formatCidr, formatIpv4, shortPeerId, type Cidr, type Ipv4, type PeerId } from '../address/mod.ts'
import { printable, WeaveError } from '../base/mod.ts'
import type { HadBy } from '../wire/mod.ts'
import { PENDING_MAX, REST_MS } from './constants.ts'
import type { Hold } from './hold.ts'
import type { SeekState } from './seeker.ts'

export const NOT_JOINED = 'no peer that holds address blocks is known yet: not joined'

const LOOK = '(`weave-ts ipam show` shows who owns what)'

/** What the words of an error are made of. */
export interface Words {
  readonly range: Cidr
  readonly nameOf: (peer: PeerId) => string
  /** What a host calls its container that has the address; undefined when it did not say. */
  readonly containerAt: (address: Ipv4, host: PeerId) => string | undefined
  /** A peer that manages another range, if nobody with ours is known. */
  readonly other: { readonly peer: PeerId; readonly text: string } | undefined
}

/** Whom or what an allocation waits for, in plain words. */
export function waitReason(state: SeekState | undefined, isJoined: boolean, words: Words): string {
  if (!isJoined) {
    const { other } = words
    if (other === undefined) return NOT_JOINED
    return `${NOT_JOINED}; ${words.nameOf(other.peer)} manages ${other.text}, this peer ${formatCidr(words.range)}`
  }
  if (state === undefined) return 'not asked yet'
  const { asked, unreachable, silent, unowned } = state
  const parts: string[] = []
  if (asked !== undefined) {
    parts.push(`waiting for ${state.isGranted ? 'what was granted by' : 'an answer of'} ${words.nameOf(asked)}`)
  }
  const others = silent.filter(peer => peer !== asked)
  if (others.length > 0) parts.push(`${others.map(words.nameOf).join(', ')} did not answer`)
  if (unreachable.length > 0) parts.push(`cannot reach ${unreachable.map(words.nameOf).join(', ')}, who may have some`)
  if (unowned > 0) parts.push(`${unowned} ${unowned === 1 ? 'block has' : 'blocks have'} no known owner`)
  return parts.length > 0 ? parts.join('; ') : 'waiting for an address to become free'
}

/** Of a claim: in whose block the address is, when that peer is out of reach, and which host says to use it. */
export function ownerAway(
  address: Ipv4,
  block: Cidr,
  owner: PeerId,
  user: PeerId | undefined,
  words: Pick<Words, 'nameOf' | 'containerAt'>,
): string {
  const { nameOf } = words
  const used = user === undefined ? '' : `; ${holderText(address, { host: user, container: '' }, words)} has it`
  return `cannot reach ${nameOf(owner)}, in whose block ${formatCidr(block)} ${formatIpv4(address)} lies${used}`
}

/** What to do about owners that nobody reaches. */
export function unreachableRemedy(unreachable: readonly PeerId[]): string {
  const [one] = unreachable
  if (one === undefined) return `try again when the named peers answer ${LOOK}`
  const gone = unreachable.length === 1 ? 'it is' : 'one of them is'
  return `make sure that they can be reached, or, when ${gone} gone for good, run \`weave-ts rmpeer ${shortPeerId(one)}\` ${LOOK}`
}

export function waitedError(
  what: string,
  waitedMs: number,
  reason: string,
  unreachable: readonly PeerId[],
  isJoined: boolean,
): WeaveError {
  return new WeaveError(
    'IPAM_WAITING',
    `no address for ${what} within ${waitedMs / 1000} s: ${reason}`,
    isJoined
      ? unreachableRemedy(unreachable)
      : 'connect to a peer of the mesh with `weave-ts connect HOST`, launched with the same --ipalloc-range',
  )
}

/** Blocks of this peer that are kept back. */
export function barredHold(blocks: number): Hold {
  const those = blocks === 1 ? '1 block' : `${blocks} blocks`
  return {
    reason: `this peer keeps ${those} of its own back, because its store does not know what was given of them`,
    remedy:
      'wait half a minute; or see the warning of `weave-ts status` for containers that are in the way, and restart them',
  }
}

export function heldError(what: string, waitedMs: number, hold: Hold): WeaveError {
  return new WeaveError(
    'IPAM_WAITING',
    `no address for ${what} within ${waitedMs / 1000} s: ${hold.reason}`,
    hold.remedy,
  )
}

/** `resting`: addresses that rest here, and on hosts that were asked. */
export function fullError(
  subnet: Cidr,
  resting: { readonly here: number; readonly elsewhere: number },
  words: Words,
): WeaveError {
  const { here, elsewhere } = resting
  const count = here + elsewhere
  const where = elsewhere === 0 ? 'resting here' : here === 0 ? 'resting on other hosts' : `resting (${here} here)`
  const rest = count > 0 ? `, ${count} of them ${where} after use, for ${REST_MS / 1_000} s at most` : ''
  const other =
    subnet.prefix > words.range.prefix ? `, or ask with net: for another subnet of ${formatCidr(words.range)}` : ''
  return new WeaveError(
    'RANGE_FULL',
    `${formatCidr(subnet)} is full: all of its ${cidrSize(subnet) - 2} addresses are taken${rest}`,
    count > 0
      ? `try again when that is over${here > 0 ? `, or wait for it with --timeout ${REST_MS / 1_000 + 5}` : ''}`
      : `detach what is no longer needed${other} ${LOOK}`,
  )
}

export function takenError(address: Ipv4, by: string, container: string): WeaveError {
  return new WeaveError(
    'ADDRESS_TAKEN',
    `${formatIpv4(address)}, claimed for ${container}, is held by ${by} on this host`,
    `claim another address, or detach ${by} first`,
  )
}

export function takenElsewhereError(address: Ipv4, held: HadBy, container: string, words: Words): WeaveError {
  return new WeaveError(
    'ADDRESS_TAKEN',
    `${formatIpv4(address)}, claimed for ${container}, is held by ${holderText(address, held, words)}`,
    `claim another address, or detach that container on ${words.nameOf(held.host)} first`,
  )
}

/** A container and its host; what is not said with the address is looked up as `whois` does. */
function holderText(address: Ipv4, { host, container }: HadBy, words: Pick<Words, 'nameOf' | 'containerAt'>): string {
  const told = container === '' ? words.containerAt(address, host) : container
  return `${told === undefined ? 'a container' : printable(told)} on ${words.nameOf(host)}`
}

export function elsewhereError(address: Ipv4, block: Cidr, owner: PeerId | undefined, words: Words): WeaveError {
  const who = owner === undefined ? 'another peer' : words.nameOf(owner)
  return new WeaveError(
    'ADDRESS_OWNED_ELSEWHERE',
    `${formatIpv4(address)} is in ${formatCidr(block)}, which ${who} owns and does not give`,
    `claim it on ${who}, or claim an address of a block that this peer owns ${LOOK}`,
  )
}

export function crowdedError(): WeaveError {
  return new WeaveError(
    'IPAM_WAITING',
    `${PENDING_MAX} requests for addresses wait already, and no more can`,
    'try again when some have been answered (`weave-ts status ipam` shows which wait)',
  )
}

export function freedError(container: string): WeaveError {
  return new WeaveError(
    'IPAM_WAITING',
    `${container} was detached while it waited for an address`,
    'attach it again if that was not meant',
  )
}
