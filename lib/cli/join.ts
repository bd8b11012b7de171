import { existsSync, readSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import type { Status } from '../api/mod.ts'
import { WeaveError, equalBytes, utf8 } from '../base/mod.ts'
import { readRememberedLaunch, type GivenOptions } from '../daemon/mod.ts'
import {
  SECRET_FILE,
  readPasswordFile,
  readStateFile,
  secureStateDir,
  stateLockHolder,
  writeFileDurably,
} from '../io/mod.ts'
import { INVITE_CHARACTERS_MAX, decodeInvite, type Invite } from './invitation.ts'

const STANDARD_INPUT = 0

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

/** What a daemon that runs here is to an invitation: of its mesh, or waiting for it, which more endpoints can help. */
export type Invited = 'member' | 'waiting'

/**
 * `remembers`: the options that it was launched with.
 * @throws WeaveError MESH_FOUNDED when it is of another mesh, LAUNCHED_OTHERWISE when it waits for none or by other options
 */
export function invitedAs(
  invite: Invite,
  running: Pick<Status, 'mesh' | 'pid' | 'ipam' | 'dns' | 'encryption'>,
  remembers: GivenOptions,
): Invited {
  const { mesh, pid, ipam, dns, encryption } = running
  if (mesh.id === invite.mesh) return 'member'
  if (mesh.id !== null) throw otherMesh(mesh.id, invite.mesh)
  const differs = [
    ...(remembers['mesh'] === invite.mesh ? [] : ['waits for no mesh by its id']),
    ...(ipam.range === invite.range ? [] : [`has the range ${ipam.range}, not ${invite.range}`]),
    ...(dns.domain === invite.domain ? [] : [`has the domain ${dns.domain}, not ${invite.domain}`]),
    ...(hasSecretOf(invite, encryption, remembers['passwordFile']) ? [] : ['has another mesh secret']),
  ]
  if (differs.length === 0) return 'waiting'
  throw new WeaveError(
    'LAUNCHED_OTHERWISE',
    `the daemon with pid ${pid} runs already, is of no mesh, and ${differs.join(', ')}`,
    'end it, then join again: weave-ts stop && weave-ts join -',
  )
}

/** A secret that is in no file cannot be compared, and counts as another. */
function hasSecretOf(
  { secret }: Invite,
  encryption: Status['encryption'],
  file: GivenOptions[string] | undefined,
): boolean {
  if (secret === '') return encryption === 'open'
  if (encryption === 'open' || typeof file !== 'string') return false
  const bytes = readPasswordFile(file).secret.take()
  try {
    return equalBytes(bytes, utf8(secret))
  } finally {
    bytes.fill(0)
  }
}

/** @throws WeaveError MESH_FOUNDED when the state directory is of another mesh than the one that is asked for */
export function requireNoOtherMesh({ mesh }: Pick<Invite, 'mesh'>, stateDir: string): void {
  const member = readRememberedLaunch(stateDir)?.member?.mesh ?? ''
  if (member !== '' && member !== mesh) throw otherMesh(member, mesh)
}

function otherMesh(own: string, invited: string): WeaveError {
  return new WeaveError(
    'MESH_FOUNDED',
    `this host is of the mesh ${own}, and asked for is ${invited}`,
    'to leave the one for the other: weave-ts reset, then join again',
  )
}

/** The words of the launch that follows an invitation. `secretFile`: where the secret is then. */
export function launchWordsOf(invite: Invite, secretFile: string): string[] {
  return [
    ...['--mesh', invite.mesh, '--ipalloc-range', invite.range, '--dns-domain', invite.domain],
    ...(invite.secret === '' ? [] : ['--password-file', secretFile]),
    ...invite.endpoints,
  ]
}

/**
 * Launches with the secret of an invitation in a file of the state directory, where the next launch finds it too. Where no
 * daemon comes up the file is as it was before, and a directory that was made for it is gone.
 */
export async function withKeptSecret(
  { secret }: Invite,
  stateDir: string,
  launch: (secretFile: string) => Promise<unknown>,
): Promise<void> {
  const path = join(stateDir, SECRET_FILE)
  const wasThere = existsSync(stateDir)
  if (secret === '') return void (await launch(path))
  for (const notice of secureStateDir(stateDir)) console.error(`weave-ts: ${notice}`)
  const before = existsSync(path) ? readStateFile(path) : undefined
  writeFileDurably(path, `${secret}\n`)
  try {
    await launch(path)
  } catch (thrown) {
    // One that only has not joined yet goes on, and needs it.
    if (stateLockHolder(stateDir) === undefined) takeBack(path, before, wasThere ? undefined : stateDir)
    throw thrown
  }
}

function takeBack(path: string, before: string | undefined, madeDir: string | undefined): void {
  if (before !== undefined) return writeFileDurably(path, before)
  rmSync(path, { force: true })
  try {
    if (madeDir !== undefined) rmdirSync(madeDir)
  } catch (error) {
    // A log of the daemon that did not come up stays, to be read.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
  }
}

/** What the operator should know where the peer came into another mesh than that of the invitation. */
export function otherMeshNote(invite: Invite, { mesh }: Status): string | undefined {
  return mesh.id === null || mesh.id === invite.mesh
    ? undefined
    : `this host is of the mesh ${mesh.id} now: that of the invitation, ${invite.mesh}, had given no address and gave way to it`
}
