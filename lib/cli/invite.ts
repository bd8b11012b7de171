import { readSync } from 'node:fs'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { readRememberedLaunch } from '../daemon/mod.ts'
import { SECRET_FILE, readPasswordFile, secureStateDir, writeFileDurably } from '../io/mod.ts'
import { INVITE_CHARACTERS_MAX, decodeInvite, encodeInvite, type Invite } from './invitation.ts'

const STANDARD_INPUT = 0

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
  if (file !== undefined) return new TextDecoder().decode(readPasswordFile(file).secret.take())
  if (environment !== '') return environment
  throw new WeaveError(
    'CONFIG_INVALID',
    'the daemon was launched with a mesh secret that is in no file, and does not keep it',
    'name a file that holds it: weave-ts invite --password-file FILE',
  )
}

/** Of the command line, or of standard input where that is `-`. @throws WeaveError BAD_INVITATION */
export function readInvite(word: string): Invite {
  if (word !== '-') {
    console.error(
      'weave-ts: the invitation was given on the command line: other users could read the secret in it; use `weave-ts join -`',
    )
    return decodeInvite(word)
  }
  if (isatty(STANDARD_INPUT)) console.error('weave-ts: paste the invitation, then press Enter')
  return decodeInvite(readInput())
}

/** To its end, or to that of a line where somebody types. */
function readInput(): string {
  const buffer = Buffer.alloc(INVITE_CHARACTERS_MAX + 1)
  const isTyped = isatty(STANDARD_INPUT)
  let filled = 0
  while (filled < buffer.length && !(isTyped && buffer.subarray(0, filled).includes('\n'))) {
    const count = readSync(STANDARD_INPUT, buffer, filled, buffer.length - filled, null)
    if (count === 0) break
    filled += count
  }
  const text = buffer.toString('utf8', 0, filled)
  buffer.fill(0)
  return text
}

/**
 * The words of the launch that follows an invitation; the secret is in a file of the state directory then, where the
 * next launch finds it too.
 * @throws WeaveError MESH_FOUNDED when this host is of another mesh
 */
export function launchWordsOf(invite: Invite, stateDir: string): string[] {
  const member = readRememberedLaunch(stateDir)?.member?.mesh ?? ''
  if (member !== '' && member !== invite.mesh)
    throw new WeaveError(
      'MESH_FOUNDED',
      `this host is of the mesh ${member}, and the invitation is into ${invite.mesh}`,
      'to leave the one for the other: weave-ts reset, then join again',
    )
  return [
    ...['--ipalloc-range', invite.range, '--dns-domain', invite.domain],
    ...(invite.secret === '' ? [] : ['--password-file', keptSecret(invite.secret, stateDir)]),
    ...invite.endpoints,
  ]
}

function keptSecret(secret: string, stateDir: string): string {
  for (const notice of secureStateDir(stateDir)) console.error(`weave-ts: ${notice}`)
  const path = join(stateDir, SECRET_FILE)
  writeFileDurably(path, `${secret}\n`)
  return path
}

/** What the operator should know where the peer came into another mesh than that of the invitation. */
export function otherMeshNote(invite: Invite, { mesh }: Status): string | undefined {
  return mesh.id === null || mesh.id === invite.mesh
    ? undefined
    : `this host is of the mesh ${mesh.id} now, and the invitation was into ${invite.mesh}: the peers have left that one`
}
