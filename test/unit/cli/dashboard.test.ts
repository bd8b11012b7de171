import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PageFiles, type ApiClient } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { openDashboard } from '../../../lib/cli/dashboard.ts'

const directory = mkdtempSync(join(tmpdir(), 'weave-ts-dashboard-'))
t.teardown(() => rmSync(directory, { recursive: true }))
writeFileSync(join(directory, 'index.html'), '<p>page')
const files = new PageFiles(directory)

/** A client of a daemon that is up, or not. */
function client(failure?: WeaveError): Pick<ApiClient, 'call' | 'pass'> {
  return {
    call: (() => (failure === undefined ? Promise.resolve({}) : Promise.reject(failure))) as never,
    pass: () => Promise.reject(new WeaveError('DAEMON_DOWN', 'gone', 'launch it')),
  }
}

function visit(url: string): Promise<{ status: number | undefined; cookie: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, response => {
      response.resume()
      resolve({ status: response.statusCode, cookie: response.headers['set-cookie']?.[0] ?? '' })
    }).on('error', reject)
  })
}

t.test('each run has an address and a cookie of its own, which nobody guesses', async t => {
  const secrets = new Set<string>()
  for (let run = 0; run < 2; run++) {
    const server = await openDashboard(0, client(), files)
    t.teardown(() => server.close())
    const [, token = ''] = /^http:\/\/127\.0\.0\.1:\d+\/enter\?token=([A-Za-z0-9_-]{43})$/.exec(server.url) ?? []
    const { status, cookie } = await visit(server.url)
    t.equal(status, 200)
    const [, badge = ''] = /^weave-ts-\d+=([A-Za-z0-9_-]{43}); Path=\/; HttpOnly; SameSite=Strict$/.exec(cookie) ?? []
    t.match(await visit(server.url), { status: 403, cookie: '' })
    secrets.add(token).add(badge)
  }
  t.equal(secrets.size, 4)
  t.notOk(secrets.has(''))
})

t.test('what keeps it from being of use is said at once', async t => {
  const down = new WeaveError('DAEMON_DOWN', 'no daemon answers', 'start it')
  await t.rejects(openDashboard(0, client(down), files), { code: 'DAEMON_DOWN' })
  await t.rejects(openDashboard(0, client(), new PageFiles('/nonexistent')), { code: 'PAGE_MISSING' })
  const server = await openDashboard(0, client(), files)
  t.teardown(() => server.close())
  await t.rejects(openDashboard(server.port, client(), files), { code: 'PORT_IN_USE' })
})
