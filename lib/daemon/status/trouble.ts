import { WeaveError } from '../../base/mod.ts'
import { isSecretTrouble, type NodeReport } from '../../node/mod.ts'
import { SECRET_REMEDY } from '../../doctor/mod.ts'
import { few } from '../few.ts'
import { electionOf, namedOthers } from './election.ts'
import { Names } from './names.ts'

/** There is no link, and others have another mesh secret. */
export function secretWarnings(report: Pick<NodeReport, 'neighbours' | 'contacts'>): string[] {
  const cause = secretCause(report)
  return cause === undefined ? [] : [`${cause}: ${SECRET_REMEDY}`]
}

/** The same without what to do; undefined where it is not so. */
export function secretCause({ neighbours, contacts }: Pick<NodeReport, 'neighbours' | 'contacts'>): string | undefined {
  const refusing = contacts.filter(contact => isSecretTrouble(contact.lastError))
  const count = new Set(refusing.map(contact => contact.endpoint ?? contact.text)).size
  if (neighbours.length > 0 || count === 0) return undefined
  const who = count === 1 ? '1 peer has another mesh secret than' : `${count} peers have another mesh secret than`
  return `${who} this host, and there is no link`
}

/**
 * Peers that the operator named, that answered, and that have not let this host in: a host that has a mesh waits for nothing,
 * and would not say so otherwise. What is said of secrets before is not said again.
 */
export function refusalWarnings(report: Pick<NodeReport, 'mesh' | 'neighbours' | 'contacts'>): string[] {
  if (report.mesh.id === undefined) return []
  const isTold = secretCause(report) !== undefined
  const lines = namedOthers(report).flatMap(({ text, refusal, isReached, state }) => {
    if (refusal === undefined || isReached || state === 'connected') return []
    const isOfSecret = isSecretTrouble(refusal)
    if (isOfSecret && isTold) return []
    return [`there is no link to ${text}: ${refusal}${isOfSecret ? `; ${SECRET_REMEDY}` : ''}`]
  })
  return few(lines, more => `there is no link to ${more} more peers that were named`)
}

/** An address that nobody could give because this peer has not joined: says why it has not. */
export function explained(error: unknown, report: () => NodeReport): unknown {
  if (!(error instanceof WeaveError) || error.code !== 'IPAM_WAITING') return error
  const current = report()
  const { wait } = electionOf(current, new Names(current))
  if (wait === undefined) return error
  return new WeaveError(
    error.code,
    `${error.message}; ${wait}`,
    'look at all attempts with `weave-ts status connections`, and mend that first',
  )
}
