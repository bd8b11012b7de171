import { formatCidr, formatIpv4, type Cidr, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { unreachableRemedy, waitReason, type Words } from './allocation-error.ts'
import type { Allocator } from './allocator.ts'
import type { Assignments } from './assignments.ts'
import type { BlockMap } from './block-map.ts'
import { freeIn } from './block-survey.ts'
import type { TwiceGiver } from './rival-grants.ts'
import type { Hold } from './hold.ts'
import type { LeaseHolder } from './lease-holder.ts'
import type { Lease, LeaseTable } from './lease-table.ts'
import type { Loans } from './loans.ts'
import type { StandingNeeds } from './standing-needs.ts'
import type { Seeker } from './seeker.ts'
import type { TakeoverProgress } from './takeover-progress.ts'
import type { Takeovers } from './takeovers.ts'

/** The state of address management, as `status ipam` shows it. Addresses are in CIDR form. */
export interface IpamReport {
  readonly range: string
  readonly defaultSubnet: string
  readonly blockPrefix: number
  readonly blocks: number
  readonly state: 'ready' | 'waiting'
  /** Why the state is `waiting`. */
  readonly reason?: string
  /** Why nothing is given, although there may be free addresses. */
  readonly hold?: Hold
  /** This peer first, then by PeerId. */
  readonly perPeer: readonly IpamPeerReport[]
  /** Blocks of which no owner is known. */
  readonly unownedBlocks: number
  /** Addresses that containers of this host could get in the default subnet without asking anybody. */
  readonly ownFree: number
  readonly leases: readonly { readonly container: string; readonly holder: LeaseHolder; readonly cidr: string }[]
  readonly pending: readonly { readonly container: string; readonly since: Millis; readonly reason: string }[]
  /** Addresses of own blocks that this peer lent, and to whom. */
  readonly lent: readonly { readonly address: string; readonly peer: PeerId }[]
  /** Leases in blocks of others who lent them. */
  readonly borrowed: readonly { readonly container: string; readonly cidr: string; readonly owner: PeerId }[]
  /**
   * Leases that others may have too: in blocks of others who do not lend them, or said to be in use elsewhere. Kept for
   * their containers.
   */
  readonly disputed: readonly DisputedLease[]
  /**
   * Of peers that are gone: settled ones, and those that wait for a majority. Not what a peer does about its own, nor what
   * this peer could not agree to either.
   */
  readonly takeovers: readonly TakeoverProgress[]
  /** Who handed blocks on twice, as far as this peer saw it since it started. */
  readonly twiceGivers: readonly TwiceGiver[]
  /** Peers that manage another range, and cannot share this one. */
  readonly otherRanges: readonly { readonly peer: PeerId; readonly range: string }[]
}

export interface DisputedLease {
  readonly container: string
  readonly cidr: string
  /** Of the block, when that is another peer. */
  readonly owner?: PeerId
  /** Who else says to have it in use, where no other peer has the right to it. */
  readonly usedBy?: PeerId
  /** The owner has not said yet whether it lends it. */
  readonly isAsked?: boolean
}

export interface IpamPeerReport {
  readonly peer: PeerId
  readonly blocks: number
  readonly addresses: number
  readonly isReachable: boolean
}

export interface ReportParts {
  readonly map: BlockMap
  readonly leases: LeaseTable
  readonly loans: Loans
  readonly assignments: Assignments
  readonly seeker: Seeker
  readonly standing: Pick<StandingNeeds, 'hasRefused'>
  readonly allocator: Allocator
  readonly takeovers: Takeovers
  readonly defaultSubnet: Cidr
  readonly otherRanges: ReadonlyMap<PeerId, string>
  readonly words: Words
  readonly hold: Hold | undefined
  readonly now: Millis
}

export function makeReport(parts: ReportParts): IpamReport {
  const { map, leases, loans, allocator, defaultSubnet, otherRanges, hold } = parts
  const { space } = map
  const free = freeIn(map, leases, defaultSubnet)
  const why = hold?.reason ?? reasonToWait(parts, free)
  const perPeer = peers(parts)
  const all = [...leases.all()].sort((a, b) => a.address - b.address)
  const rights = all.map(lease => ({ lease, ...rightTo(lease, parts) }))
  return {
    range: formatCidr(space.range),
    defaultSubnet: formatCidr(defaultSubnet),
    blockPrefix: space.blockPrefix,
    blocks: space.blockCount,
    state: why === undefined ? 'ready' : 'waiting',
    ...(why !== undefined && { reason: why }),
    ...(hold !== undefined && { hold }),
    perPeer,
    unownedBlocks: space.blockCount - perPeer.reduce((sum, peer) => sum + peer.blocks, 0),
    ownFree: free,
    leases: all.map(lease => ({ container: lease.container, holder: lease.holder, cidr: formatCidr(lease) })),
    pending: [...allocator.pending].map(pending => ({
      container: pending.container,
      since: pending.since,
      reason: allocator.reasonFor(pending),
    })),
    lent: [...loans.all()]
      .sort((a, b) => a.address - b.address)
      .map(({ address, peer }) => ({ address: formatIpv4(address), peer })),
    borrowed: rights.flatMap(({ lease, right, owner }) =>
      right === 'lent' && owner !== undefined ? [{ container: lease.container, cidr: formatCidr(lease), owner }] : [],
    ),
    disputed: rights.flatMap(({ lease, right, owner, usedBy }) => {
      const entry = { container: lease.container, cidr: formatCidr(lease) }
      if (usedBy !== undefined) return [{ ...entry, usedBy }]
      if (right !== 'disputed') return []
      if (owner === undefined) return [entry]
      return [{ ...entry, owner, ...(!parts.standing.hasRefused(lease.address) && { isAsked: true }) }]
    }),
    takeovers: parts.takeovers.removals.allStanding(parts.now),
    twiceGivers: map.rivals.givers,
    otherRanges: [...otherRanges].map(([peer, range]) => ({ peer, range })),
  }
}

/** Why nothing can be given, if so. */
function reasonToWait({ map, seeker, defaultSubnet, words }: ReportParts, free: number): string | undefined {
  if (map.isEmpty) return waitReason(undefined, false, words)
  const span = map.space.spanOf(defaultSubnet)
  if (free > 0 || span === undefined) return undefined
  const owners = [...map.countsIn(span).keys()].filter(owner => owner !== undefined && owner !== map.self)
  if (owners.length === 0 || owners.some(owner => seeker.reachable.has(owner!))) return undefined
  const names = owners.map(owner => words.nameOf(owner!))
  return `no address is free here, and ${names.sort().join(', ')}, who may have some, cannot be reached: ${unreachableRemedy(owners as PeerId[])}`
}

/** By which right a container here has its address, and whose the block is. */
function rightTo({ address }: Lease, { map, assignments }: ReportParts): Right {
  const { space } = map
  const owner = space.holds(address) ? map.ownerOf(space.blockOf(address)) : undefined
  if (!space.holds(address) || map.isOwn(space.blockOf(address)))
    return { right: 'own', owner, usedBy: assignments.usersOf(address)[0] }
  const right = assignments.loanFrom(owner, address) === undefined ? 'disputed' : 'lent'
  return { right, owner, usedBy: undefined }
}

interface Right {
  readonly right: 'own' | 'lent' | 'disputed'
  readonly owner: PeerId | undefined
  /** Of what is own or nobody's: who else says to have it. */
  readonly usedBy: PeerId | undefined
}

function peers({ map, seeker }: ReportParts): IpamPeerReport[] {
  const rows = [...map.counts].map(([peer, blocks]) => ({
    peer,
    blocks,
    addresses: blocks * map.space.blockSize,
    isReachable: peer === map.self || seeker.reachable.has(peer),
  }))
  const rank = (peer: PeerId) => (peer === map.self ? 0 : 1)
  return rows.sort((a, b) => rank(a.peer) - rank(b.peer) || (a.peer < b.peer ? -1 : 1))
}
