import type { CallAnswer } from '../api/mod.ts'
import { peerName } from './render.ts'
import { tabled } from './table.ts'

/** One line for each group with who listens to it, below a line of headings; then who gets all multicast. */
export function renderGroups({ groups, everything }: CallAnswer<'groups'>): string {
  const rows = [
    ['GROUP', 'LISTENERS'],
    ...groups.map(({ group, peers }) => [group, peers.map(peerName).join(' ')]),
    ...everything.map(({ peer, why }) => ['all', `${peerName(peer)}: ${why}`]),
  ]
  return tabled(rows).join('\n')
}
