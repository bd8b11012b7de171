import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { readRememberedLaunch } from '../daemon/mod.ts'
import { readPasswordFile } from '../io/mod.ts'
import { INVITED_ENDPOINTS_MAX, encodeInvite } from './invitation.ts'

/** Of this host, where there are other members beside: it must not be up when somebody joins. */
const INVITER_ENDPOINTS_MAX = 8

/**
 * The invitation into the mesh of this host. The daemon keeps no secret: it is read where the last launch had it.
 * @throws WeaveError MESH_WAITING without a mesh, CONFIG_INVALID without the secret or an address
 */
export function inviteText(status: Status, passwordFile: string | undefined): string {
  const { mesh, endpoints, memberEndpoints, ipam, dns, encryption, stateDir } = status
  if (mesh.id === null)
    throw new WeaveError(
      'MESH_WAITING',
      `this peer is of no mesh to invite to: ${status.waiting[0] ?? 'none was founded or joined'}`,
      'mend that; `weave-ts prime` waits for it',
    )
  if (endpoints.length === 0)
    throw new WeaveError(
      'CONFIG_INVALID',
      'this peer knows no address at which others reach it',
      'launch it with one: weave-ts launch --replace --advertise IP',
    )
  const secret = encryption === 'open' ? '' : secretOf(stateDir, passwordFile)
  const own = endpoints.slice(0, memberEndpoints.length === 0 ? INVITED_ENDPOINTS_MAX : INVITER_ENDPOINTS_MAX)
  const all = [...new Set([...own, ...memberEndpoints])].slice(0, INVITED_ENDPOINTS_MAX)
  return encodeInvite({ mesh: mesh.id, endpoints: all, range: ipam.range, domain: dns.domain, secret })
}

function secretOf(stateDir: string, passwordFile: string | undefined): string {
  const remembered = readRememberedLaunch(stateDir)?.options['passwordFile']
  const file = passwordFile ?? (typeof remembered === 'string' ? remembered : undefined)
  const environment = process.env['WEAVE_PASSWORD'] ?? ''
  if (file !== undefined)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(readPasswordFile(file).secret.take())
  if (environment !== '') return environment
  throw new WeaveError(
    'CONFIG_INVALID',
    'the daemon was launched with a mesh secret that is in no file, and does not keep it',
    'name a file that holds it: weave-ts invite --password-file FILE',
  )
}
