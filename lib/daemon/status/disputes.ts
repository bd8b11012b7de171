import type { IpamReport } from '../../ipam/mod.ts'
import type { Advice } from '../../base/mod.ts'
import type { NodeReport } from '../../node/mod.ts'
import type { Names } from './names.ts'

type Dispute = IpamReport['disputed'][number]

/** How it is with an address here that somebody else may have too, and what to do. For people. */
export function disputeOf(
  { owner, usedBy, isAsked }: Dispute,
  { names, peers }: { readonly names: Names; readonly peers: NodeReport['peers'] },
): { readonly why: string; readonly remedy: string } {
  if (usedBy !== undefined)
    return {
      why: `${names.short(usedBy)} says that it has it in use too`,
      remedy:
        'detach one of the two and attach it anew; `weave-ts ipam check` on both hosts says which containers they are',
    }
  const remedy = 'detach it and attach it anew, for another address'
  if (owner === undefined) return { why: 'its block belongs to nobody that is known', remedy }
  const block = `its block belongs to ${names.short(owner)}`
  if (isAsked !== true) return { why: `${block}, who does not lend it`, remedy }
  const isReached = peers.some(({ peerId, isReachable }) => peerId === owner && isReachable)
  return {
    why: isReached ? `${block}, who is being asked to lend it` : `${block}, who is asked to lend it once it is reached`,
    remedy: 'nothing has to be done: it is lent within seconds of being reached, or said to be disputed',
  }
}

/** Addresses of containers here that are another peer's to give, and those that another peer says to have too. */
export function disputeAdvice(report: Pick<NodeReport, 'ipam' | 'peers'>, names: Names): Advice[] {
  const { disputed } = report.ipam
  const kinds = [
    disputed.filter(one => one.usedBy !== undefined),
    disputed.filter(one => one.usedBy === undefined && one.isAsked !== true),
    disputed.filter(one => one.isAsked === true),
  ]
  return kinds.flatMap(([first, ...others]) => {
    if (first === undefined) return []
    const more = others.length > 0 ? ` and ${others.length} more` : ''
    const { why, remedy } = disputeOf(first, { names, peers: report.peers })
    const doubt = first.isAsked === true ? 'to be lent' : 'disputed'
    return [
      {
        what: `${first.cidr} of ${first.container}${more}: ${doubt}, for ${why}`,
        remedy: `${remedy}; \`weave-ts status ipam\` shows all`,
      },
    ]
  })
}
