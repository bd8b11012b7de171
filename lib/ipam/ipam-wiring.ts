import { shortPeerId, type Cidr, type Ipv4, type PeerId } from '../address/mod.ts'
import type { Chance } from '../base/mod.ts'
import type { CryptoSuite } from '../crypto/mod.ts'
import type { Words } from './allocation-error.ts'
import { Allocator } from './allocator.ts'
import { Assignments } from './assignments.ts'
import { BlockMap } from './block-map.ts'
import { BlockSpace } from './block-space.ts'
import { Borrower } from './borrower.ts'
import { BLOCK_PREFIX_DEFAULT } from './constants.ts'
import { Donor } from './donor.ts'
import type { IpamOutput } from './ipam-output.ts'
import { KeptEntries } from './kept-entries.ts'
import { LeaseTable } from './lease-table.ts'
import { LedgerInputs } from './ledger-inputs.ts'
import { Loans } from './loans.ts'
import { OwnAssigned } from './own-assigned.ts'
import { Reclaims } from './reclaims.ts'
import { RequestIds } from './request-ids.ts'
import { Seeker } from './seeker.ts'
import { StandingNeeds } from './standing-needs.ts'
import { subnetError } from './subnet-check.ts'
import { Succession } from './succession.ts'
import { Takeovers } from './takeovers.ts'
import type { Giver, Title } from './title.ts'

export interface IpamOptions {
  /** This peer, which signs what it hands on. */
  readonly identity: Giver
  readonly suite: Pick<CryptoSuite, 'hash' | 'verify'>
  /** 16 bytes: of which mesh the blocks are. */
  readonly meshId: () => Uint8Array
  readonly range: Cidr
  /** Prefix length of a block; BLOCK_PREFIX_DEFAULT when undefined. */
  readonly blockPrefix?: number
  /** Where containers go that ask for nothing; the range when undefined. */
  readonly defaultSubnet?: Cidr
  readonly chance: Chance
  /** True: it takes no blocks, and borrows each address. */
  readonly isEphemeral?: boolean
  /** False: it asks for no blocks before a container needs an address. */
  readonly isEager?: boolean
  /** How a peer is called in messages; its short id when undefined. */
  readonly nameOf?: (peer: PeerId) => string
  /** What a host tells of its container that has the address; nothing when undefined. */
  readonly containerAt?: (address: Ipv4, host: PeerId) => string | undefined
}

/** What `Ipam` is made of: what is known, what is said of it, and the two sides of giving. */
export interface IpamParts {
  readonly space: BlockSpace
  readonly defaultSubnet: Cidr
  readonly map: BlockMap
  readonly takeovers: Takeovers
  readonly succession: Succession
  readonly leases: LeaseTable
  readonly loans: Loans
  readonly assignments: Assignments
  readonly own: OwnAssigned
  readonly inputs: LedgerInputs
  readonly kept: KeptEntries
  readonly borrower: Borrower
  readonly standing: StandingNeeds
  readonly donor: Donor
  readonly reclaims: Reclaims
  readonly seeker: Seeker
  readonly allocator: Allocator
  /** What errors and reports say. */
  readonly words: () => Words
}

/** @throws WeaveError CONFIG_INVALID, BAD_ADDRESS or ADDRESS_OUTSIDE_RANGE for a range or subnet that cannot work */
export function makeParts(options: IpamOptions, emit: (output: IpamOutput) => void): IpamParts {
  const { identity, suite, meshId, range, chance, nameOf = shortPeerId, containerAt = () => undefined } = options
  const { blockPrefix = BLOCK_PREFIX_DEFAULT, defaultSubnet = range } = options
  const { isEphemeral = false, isEager = !isEphemeral } = options
  const space = new BlockSpace(range, blockPrefix)
  const wrong = subnetError(defaultSubnet, range)
  if (wrong !== undefined) throw wrong
  const self = identity.peerId
  const takeovers = new Takeovers({
    self: identity,
    suite,
    scope: () => ({ meshId: meshId(), range, blockPrefix: space.blockPrefix }),
    blockCount: space.blockCount,
    blocks: {
      rightTo: (block): Title | undefined => map.rightTo(block),
      isHeldBeside: (takeover, isReached): boolean => map.isHeldBeside(takeover, isReached),
      registersVersion: (): number => map.registersVersion,
      statementsVersion: (): number => map.statementsVersion,
    },
  })
  const map: BlockMap = new BlockMap(space, { self: identity, suite, meshId, takeovers })
  const succession = new Succession(map, takeovers)
  const loans = new Loans(space)
  const assignments = new Assignments(self, space)
  const leases = new LeaseTable(space, {
    has: address => loans.at(address) !== undefined || assignments.isUsed(address),
    isAnyIn: block => loans.countIn(block) > 0 || assignments.isAnyUsedIn(block),
  })
  const own = new OwnAssigned(map, leases, loans, isEphemeral)
  const inputs = new LedgerInputs({ map, takeovers, assignments, loans, own })
  const parts = { map, leases, loans, assignments, chance }
  const donor = new Donor({
    ...parts,
    isRenewing: block => takeovers.isRenewingBlock(block),
    memberCount: () => takeovers.presence.members.size,
  })
  const ids: RequestIds = new RequestIds(chance, value => kept.keepIds(value))
  const reclaims: Reclaims = new Reclaims({
    ...{ loans, assignments, takeovers },
    keep: (id, isKept) => kept.keepReclaimed(id, isKept),
  })
  const kept = new KeptEntries({ ids, donor, leases, reclaims, emit })
  const borrower = new Borrower(map, leases, assignments)
  const seeker = new Seeker({
    ...{ map, borrower, chance, isEphemeral },
    takeId: () => ids.take(),
    leapAbove: id => ids.leapAbove(id),
  })
  const standing = new StandingNeeds({ ...parts, seeker, defaultSubnet, isEager })
  const words = () => ({ range, nameOf, containerAt, other: inputs.otherRange })
  const allocator = new Allocator({ ...parts, borrower, seeker, standing, defaultSubnet, words, emit })
  const given = { map, leases, loans, assignments, takeovers, succession, own, inputs, kept }
  return { space, defaultSubnet, ...given, donor, reclaims, borrower, seeker, standing, allocator, words }
}
