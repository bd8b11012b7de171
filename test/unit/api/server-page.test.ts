import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PageFiles } from '../../../lib/api/mod.ts'
import { raw, served } from './server-fixture.ts'

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function fetched(socketPath: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path, headers }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    }).on('error', reject)
  })
}

const directory = mkdtempSync(join(tmpdir(), 'weave-ts-page-'))
t.teardown(() => rmSync(directory, { recursive: true }))
writeFileSync(join(directory, 'index.html'), '<p>page')
writeFileSync(join(directory, 'page.js'), 'js()')
const page = new PageFiles(directory)
const readers = { gid: process.getegid!(), group: 'ops' }

for (const [who, only] of [
  ['root', undefined],
  ['readers', readers],
] as const)
  t.test(`${who} have the page at /, and its files beside it`, async t => {
    const { socketPath } = await served(t, () => ({ is: 'a call' }), { page }, only)
    const index = await fetched(socketPath, '/')
    t.match(index, { status: 200, body: '<p>page', headers: { 'content-type': 'text/html; charset=utf-8' } })
    t.match(index.headers['content-security-policy'], /^default-src 'none'; script-src 'self'/)
    t.match(await fetched(socketPath, '/', { 'if-none-match': index.headers.etag! }), { status: 304, body: '' })
    t.match(await fetched(socketPath, '/page.js'), { status: 200, body: 'js()' })
    t.match(
      await fetched(socketPath, '/v1/status'),
      { status: 200, body: '{"is":"a call"}' },
      'calls are what they were',
    )
    for (const path of ['/none.js', '/..%2f..%2fetc%2fpasswd', '/../../etc/passwd', '/%00', '/a/b.js'])
      t.match(await raw(socketPath, 'GET', path), { status: 404, body: { code: 'USAGE' } }, path)
    t.match(await raw(socketPath, 'GET', '/', { headers: { origin: 'http://example.com' } }), { status: 400 })
    t.match(await raw(socketPath, 'POST', '/', { body: '{}' }), { status: 404 })
  })

t.test('where the page was not built it is said how to', async t => {
  const { socketPath, faults } = await served(t, () => ({}), { page: new PageFiles('/nonexistent') })
  t.match(await raw(socketPath, 'GET', '/'), { status: 404, body: { code: 'PAGE_MISSING', remedy: /make build/ } })
  t.strictSame(faults, [])
})
