import type { Status } from '../../api/mod.ts'
import type { Contact, NodeReport } from '../../node/mod.ts'
import type { Names } from './names.ts'

/** So many peers are named in a line. */
const NAMED_MAX = 5

const FOUND = 'run `weave-ts found` on one of these hosts, and on no other'

export interface FoundingView {
  readonly state: Status['mesh']['founding']
  /** Why there is no mesh yet, and what to do; undefined when there is one. */
  readonly wait?: string
}

/** Whether this peer is of a mesh; if not, what it would take. */
export function foundingOf(
  { mesh, neighbours, contacts }: Pick<NodeReport, 'mesh' | 'neighbours' | 'contacts'>,
  names: Names,
): FoundingView {
  if (mesh.id !== undefined) return { state: 'done' }
  const named = contacts.filter(contact => contact.origin === 'configured')
  const others = named.filter(contact => contact.state !== 'ourself')
  if (neighbours.some(neighbour => neighbour.hasMesh))
    return { state: 'waiting', wait: 'a peer of a mesh is linked, which this one is about to join' }
  if (neighbours.length > 0) {
    const linked = listed(neighbours.map(({ peerId }) => names.short(peerId)))
    const missing = others.filter(contact => !contact.isReached && contact.lastError !== undefined)
    const rest = missing.length === 0 ? '' : `; not reached: ${listed(missing.map(troubleOf))}`
    return {
      state: 'nobody',
      wait: `nobody has founded a mesh: this peer is linked to ${linked}, who is of none either${rest}; ${FOUND}`,
    }
  }
  if (named.length === 0)
    return {
      state: 'nobody',
      wait: 'no peer was named, and nobody has founded a mesh: run `weave-ts connect HOST` to join one, or `weave-ts found`',
    }
  if (others.length === 0)
    return {
      state: 'nobody',
      wait: 'nobody has founded a mesh, and the peers that were named are this host itself: run `weave-ts found`',
    }
  const failed = others.filter(contact => contact.lastError !== undefined).map(troubleOf)
  const why = failed.length === 0 ? 'none has answered yet' : listed(failed)
  return {
    state: 'waiting',
    wait: `no peer of a mesh is reached: ${why}; if no mesh was founded yet, ${FOUND}`,
  }
}

function troubleOf({ text, lastError }: Contact): string {
  return `${text}: ${lastError ?? ''}`
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMED_MAX).join(', ')
  return texts.length > NAMED_MAX ? `${shown} and ${texts.length - NAMED_MAX} more` : shown
}
