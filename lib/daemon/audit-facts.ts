import { contains, formatCidr, parseCidr, type Cidr } from '../address/mod.ts'
import { EXTERNAL_PREFIX } from './constants.ts'
import type { AuditFacts } from './ipam-audit.ts'
import type { NodeRunner } from './node-runner.ts'
import { disputeOf } from './status/disputes.ts'
import { Names } from './status/names.ts'

type Runner = Pick<NodeRunner, 'report'> & {
  readonly node: Pick<NodeRunner['node'], 'names' | 'leases' | 'blockSpace' | 'lostBlocks'>
}

/** What the node knows for an audit, beside what was seen of the host. */
export function auditFacts(
  runner: Runner,
  host: Pick<AuditFacts, 'targets' | 'strays' | 'isBusy' | 'isOfMesh'>,
): AuditFacts {
  const { node } = runner
  const report = runner.report()
  const { self, ipam, peers } = report
  const names = new Names(report)
  const reachable = new Set(peers.filter(peer => peer.isReachable).map(({ peerId }) => peerId))
  const range = node.blockSpace.range
  const toldElsewhere = (address: string) =>
    node.names.zone
      .at(address)
      .filter(({ owner, container }) => reachable.has(owner) && owner !== self.peerId && !isExternal(container))
      .map(({ owner, container }) => `${container} on ${names.short(owner)}`)
  return {
    ...host,
    leases: node.leases().map(lease => ({ container: lease.container, holder: lease.holder, cidr: formatCidr(lease) })),
    disputed: ipam.disputed
      // Which container it is on the other host says the finding of its name.
      .filter(({ cidr, usedBy }) => usedBy === undefined || toldElsewhere(cidr.split('/')[0]!).length === 0)
      .map(dispute => {
        const { why, remedy } = disputeOf(dispute, { names, peers })
        return { what: `${dispute.container} has ${dispute.cidr}: ${why}`, remedy }
      }),
    toldHere: key => node.names.of(key)?.addresses ?? [],
    toldElsewhere,
    lostBlocks: node.lostBlocks(),
    unownedBlocks: ipam.unownedBlocks,
    wait: ipam.state === 'waiting' ? (ipam.reason ?? 'no owner of addresses is known') : undefined,
    isInRange: text => isInRange(range, text),
  }
}

/** Of an address in CIDR form. */
export function isInRange(range: Cidr, text: string): boolean {
  const cidr = parseCidr(text)
  return cidr !== undefined && contains(range, cidr.address)
}

/** A name that somebody gave to any address says nothing of who has it. */
function isExternal(container: string): boolean {
  return container.startsWith(EXTERNAL_PREFIX)
}
