import { parseCidr, type Cidr } from '../../../lib/address/cidr.ts'
import { parseIpv4 } from '../../../lib/address/ipv4.ts'
import { peerIdFromBytes, type PeerId } from '../../../lib/address/peer-id.ts'
import { peerIdBytes } from '../../../lib/address/peer-id.ts'
import { encodeBlocksRecord } from '../../../lib/ipam/blocks-record.ts'
import { BlockSpace } from '../../../lib/ipam/block-space.ts'
import { meshIdOf } from '../../../lib/ipam/founding.ts'
import { Ipam } from '../../../lib/ipam/ipam.ts'
import type { IpamOptions } from '../../../lib/ipam/ipam-wiring.ts'
import { writePages, type Run } from '../../../lib/ipam/statements.ts'
import type { Takeover } from '../../../lib/ipam/takeover-record.ts'
import { grant, type FoundingTitle, type Giver, type Title } from '../../../lib/ipam/title.ts'
import { fakeSuite } from '../../support/fake-suite.ts'
import type { IpamOutput } from '../../../lib/ipam/ipam-output.ts'
import { seededChance } from '../../support/seeded-chance.ts'

export function peer(number: number): PeerId {
  return peerIdFromBytes(new Uint8Array(16).fill(number))
}

export function cidr(text: string): Cidr {
  const value = parseCidr(text)
  if (value === undefined) throw new Error(`not a CIDR: ${text}`)
  return value
}

export function ip(text: string): number {
  const value = parseIpv4(text)
  if (value === undefined) throw new Error(`not an address: ${text}`)
  return value
}

/** A peer's id is its key's first half, so that numbers in the tests can be told by their ids. */
export const suite = {
  ...fakeSuite,
  hash: (data: Uint8Array, length = 32) =>
    data.length === 32 && data.every(byte => byte === data[0]) ? data.slice(0, length) : fakeSuite.hash(data, length),
}

export function giver(peerId: PeerId): Giver {
  const signingPublic = new Uint8Array(32).fill(peerIdBytes(peerId)[0]!)
  return {
    peerId,
    signingPublic,
    sign: message => fakeSuite.signAs(signingPublic, message),
  }
}

/** Of the founding of the mesh of most tests, by `peer(1)`. */
export const SALT = new Uint8Array(16).fill(7)
export const FOUNDER = peer(1)
export const MESH_ID = meshIdOf(suite, { founder: FOUNDER, salt: SALT })
export const FOUNDED: FoundingTitle = {
  type: 'founding',
  term: 0,
  seq: 0,
  owner: FOUNDER,
  founding: { founder: FOUNDER, salt: SALT },
}

export type TestOptions = Partial<IpamOptions> & { readonly self?: PeerId }

/** A machine that has nothing to restore. */
export function ipam(options: TestOptions = {}): Ipam {
  const machine = unstarted(options)
  machine.start(0)
  return machine
}

export function unstarted({ self = peer(1), ...options }: TestOptions = {}): Ipam {
  return new Ipam({
    identity: giver(self),
    suite,
    meshId: () => MESH_ID,
    range: cidr('10.32.0.0/20'),
    chance: seededChance(1),
    ...options,
  })
}

/** Blocks with the title that the last of `owners` has after each handed them to the next; the first one founded. */
export interface StatedRun {
  readonly first: number
  readonly count: number
  readonly owners: readonly PeerId[]
}

export function titleOf({ first, count, owners }: StatedRun, range: Cidr, blockPrefix = 26): Title {
  const scope = { meshId: MESH_ID, range, blockPrefix }
  let title: Title = FOUNDED
  for (const to of owners.slice(1)) title = grant(giver(title.owner), scope, title, { first, count }, to)
  return title
}

/** What somebody states of the first segment, with the proofs. */
export function record(stated: readonly StatedRun[], range: Cidr, blockPrefix = 26): Uint8Array {
  const runs = stated.map(run => ({ first: run.first, count: run.count, title: titleOf(run, range, blockPrefix) }))
  const [page] = writePages(runs, 0, new BlockSpace(range, blockPrefix))
  const empty = { range, blockPrefix, roots: [], grants: [], runs: [] }
  return encodeBlocksRecord(page?.record ?? empty)
}

/** What the author of a takeover states, by segment: that it has all of its blocks. */
export function takenOver(
  { id, author, term, runs }: Takeover,
  range: Cidr,
  blockPrefix = 26,
): Map<number, Uint8Array> {
  const space = new BlockSpace(range, blockPrefix)
  const title: Title = { type: 'takeover', term, seq: 0, owner: author, takeover: id }
  const bySegment = new Map<number, Run[]>()
  for (const { first, count } of runs) {
    const segment = space.segmentOf(first)
    const run = { first: first - space.segmentSpan(segment).first, count, title }
    bySegment.set(segment, [...(bySegment.get(segment) ?? []), run])
  }
  return new Map(
    [...bySegment].map(([segment, stated]) => [
      segment,
      encodeBlocksRecord(writePages(stated, segment, space)[0]!.record),
    ]),
  )
}

/** What it wants done, but for what it only has kept for a restart. */
export function drain(machine: Ipam): Exclude<IpamOutput, { type: 'keep' }>[] {
  return drainAll(machine).filter(output => output.type !== 'keep')
}

export function drainAll(machine: Ipam): IpamOutput[] {
  const outputs: IpamOutput[] = []
  for (let output = machine.pollOutput(); output !== undefined; output = machine.pollOutput()) outputs.push(output)
  return outputs
}

/** Drains, and hands what was published to the others. */
export function share(from: Ipam, self: PeerId, others: readonly Ipam[], now: number) {
  const outputs = drain(from)
  for (const output of outputs) {
    for (const other of others)
      if (output.type === 'publish') other.setStatements(self, output.page, output.value, now)
      else if (output.type === 'assign') other.setAssigned(self, output.strip, output.value, now)
  }
  return outputs
}
