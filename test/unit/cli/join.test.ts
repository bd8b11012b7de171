import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Status } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { invitedAs, launchWordsOf, otherMeshNote, requireNoOtherMesh, withKeptSecret } from '../../../lib/cli/join.ts'
import { INVITE, MESH } from './invitation-fixture.ts'

const OTHER = 'cd'.repeat(16)
const { range, domain } = INVITE
const running = (id: string | null) =>
  ({ mesh: { id }, pid: 7, ipam: { range }, dns: { domain }, encryption: 'secret' }) as Status

/** A directory in which a state directory may be made, or is there. */
function place(t: { teardown(end: () => void): void }, isThere: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-join-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const stateDir = join(directory, 'state')
  if (isThere) mkdirSync(stateDir, { mode: 0o700 })
  return { stateDir, file: join(stateDir, 'mesh-secret') }
}

t.test('an invitation becomes a launch whose secret is in a file for root alone', async t => {
  const { stateDir, file } = place(t, false)
  let words: readonly string[] = []
  await withKeptSecret(INVITE, stateDir, async secretFile => {
    words = launchWordsOf(INVITE, secretFile)
  })
  t.strictSame(words, [
    ...['--mesh', MESH, '--ipalloc-range', '10.40.0.0/16', '--dns-domain', 'weave.local', '--password-file', file],
    '192.0.2.1:6783',
  ])
  t.equal(readFileSync(file, 'utf8'), 'a secret\n')
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('an open mesh has no secret, and nothing is kept', async t => {
  const { stateDir } = place(t, false)
  const open = { ...INVITE, secret: '' }
  await withKeptSecret(open, stateDir, async file => t.notOk(launchWordsOf(open, file).includes('--password-file')))
  t.notOk(existsSync(stateDir))
})

t.test('where no daemon comes up all is as it was', async t => {
  const refused = new WeaveError('PORT_IN_USE', 'port 6783 is in use', 'end it')
  const fails = () => Promise.reject(refused)
  const anew = place(t, false)
  await t.rejects(withKeptSecret(INVITE, anew.stateDir, fails), refused)
  t.notOk(existsSync(anew.stateDir), 'a directory that was made for it is gone')
  const there = place(t, true)
  await t.rejects(withKeptSecret(INVITE, there.stateDir, fails), refused)
  t.same([existsSync(there.stateDir), existsSync(there.file)], [true, false])
  writeFileSync(there.file, 'the one before\n', { mode: 0o600 })
  await t.rejects(withKeptSecret(INVITE, there.stateDir, fails), refused)
  t.equal(readFileSync(there.file, 'utf8'), 'the one before\n')
})

t.test('a daemon that runs is a member already, of another mesh, waits for this one, or is in the way', async t => {
  const { stateDir, file } = place(t, true)
  writeFileSync(file, 'a secret\n', { mode: 0o600 })
  writeFileSync(join(stateDir, 'other'), 'another\n', { mode: 0o600 })
  const options = { mesh: MESH, passwordFile: file }
  t.equal(invitedAs(INVITE, running(MESH), {}), 'member')
  t.throws(() => invitedAs(INVITE, running(OTHER), options), { code: 'MESH_FOUNDED', message: /cdcd.*abab/ })
  t.equal(invitedAs(INVITE, running(null), options), 'waiting')
  const open = { ...running(null), encryption: 'open' as const }
  t.equal(invitedAs({ ...INVITE, secret: '' }, open, { mesh: MESH }), 'waiting')
  const inTheWay = (message: RegExp, remembers: object, status = running(null), invite = INVITE) =>
    t.throws(() => invitedAs(invite, status, { ...options, ...remembers }), {
      code: 'LAUNCHED_OTHERWISE',
      message,
      remedy: /weave-ts stop && weave-ts join -$/,
    })
  inTheWay(/pid 7 runs already, is of no mesh, and waits for no mesh by its id$/, { mesh: OTHER })
  inTheWay(/and has another mesh secret$/, { passwordFile: join(stateDir, 'other') })
  inTheWay(/another mesh secret$/, { passwordFile: false })
  inTheWay(/another mesh secret$/, {}, open)
  inTheWay(/another mesh secret$/, {}, running(null), { ...INVITE, secret: '' })
  inTheWay(/the range 10\.40\.0\.0\/16, not 10\.1\.0\.0\/16$/, {}, running(null), { ...INVITE, range: '10.1.0.0/16' })
  inTheWay(/the domain weave\.local, not other$/, {}, running(null), { ...INVITE, domain: 'other' })
})

t.test('a host of another mesh is not moved', async t => {
  const { stateDir } = place(t, true)
  t.doesNotThrow(() => requireNoOtherMesh(INVITE, stateDir))
  const remember = (mesh: string) => {
    const launch = { version: 1, mesh: 'secret', options: {}, member: { mesh, contacts: [] } }
    writeFileSync(join(stateDir, 'launch.json'), JSON.stringify(launch), { mode: 0o600 })
  }
  remember(OTHER)
  t.throws(() => requireNoOtherMesh(INVITE, stateDir), { code: 'MESH_FOUNDED', message: /cdcd.*abab/ })
  remember(MESH)
  t.doesNotThrow(() => requireNoOtherMesh(INVITE, stateDir))
  t.match(otherMeshNote(INVITE, running(OTHER)), /is of the mesh cdcd.*abab.* gave way to it/)
  t.equal(otherMeshNote(INVITE, running(MESH)), undefined)
})
