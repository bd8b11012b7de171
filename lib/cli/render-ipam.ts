import type { IpamCheck, IpamMap } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { peerName } from './render.ts'
import { column } from './table.ts'

/** One line for each run of blocks: addresses, how many, owner, and what is known of them. */
export function renderIpamMap({ range, blockPrefix, runs, outside }: IpamMap): string {
  const rows = runs.map(run => {
    const owner = run.owner === null ? 'nobody' : peerName(run.owner)
    const counts = [
      `${run.told} in use`,
      ...(run.leased > 0 ? [`${run.leased} here`] : []),
      ...(run.resting > 0 ? [`${run.resting} resting`] : []),
      ...(run.lent > 0 ? [`${run.lent} lent`] : []),
      ...(run.barred > 0 ? [`${run.barred} held back`] : []),
      ...(run.free === null ? [] : [`${run.free} free`]),
    ]
    const isAway = run.owner !== null && !run.isReachable
    return {
      cells: [`${run.first}-${run.last}`, String(run.addresses), owner],
      text: `${isAway ? 'unreachable! ' : ''}${counts.join(', ')}`,
    }
  })
  const widths = [0, 1, 2].map(at => Math.max(...rows.map(({ cells }) => cells[at]!.length)))
  const lines = rows.map(({ cells, text }) => {
    const [stretch, size, owner] = cells as [string, string, string]
    return `${column(stretch, widths[0]!)} ${size.padStart(widths[1]!)} ${column(owner, widths[2]!)} ${text}`
  })
  const others = outside.map(
    ({ address, container, peer }) => `outside: ${address} of ${container} on ${peerName(peer)}`,
  )
  return [`${range} in /${blockPrefix} blocks`, ...lines, ...others].join('\n')
}

/** A finding is two lines: what does not fit, and what to do. */
export function renderIpamCheck({ leases, targets, addresses, findings }: IpamCheck): string {
  const compared = `${counted(leases, 'lease')}, ${counted(targets, 'target')} and ${counted(addresses, 'address', 'addresses')} of them were compared`
  if (findings.length === 0) return `${compared}: all agree`
  return [
    ...findings.flatMap(({ what, remedy }) => [what, `  ${remedy}`]),
    `${compared}: ${counted(findings.length, 'finding')}`,
  ].join('\n')
}
