import type { Whereabouts } from './answers.ts'
import { calledBy, containerText } from './words.ts'

export interface ContainerRow {
  readonly container: string
  /** As it is shown. */
  readonly label: string
  readonly host: string
  readonly names: readonly string[]
  readonly addresses: readonly string[]
  readonly state: string
  /** What the search looks in. */
  readonly text: string
}

const EXPOSED = 'weave:expose'

export function containerRows(containers: readonly Whereabouts[]): ContainerRow[] {
  return containers.map(({ container, addresses, names, peer, isReachable, isPlugged }) => {
    const host = calledBy(peer)
    const label = container === EXPOSED ? 'the host itself' : containerText(container)
    return {
      container,
      label,
      host,
      names,
      addresses,
      state: !isReachable ? 'host not reached' : isPlugged ? 'attached' : 'stopped',
      text: [container, label, host, peer.id, ...names, ...addresses].join(' ').toLowerCase(),
    }
  })
}

/** Those in which every word of the query is found, in a name, an address, an id or the host. */
export function foundRows(rows: readonly ContainerRow[], query: string): readonly ContainerRow[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter(word => word !== '')
  return words.length === 0 ? rows : rows.filter(({ text }) => words.every(word => text.includes(word)))
}
