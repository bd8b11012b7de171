import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Status } from '../../../lib/api/mod.ts'
import { decodeInvite } from '../../../lib/cli/invitation.ts'
import { inviteText } from '../../../lib/cli/invite.ts'
import { INVITE } from './invitation-fixture.ts'

function stateDir(t: { teardown(end: () => void): void }, launch?: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-invite-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  if (launch !== undefined)
    writeFileSync(
      join(directory, 'launch.json'),
      JSON.stringify({ version: 1, mesh: 'secret', options: {}, ...launch }),
      {
        mode: 0o600,
      },
    )
  return directory
}

function statusIn(directory: string, parts: object = {}): Status {
  const { mesh: id, endpoints, range, domain } = INVITE
  const status = {
    mesh: { id },
    endpoints,
    ipam: { range },
    dns: { domain },
    encryption: 'secret',
    waiting: [],
  }
  return { ...status, stateDir: directory, ...parts } as unknown as Status
}

t.test('the secret is that of the file of the last launch, or of a file that is named', async t => {
  const directory = stateDir(t)
  const file = join(directory, 'secret')
  writeFileSync(file, 'a secret\n', { mode: 0o600 })
  t.strictSame(decodeInvite(inviteText(statusIn(directory), file)), INVITE)
  t.strictSame(decodeInvite(inviteText(statusIn(stateDir(t, { options: { passwordFile: file } })), undefined)), INVITE)
  t.throws(() => inviteText(statusIn(directory), undefined), { code: 'CONFIG_INVALID', message: /is in no file/ })
  t.equal(decodeInvite(inviteText(statusIn(directory, { encryption: 'open' }), undefined)).secret, '')
})

t.test('who is of no mesh, or has no address, invites nobody', async t => {
  const directory = stateDir(t)
  const waiting = ['nobody has founded']
  t.throws(() => inviteText(statusIn(directory, { mesh: { id: null }, waiting }), undefined), {
    code: 'MESH_WAITING',
    message: /nobody has founded/,
  })
  t.throws(() => inviteText(statusIn(directory, { endpoints: [] }), undefined), { code: 'CONFIG_INVALID' })
})
