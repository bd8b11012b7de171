import type { CallAnswer } from '../api/mod.ts'
import { peerName } from './render.ts'
import { column } from './table.ts'

/** One line for each group with who listens to it, below a line of headings; then who gets all multicast. */
export function renderGroups({ groups, everything }: CallAnswer<'groups'>): string {
  const rows = [
    ['GROUP', 'LISTENERS'],
    ...groups.map(({ group, peers }) => [group, peers.map(peerName).join(' ')]),
    ...everything.map(({ peer, why }) => ['all', `${peerName(peer)}: ${why}`]),
  ]
  const width = Math.max(...rows.map(([group]) => group!.length))
  return rows.map(([group, who]) => `${column(group!, width)}  ${who}`).join('\n')
}
