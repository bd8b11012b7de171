import { existsSync, readSync, rmSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { isatty } from 'node:tty'
import type { Status } from '../api/mod.ts'
import { WeaveError } from '../base/mod.ts'
import { readRememberedLaunch } from '../daemon/mod.ts'
import { SECRET_FILE, readStateFile, secureStateDir, stateLockHolder, writeFileDurably } from '../io/mod.ts'
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

/**
 * Whether the daemon that runs here is of the mesh of the invitation already; undefined where none runs.
 * @throws WeaveError MESH_FOUNDED when it is of another one, LAUNCHED_OTHERWISE when of none
 */
export function isMemberAlready({ mesh }: Invite, running: Pick<Status, 'mesh' | 'pid'> | undefined): boolean {
  if (running === undefined) return false
  if (running.mesh.id === mesh) return true
  if (running.mesh.id !== null) throw otherMesh(running.mesh.id, mesh)
  throw new WeaveError(
    'LAUNCHED_OTHERWISE',
    `the daemon with pid ${running.pid} runs already, and is of no mesh`,
    'end it, then join again: weave-ts stop',
  )
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
