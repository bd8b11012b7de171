import type { Status } from '../../api/mod.ts'
import { peerLabel, type PeerId } from '../../address/mod.ts'
import { TO_OURSELF, isSecretTrouble, type Contact, type ElectionReport, type NodeReport } from '../../node/mod.ts'
import { linkAdvice } from '../../doctor/mod.ts'
import type { Names } from './names.ts'

/** So many peers are named in a line. */
const NAMED_MAX = 5

const FOUND = 'run `weave-ts found` on one of these hosts, and on no other'

export interface ElectionView {
  readonly state: Status['mesh']['founding']
  /** Why there is no mesh yet, and what to do; undefined when there is one. */
  readonly wait?: string
}

/** What the decision waits for. `given`: of this peer, where it does not decide itself. */
function decisionOf(
  { type, plan, ...election }: ElectionReport,
  given: { readonly isEphemeral: boolean; readonly hasContacts: boolean; readonly isRefused: boolean },
): string {
  if (election.founder !== undefined) {
    const elected = `${nameOf(election.founder)} is elected to found the mesh (${plan}), and has not told of it yet`
    if (!election.isFounderMissing) return elected
    return `${elected}: start that host${given.isRefused ? '' : `; if there is none, or it is gone for good, ${FOUND}`}`
  }
  if (type === 'observer') {
    const who = given.isEphemeral ? 'this peer was launched with --ephemeral, so it' : 'an observer'
    const how = given.hasContacts
      ? 'it joins that of the peers that were named as soon as there is one'
      : 'name a host of the one to join: `weave-ts connect HOST`, or `weave-ts launch HOST`'
    return `${who} founds no mesh and has no vote: ${how}`
  }
  const few = election.electors < election.quorum
  const others = election.others.map(other => `${nameOf(other)} (${other.size})`)
  return [
    `who founds is being decided (${plan}): ${election.electors} of ${election.size} peers take part`,
    ...(few ? [`${election.quorum} are enough`] : []),
    ...(election.electors > election.size ? ['launch all with the number of all hosts'] : []),
    ...(others.length > 0
      ? [`not counted, since launched with another --ipalloc-init: ${listed(others)}; give all hosts the same`]
      : []),
    ...(election.ambiguous.length > 0
      ? [`not counted, since seeds must have names of their own: ${listed(election.ambiguous.map(nameOf))}`]
      : []),
  ].join('; ')
}

function nameOf({ peerId, nickname }: { readonly peerId: PeerId; readonly nickname: string }): string {
  return peerLabel(peerId, nickname)
}

/** Whether this peer is of a mesh; if not, what it would take. */
export function electionOf(
  { self, mesh, neighbours, contacts }: Pick<NodeReport, 'self' | 'mesh' | 'neighbours' | 'contacts'>,
  names: Names,
): ElectionView {
  if (mesh.id !== undefined) return { state: 'done' }
  const named = contacts.filter(contact => contact.origin === 'configured')
  const others = namedOthers({ contacts })
  const members = neighbours.filter(neighbour => neighbour.hasMesh)
  const refusal = refusalBy(others.filter(contact => !contact.isReached && contact.refusal !== undefined))
  if (mesh.invitedTo !== undefined)
    return { state: 'waiting', wait: invitedWait(mesh.invitedTo, { members, neighbours, others, refusal }, names) }
  if (mesh.election !== undefined) {
    const uninvited =
      members.length === 0
        ? ''
        : `; ${listed(members.map(({ peerId }) => names.short(peerId)))} of a mesh is linked, which this peer was not told to join: \`weave-ts connect\` with its address does`
    const isRefused = refusal !== undefined
    const given = { isEphemeral: self.isEphemeral === true, hasContacts: others.length > 0, isRefused }
    // An observer decides nothing, and where it knows nobody, nobody does.
    const decides = mesh.election.type !== 'observer' || neighbours.length > 0
    const state = mesh.election.isFounderMissing && !isRefused ? 'nobody' : decides ? 'deciding' : 'waiting'
    return { state, wait: decisionOf(mesh.election, given) + uninvited + (isRefused ? `; ${refusal}` : '') }
  }
  if (members.length > 0)
    return { state: 'waiting', wait: 'a peer of a mesh is linked, which this one is about to join' }
  // Whoever answers and refuses may be of a mesh: nothing is founded beside it.
  if (refusal !== undefined) return { state: 'waiting', wait: `no mesh is joined: ${refusal}` }
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
  const failed = others.filter(contact => contact.lastError !== undefined)
  const why = failed.length === 0 ? 'none has answered yet' : listed(failed.map(troubleOf))
  const advice = failed.flatMap(({ lastError = '', text }) => linkAdvice(lastError, text) ?? [])[0]
  return {
    state: 'waiting',
    wait: `no peer of a mesh is reached: ${why}${advice === undefined ? '' : `; ${advice}`}; if no mesh was founded yet, ${FOUND}`,
  }
}

/** Peers that the operator named, but for this one itself. */
export function namedOthers({ contacts }: Pick<NodeReport, 'contacts'>): Contact[] {
  return contacts.filter(
    ({ origin, state, lastError }) => origin === 'configured' && state !== 'ourself' && lastError !== TO_OURSELF,
  )
}

/** Who answered and has not let this peer in, why, and what to do; undefined where nobody has. */
function refusalBy(refusing: readonly Contact[]): string | undefined {
  if (refusing.length === 0) return undefined
  const what = listed(refusing.map(({ text, refusal }) => `${text}: ${refusal ?? ''}`))
  return refusing.some(({ refusal }) => isSecretTrouble(refusal))
    ? `${what}; give this host the secret of the mesh: weave-ts launch --replace --password-file FILE`
    : what
}

/** What a host waits for that may come into one mesh only; nothing is ever founded on it. */
function invitedWait(
  mesh: string,
  given: Pick<NodeReport, 'neighbours'> & {
    readonly members: NodeReport['neighbours']
    readonly others: readonly Contact[]
    readonly refusal: string | undefined
  },
  names: Names,
): string {
  const waits = `this host waits for the mesh ${mesh} of its invitation`
  const { members, neighbours, others, refusal } = given
  const first = members[0]
  if (first !== undefined) return `${waits}, which it is about to join through ${names.short(first.peerId)}`
  const linked = neighbours.map(({ peerId }) => `linked to ${names.short(peerId)}, who is of no mesh`)
  const failed = others.flatMap(contact =>
    contact.isReached || contact.refusal !== undefined || contact.state === 'connected' ? [] : [troubleOf(contact)],
  )
  const tried = [
    ...(refusal === undefined ? [] : [refusal]),
    ...linked,
    ...(failed.length === 0 ? [] : [listed(failed)]),
  ]
  const what = tried.length === 0 ? 'no host of it was named' : tried.join('; ')
  return `${waits}: ${what}; name a host of it that is up: \`weave-ts connect HOST\``
}

function troubleOf({ text, lastError }: Contact): string {
  return `${text}: ${lastError ?? 'no answer yet'}`
}

/** A few of them. */
export function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMED_MAX).join(', ')
  return texts.length > NAMED_MAX ? `${shown} and ${texts.length - NAMED_MAX} more` : shown
}
