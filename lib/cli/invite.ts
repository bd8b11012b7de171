import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { readRememberedLaunch } from '../daemon/mod.ts'
import { readPasswordFile } from '../io/mod.ts'
import { encodeInvite } from './invitation.ts'

/**
 * The invitation into the mesh of this host. The daemon keeps no secret: it is read where the last launch had it.
 * @throws WeaveError MESH_WAITING without a mesh, CONFIG_INVALID without the secret or an address
 */
export function inviteText(status: Status, passwordFile: string | undefined): string {
  const { mesh, endpoints, ipam, dns, encryption, stateDir } = status
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
  return encodeInvite({ mesh: mesh.id, endpoints, range: ipam.range, domain: dns.domain, secret })
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
