import { parseEndpoint, splitHostPort } from '../address/mod.ts'
import type { ConnectionView, Status } from '../api/mod.ts'
import { counted } from '../base/mod.ts'
import { peerName } from './render.ts'

const PORT_DEFAULT = 6783
const SHOWN_LINKS_MAX = 3
/** Of connections that are links. */
const LINKED: readonly ConnectionView['state'][] = ['pending', 'established', 'relayed', 'tcp']

/** What a launch was, beside the status that came of it. */
export interface LaunchFacts {
  /** The mesh that this host was of before, 32 hex characters; undefined or empty: of none. */
  readonly meshBefore: string | undefined
  readonly tookMs: number
  /**
   * It may have been of the mesh before, or have founded it: an earlier launch noted none yet, or who founds was decided
   * by vote.
   */
  readonly isUncertain: boolean
}

/** What became of a launch, in one line or two; empty while this peer is of no mesh: then it is said what it waits for. */
export function renderLaunched(status: Status, { meshBefore, tookMs, isUncertain }: LaunchFacts): string {
  const { id, isPristine } = status.mesh
  if (id === null) return ''
  if (id === meshBefore) return `goes on with the mesh ${id}${linkedTo(status)}`
  if (isPristine && !isUncertain) return `founded the mesh ${id}\n${nextHost(status)}`
  const linked = status.connections.filter(({ state }) => LINKED.includes(state)).flatMap(({ peer }) => peer ?? [])
  const through = linked.length === 0 ? '' : ` through ${linked.slice(0, SHOWN_LINKS_MAX).map(peerName).join(', ')}`
  return `${isUncertain ? 'is of' : 'joined'} the mesh ${id}${through} in ${(tookMs / 1_000).toFixed(1)} s`
}

/** Of a launch that found what it asks for. */
export function renderRunning(status: Status): string {
  const mesh = status.mesh.id === null ? ', of no mesh yet' : `, of the mesh ${status.mesh.id}${linkedTo(status)}`
  return `runs already as asked (pid ${status.pid})${mesh}`
}

function linkedTo({ links, peers }: Status): string {
  const others = peers.filter(({ isSelf }) => !isSelf).length
  return others === 0 ? '' : `, linked to ${links.count} of ${counted(others, 'other peer')} so far`
}

/** What to run on the next host. */
function nextHost({ endpoints, encryption }: Status): string {
  const secret = encryption === 'secret' ? ' --password-file FILE' : ''
  return `on the next host: weave-ts launch${secret} ${hostOf(endpoints[0])}`
}

/** As it is written on a command line; the usual port is left out. */
function hostOf(endpoint: string | undefined): string {
  if (endpoint === undefined || parseEndpoint(endpoint) === undefined) return 'HOST'
  const { host = endpoint, port } = splitHostPort(endpoint)
  return port === PORT_DEFAULT ? host : endpoint
}
