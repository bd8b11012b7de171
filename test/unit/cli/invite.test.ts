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
    memberEndpoints: [],
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

t.test('other members are named behind this host, so that it need not be up', async t => {
  const invited = (endpoints: string[], memberEndpoints: string[]) =>
    decodeInvite(inviteText(statusIn(stateDir(t), { encryption: 'open', endpoints, memberEndpoints }), undefined))
      .endpoints
  const own = Array.from({ length: 16 }, (_, number) => `192.0.2.${number}:6783`)
  const others = own.map(endpoint => endpoint.replace('192.0.2', '198.51.100'))
  t.strictSame(invited(own.slice(0, 1), others.slice(0, 2)), [...own.slice(0, 1), ...others.slice(0, 2)])
  t.strictSame(invited(own, []), own)
  t.strictSame(invited(own, others), [...own.slice(0, 8), ...others.slice(0, 8)])
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
