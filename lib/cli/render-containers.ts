import type { Whereabouts } from '../api/mod.ts'
import { peerName, shownId } from './render.ts'
import { column } from './table.ts'

/** One line for each container: host, id, addresses, names. */
export function renderContainers(containers: readonly Whereabouts[]): string {
  const rows = containers.map(view => [peerName(view.peer), shownId(view.container), view.addresses.join(' ')] as const)
  const widths = [0, 1, 2].map(at => Math.max(0, ...rows.map(row => row[at]!.length)))
  return containers
    .map((view, i) =>
      [
        ...rows[i]!.map((cell, at) => column(cell, widths[at]!)),
        ...view.names,
        ...(view.isReachable ? [] : ['- unreachable!']),
        ...(view.isPlugged ? [] : ['(kept for it; it is not plugged in)']),
      ]
        .join(' ')
        .trimEnd(),
    )
    .join('\n')
}
