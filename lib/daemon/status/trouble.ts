import { WeaveError } from '../../base/mod.ts'
import { isSecretTrouble, type NodeReport } from '../../node/mod.ts'

/**
 * Why there is no mesh yet: what the first contact that failed said last; undefined when there is one, or none failed.
 */
export function troubleOf({ mesh, contacts }: Pick<NodeReport, 'mesh' | 'contacts'>): string | undefined {
  if (mesh.id !== undefined) return undefined
  const contact = contacts.find(one => one.origin === 'configured' && one.lastError !== undefined)
  return contact === undefined ? undefined : `${contact.text}: ${contact.lastError ?? ''}`
}

/** There is no link, and others have another mesh secret. */
export function secretWarnings({ neighbours, contacts }: Pick<NodeReport, 'neighbours' | 'contacts'>): string[] {
  const refusing = contacts.filter(contact => isSecretTrouble(contact.lastError))
  const count = new Set(refusing.map(contact => contact.endpoint ?? contact.text)).size
  if (neighbours.length > 0 || count === 0) return []
  const who = count === 1 ? '1 peer has another mesh secret than' : `${count} peers have another mesh secret than`
  return [
    `${who} this host, and there is no link: give it that of the mesh (weave-ts launch --replace --password-file FILE)`,
  ]
}

/** An address that nobody could give because this peer has not joined: says why it has not. */
export function explained(error: unknown, report: () => Pick<NodeReport, 'mesh' | 'contacts'>): unknown {
  if (!(error instanceof WeaveError) || error.code !== 'IPAM_WAITING') return error
  const trouble = troubleOf(report())
  if (trouble === undefined) return error
  return new WeaveError(
    error.code,
    `${error.message}; ${trouble}`,
    'look at all attempts with `weave-ts status connections`, and mend that first',
  )
}
