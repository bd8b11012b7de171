import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isChange } from '../../../lib/api/calls.ts'
import { EVENT_STREAM_PATH } from '../../../lib/api/constants.ts'
import { ApiClient, CALLS, CALL_NAMES, readSocketOf, type Call } from '../../../lib/api/mod.ts'
import { raw, served } from './server-fixture.ts'

const GID = 65_533
const STRANGER = 65_534
const isRoot = process.geteuid?.() === 0
const readers = { gid: isRoot ? GID : process.getegid!(), group: 'ops' }
const isForReaders = (name: keyof typeof CALLS) => (CALLS[name] as Call).isForReaders === true

t.test('what readers may call is written down, and changes nothing', async t => {
  t.strictSame(
    CALL_NAMES.filter(isForReaders),
    [
      ...['status', 'report', 'metrics', 'ps', 'containers', 'whois', 'routes', 'graph', 'history', 'groups', 'ping'],
      ...['top', 'ipam', 'events', 'dns', 'dns-lookup'],
    ],
    'before you add one: it must tell no secret, and cost little, as often as it is called',
  )
  t.strictSame(
    CALL_NAMES.filter(name => isForReaders(name) && isChange(name)),
    [],
  )
})

t.test('readers are answered what is for them, and told why they are not answered more', async t => {
  const asked: string[] = []
  const { socketPath } = await served(t, name => (asked.push(name), name === 'metrics' ? '{}' : {}), {}, readers)
  const bodies: Readonly<Record<string, string>> = {
    whois: '{"what":"a"}',
    ping: '{"peer":"a"}',
    'dns-lookup': '{"name":"a"}',
  }
  for (const name of CALL_NAMES) {
    const { method, path } = CALLS[name]
    const answer = await raw(socketPath, method, path, method === 'POST' ? { body: bodies[name] ?? '{}' } : {})
    if (isForReaders(name)) t.equal(answer.status, 200, name)
    else
      t.match(answer, {
        status: 403,
        body: {
          code: 'NO_PERMISSION',
          message: `the group ops may look and no more, and ${name} is for root`,
          remedy: /root/,
        },
      })
  }
  t.strictSame(asked, CALL_NAMES.filter(isForReaders), 'nothing else came to a handler')
  t.match(await raw(socketPath, 'GET', '/v1/fly'), { status: 404 })
})

t.test('readers may follow events', async t => {
  const { socketPath } = await served(
    t,
    () => ({}),
    { events: { list: () => [], watch: () => () => undefined } },
    readers,
  )
  const status = await new Promise((resolve, reject) => {
    get({ socketPath, path: EVENT_STREAM_PATH }, response => {
      resolve(response.statusCode)
      response.destroy()
    }).on('error', reject)
  })
  t.equal(status, 200)
})

t.test('the socket is for the group', async t => {
  const { socketPath } = await served(t, () => ({}), {}, readers)
  const { mode, gid } = statSync(socketPath)
  t.strictSame([mode & 0o777, gid], [0o660, readers.gid])
})

/** Does something as another user, of one group. */
async function as<T>(gid: number, run: () => Promise<T>): Promise<T> {
  process.setegid!(gid)
  process.seteuid!(STRANGER)
  try {
    return await run()
  } finally {
    process.seteuid!(0)
    process.setegid!(0)
  }
}

t.test(
  'a member of the group is answered by that socket where the other is not for it',
  { skip: isRoot ? false : 'needs root' },
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'weave-ts-closed-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const closed = join(directory, 'api.sock')
    chmodSync(directory, 0o700)
    const { socketPath } = await served(t, () => ({ addresses: [], names: ['a'] }), {}, readers)
    chmodSync(join(socketPath, '..'), 0o755)
    const client = new ApiClient(closed, { readSocketPath: () => socketPath })
    t.strictSame(await as(GID, () => client.call('dns-lookup', { name: 'a' })), { addresses: [], names: ['a'] })
    await t.rejects(
      as(GID, () => client.call('stop')),
      { code: 'NO_PERMISSION', exitStatus: 77, message: /^the group ops may look/ },
    )
    const stranger = as(STRANGER, () => client.call('dns-lookup', { name: 'a' }))
    await t.rejects(stranger, { code: 'NO_PERMISSION', message: closed, remedy: /--group/ }, 'who is not of it')
    const without = new ApiClient(closed, { readSocketPath: () => join(socketPath, '../none') })
    await t.rejects(
      as(GID, () => without.call('ps')),
      { code: 'NO_PERMISSION', message: closed },
      'where there is none',
    )
    await t.rejects(client.call('ps'), { code: 'DAEMON_DOWN', message: closed }, 'root is not sent there')
  },
)

t.test('each state directory has a socket of its own, outside of it', async t => {
  t.equal(readSocketOf('/var/lib/weave-ts'), '/run/weave-ts/var/lib/weave-ts/api-read.sock')
})
