import { formatCidr, formatIpv4, parseIpv4 } from '../address/mod.ts'
import type { BlockRunView, CallHandlers } from '../api/mod.ts'
import type { BlockRun, BlockSpace } from '../ipam/mod.ts'
import type { NodeReport } from '../node/mod.ts'
import { auditFacts } from './audit-facts.ts'
import type { auditedTargets } from './audited-targets.ts'
import { audit } from './ipam-audit.ts'
import type { NodeRunner } from './node-runner.ts'
import { outsideUsers } from './outside-range.ts'
import type { Service } from './service.ts'
import { Names } from './status/names.ts'

interface Given {
  readonly runner: Pick<NodeRunner, 'report'> & {
    readonly node: Pick<NodeRunner['node'], 'names' | 'leases' | 'blockSpace' | 'blockRuns' | 'lostBlocks'>
  }
  /** What is recorded as attached, and what the kernel has there. */
  readonly look: () => ReturnType<typeof auditedTargets>
  /** That a target is being attached or detached just now. */
  readonly isBusy: (targetId: string) => boolean
  /** Of an IPv6 address in CIDR form: whether it has the prefix of the mesh. */
  readonly isOfMesh: (cidr: string) => boolean
}

/** What an operator asks about the addresses of the mesh: `ipam show` and `ipam check`. */
export class IpamService implements Service {
  readonly name = 'ipam'
  readonly calls: Pick<CallHandlers, 'ipam' | 'ipam-check'>
  readonly #runner: Given['runner']

  constructor({ runner, look, isBusy, isOfMesh }: Given) {
    this.#runner = runner
    this.calls = {
      ipam: () => {
        const { blockSpace: space } = runner.node
        const report = runner.report()
        return {
          range: formatCidr(space.range),
          blockPrefix: space.blockPrefix,
          blockAddresses: space.blockSize,
          runs: this.#runs(space, report),
          outside: outsideUsers(runner.node.names.zone.all(), space.range).map(({ peer, ...one }) => ({
            ...one,
            peer: new Names(report).ref(peer),
          })),
        }
      },
      'ipam-check': async () => {
        const { targets, strays } = await look()
        const facts = auditFacts(runner, { targets, strays, isBusy, isOfMesh })
        const addresses = targets.reduce((sum, { cidrs, ipv6 }) => sum + cidrs.length + ipv6.length, 0)
        return { leases: facts.leases.length, targets: targets.length, addresses, findings: audit(facts) }
      },
    }
  }

  #runs(space: BlockSpace, report: NodeReport): BlockRunView[] {
    const names = new Names(report)
    const self = report.self.peerId
    const reachable = new Set(report.peers.filter(peer => peer.isReachable).map(({ peerId }) => peerId))
    const told = countPerBlock(space, toldAddresses(this.#runner.node.names.zone))
    const lentPerBlock = countPerBlock(space, new Set(report.ipam.lent.map(({ address }) => address)))
    return this.#runner.node.blockRuns().map((run: BlockRun) => {
      const addresses = (run.last - run.first + 1) * space.blockSize
      const isSelf = run.owner === self
      const first = space.blockCidr(run.first).address
      const lent = isSelf ? sum(lentPerBlock, run) : 0
      // The first and the last address of the range are the first or the last of any subnet too.
      const never = (run.first === 0 ? 1 : 0) + (run.last === space.blockCount - 1 ? 1 : 0)
      const barred = run.barred * space.blockSize
      return {
        first: formatIpv4(first),
        last: formatIpv4(first + addresses - 1),
        blocks: run.last - run.first + 1,
        addresses,
        owner: names.refOrNull(run.owner),
        isSelf,
        isReachable: isSelf || (run.owner !== undefined && reachable.has(run.owner)),
        leased: run.leased,
        resting: run.resting,
        lent,
        free: isSelf ? Math.max(0, addresses - never - run.leased - run.resting - lent - barred) : null,
        barred,
        told: sum(told, run),
      }
    })
  }
}

function toldAddresses(zone: Given['runner']['node']['names']['zone']): ReadonlySet<string> {
  return new Set(zone.all().flatMap(entry => entry.addresses))
}

function countPerBlock(space: BlockSpace, texts: ReadonlySet<string>): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const text of texts) {
    const address = parseIpv4(text)
    if (address === undefined || !space.holds(address)) continue
    const block = space.blockOf(address)
    counts.set(block, (counts.get(block) ?? 0) + 1)
  }
  return counts
}

function sum(counts: ReadonlyMap<number, number>, { first, last }: Pick<BlockRun, 'first' | 'last'>): number {
  let total = 0
  for (const [block, count] of counts) if (block >= first && block <= last) total += count
  return total
}
