import { formatCidr, type Cidr, type PeerId } from '../address/mod.ts'
import type { Millis } from '../base/mod.ts'
import { waitReason, type Words } from './allocation-error.ts'
import type { Allocator } from './allocator.ts'
import type { BlockMap } from './block-map.ts'
import type { Hold } from './hold.ts'
import type { LeaseHolder } from './lease-holder.ts'
import type { LeaseTable } from './lease-table.ts'
import type { Seeker } from './seeker.ts'
import type { TakeoverProgress, Takeovers } from './takeovers.ts'

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
  /** Leases in blocks that this peer does not own: kept for their containers, and never given again. */
  readonly disputed: readonly { readonly container: string; readonly cidr: string; readonly owner?: PeerId }[]
  /** Of peers that are gone: settled ones, and those that wait for a majority. Not what a peer does about its own. */
  readonly takeovers: readonly TakeoverProgress[]
  /** Peers that manage another range, and cannot share this one. */
  readonly otherRanges: readonly { readonly peer: PeerId; readonly range: string }[]
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
  readonly seeker: Seeker
  readonly allocator: Allocator
  readonly takeovers: Takeovers
  readonly defaultSubnet: Cidr
  readonly otherRanges: ReadonlyMap<PeerId, string>
  readonly words: Words
  readonly hold: Hold | undefined
}

export function makeReport(parts: ReportParts): IpamReport {
  const { map, leases, allocator, defaultSubnet, otherRanges, words, hold } = parts
  const { space } = map
  const why = hold?.reason ?? (map.isEmpty ? waitReason(undefined, false, words) : undefined)
  const perPeer = peers(parts)
  const all = [...leases.all()].sort((a, b) => a.address - b.address)
  const disputed = all.filter(lease => !map.isOwn(space.blockOf(lease.address)))
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
    ownFree: ownFree(map, leases, defaultSubnet),
    leases: all.map(lease => ({ container: lease.container, holder: lease.holder, cidr: formatCidr(lease) })),
    pending: [...allocator.pending].map(pending => ({
      container: pending.container,
      since: pending.since,
      reason: allocator.reasonFor(pending),
    })),
    disputed: disputed.map(lease => {
      const owner = map.ownerOf(space.blockOf(lease.address))
      const entry = { container: lease.container, cidr: formatCidr(lease) }
      return owner === undefined ? entry : { ...entry, owner }
    }),
    takeovers: parts.takeovers.all().filter(({ author, victim }) => author !== victim),
    otherRanges: [...otherRanges].map(([peer, range]) => ({ peer, range })),
  }
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

function ownFree(map: BlockMap, leases: LeaseTable, subnet: Cidr): number {
  const { space } = map
  const span = space.spanOf(subnet)
  if (span === undefined) return 0
  let free = 0
  for (let block = span.first; block <= span.last; block++) if (map.isOwn(block)) free += leases.freeIn(block, subnet)
  return free
}
