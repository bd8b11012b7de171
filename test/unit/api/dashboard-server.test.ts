import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { ApiClient, DashboardServer, PageFiles, type CallName, type EventView } from '../../../lib/api/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { QUESTIONS } from '../../../lib/page/asking-plan.ts'
import { deferred, served } from './server-fixture.ts'

/** What the page asks. */
const SHOWN: readonly string[] = Object.keys(QUESTIONS)

interface Teardown {
  teardown(fn: () => unknown): unknown
}

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function get(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers, agent: false }, response => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

/** A page of one file, in front of a socket. */
async function dashboard(t: Teardown, socketPath: string) {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-dashboard-'))
  writeFileSync(join(directory, 'index.html'), '<p>page')
  const faults: string[] = []
  const server = await DashboardServer.listen(0, {
    client: new ApiClient(socketPath),
    files: new PageFiles(directory),
    ...{ token: 'T', badge: 'B', onFault: (text: string) => void faults.push(text) },
  })
  t.teardown(async () => {
    await server.close()
    rmSync(directory, { recursive: true })
  })
  const cookie = `weave-ts-${server.port}=B`
  return {
    server,
    port: server.port,
    faults,
    ask: (path: string, more = {}) => get(server.port, path, { cookie, ...more }),
  }
}

t.test('a browser comes in by the address, and then has the page and what the daemon says', async t => {
  const asked: [CallName, unknown][] = []
  const { socketPath } = await served(t, (name, input) => (asked.push([name, input]), { name }))
  const { server, port, faults } = await dashboard(t, socketPath)
  t.equal(server.url, `http://127.0.0.1:${port}/enter?token=T`)
  t.match(await get(port, '/'), { status: 403, body: /cookie[^]*weave-ts dashboard/ })
  const entered = await get(port, '/enter?token=T')
  t.match(entered, { status: 200, headers: { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } })
  t.match(entered.body, '<meta http-equiv="refresh" content="0; url=/">', 'a redirect may come without the cookie')
  const [cookie = ''] = entered.headers['set-cookie']![0]!.split(';')
  t.match(await get(port, '/enter?token=T', { cookie }), { status: 403, body: /used already/ })
  const page = await get(port, '/', { cookie })
  t.match(page, { status: 200, body: '<p>page', headers: { 'content-type': 'text/html; charset=utf-8' } })
  t.match(page.headers['content-security-policy'], "default-src 'none'")
  t.match(await get(port, '/', { cookie, 'if-none-match': String(page.headers.etag) }), { status: 304, body: '' })
  for (const name of SHOWN) {
    const { status, headers, body } = await get(port, `/v1/${name}?x=1`, { cookie, origin: `http://127.0.0.1:${port}` })
    t.strictSame([status, body], [200, JSON.stringify({ name })])
    t.match(headers, { 'content-type': /^application\/json/, 'cache-control': 'no-store', 'weave-ts-build': /\+/ })
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
  t.strictSame(
    asked.map(([name]) => name),
    SHOWN,
  )
  t.match(await get(port, '/none.js', { cookie }), { status: 404, body: /no such file/ })
  t.strictSame(faults, [])
})

t.test(
  'who has not come in, comes by another name or from another page, or would change something is refused',
  async t => {
    const { socketPath } = await served(t, name => t.fail(`${name} was called`))
    const { port, ask } = await dashboard(t, socketPath)
    t.match(await get(port, '/v1/status'), { status: 403, headers: { 'content-type': /json/ } })
    t.match(JSON.parse((await get(port, '/v1/status')).body), { code: 'NO_PERMISSION', remedy: /weave-ts dashboard/ })
    t.match(await ask('/v1/status', { host: 'evil.example' }), { status: 403 })
    t.match(await ask('/v1/status', { origin: 'http://evil.example' }), { status: 403 })
    t.match(await ask('/v1/status', { 'sec-fetch-site': 'cross-site' }), { status: 403 })
    t.match(await ask('/v1/reset'), { status: 403, body: /command line/ })
    const cookie = `weave-ts-${port}=B`
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])
      t.match(await get(port, '/v1/stop', { cookie }, method), { status: 405 }, method)
  },
)

t.test('nothing that the browser says of itself goes on to the daemon', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-daemon-'))
  const socketPath = join(directory, 'api.sock')
  const heard = deferred<string>()
  const daemon = createServer(socket =>
    socket.on('data', bytes => {
      heard.resolve(bytes.toString())
      socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nset-cookie: a=b\r\nx-own: 1\r\n\r\nhello')
    }),
  )
  await new Promise<void>(resolve => daemon.listen(socketPath, resolve))
  t.teardown(() => {
    daemon.close()
    rmSync(directory, { recursive: true })
  })
  const { ask, port } = await dashboard(t, socketPath)
  const answer = await ask('/v1/status', { origin: `http://127.0.0.1:${port}`, 'x-forwarded-for': 'me' })
  t.equal(await heard.promise, 'GET /v1/status HTTP/1.0\r\nconnection: close\r\n\r\n')
  t.match(answer, { status: 200, body: 'hello', headers: { 'content-type': 'text/plain' } })
  t.strictSame([answer.headers['set-cookie'], answer.headers['x-own']], [undefined, undefined])
})

t.test('where there is no daemon it is said, and once there is one it is asked', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-daemon-'))
  const socketPath = join(directory, 'api.sock')
  t.teardown(() => rmSync(directory, { recursive: true }))
  const { ask, faults } = await dashboard(t, socketPath)
  for (const path of ['/v1/status', '/v1/events/stream']) {
    const { status, body } = await ask(path)
    t.equal(status, 503)
    t.match(JSON.parse(body), { code: 'DAEMON_DOWN', message: socketPath, remedy: /weave-ts launch/ })
  }
  t.match(await ask('/'), { status: 200 }, 'the page is there all the same')
  const daemon = createServer(socket => socket.resume().end('HTTP/1.1 200 OK\r\n\r\nback'))
  await new Promise<void>(resolve => daemon.listen(socketPath, resolve))
  t.match(await ask('/v1/status'), { status: 200, body: 'back' })
  await new Promise(resolve => daemon.close(resolve))
  t.match(await ask('/v1/status'), { status: 503 })
  t.strictSame(faults, [])
})

t.test('what the daemon refuses comes through as it is', async t => {
  const { socketPath } = await served(t, () => {
    throw new WeaveError('DAEMON_BUSY', 'not now', 'later')
  })
  const { ask } = await dashboard(t, socketPath)
  const { status, body } = await ask('/v1/doctor')
  t.equal(status, 503)
  t.strictSame(JSON.parse(body), { code: 'DAEMON_BUSY', message: 'not now', remedy: 'later' })
})

t.test('an answer that breaks off breaks off, and is none', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-daemon-'))
  const socketPath = join(directory, 'api.sock')
  const daemon = createServer(socket => socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'))
  await new Promise<void>(resolve => daemon.listen(socketPath, resolve))
  t.teardown(() => {
    daemon.close()
    rmSync(directory, { recursive: true })
  })
  const { ask, faults } = await dashboard(t, socketPath)
  await t.rejects(ask('/v1/status'), { code: 'ECONNRESET' })
  t.strictSame(faults, [])
})

const event = (seq: number): EventView => ({
  ...{ seq, time: '2026-01-31T12:00:00.000Z', level: 'info', event: 'link-up', text: '', details: {} },
})

t.test('events come as they happen; a browser that goes is not watched for any more', async t => {
  const watchers = new Set<(one: EventView) => void>()
  const events = {
    list: ({ after = 0 }: { after?: number }) => [event(1), event(2)].filter(({ seq }) => seq > after),
    watch: (watcher: (one: EventView) => void) => {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
  }
  const { socketPath } = await served(t, () => ({}), { events })
  const { port } = await dashboard(t, socketPath)
  const headers = { cookie: `weave-ts-${port}=B`, 'last-event-id': '1' }
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request({ host: '127.0.0.1', port, path: '/v1/events/stream', headers, agent: false }, resolve)
      .on('error', reject)
      .end(),
  )
  t.match(response.headers, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
  const [past, news] = [deferred<undefined>(), deferred<undefined>()]
  let text = ''
  response.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (text.includes('id: 2')) past.resolve(undefined)
    if (text.includes('id: 3')) news.resolve(undefined)
  })
  await past.promise
  t.equal(watchers.size, 1)
  for (const tell of watchers) tell(event(3))
  await news.promise
  t.notMatch(text, 'id: 1')
  response.destroy()
  while (watchers.size > 0) await new Promise(resolve => setImmediate(resolve))
})

t.test('a port in use is told of', async t => {
  const { socketPath } = await served(t, () => ({}))
  const { port } = await dashboard(t, socketPath)
  const parts = { client: new ApiClient(socketPath), files: new PageFiles(), token: 'T', badge: 'B' }
  await t.rejects(DashboardServer.listen(port, { ...parts, onFault: t.fail }), {
    code: 'PORT_IN_USE',
    message: `--port ${port}: TCP port ${port} of 127.0.0.1 is in use by another program`,
    remedy: /free one/,
  })
})

t.test('no more than some connections are open at once', async t => {
  const { socketPath } = await served(t, () => ({}))
  const { port, ask } = await dashboard(t, socketPath)
  const sockets = Array.from({ length: 48 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  let open = sockets.length
  const few = new Promise<void>(resolve => {
    for (const socket of sockets) socket.resume().on('close', () => --open === 32 && resolve())
  })
  await few
  await t.rejects(ask('/'), 'and this one')
  for (const socket of sockets) socket.destroy()
  while (
    !(await ask('/').then(
      ({ status }) => status === 200,
      () => false,
    ))
  );
})

t.test('bytes of any kind get no further than the door, and those who are in are served all the same', async t => {
  const { socketPath } = await served(t, name => t.fail(`${name} was called`))
  const { port, ask, faults } = await dashboard(t, socketPath)
  const piece = fc.constantFrom(
    ...[
      'GET ',
      'POST ',
      '/v1/status',
      '/enter?token=',
      'x',
      ' HTTP/1.1',
      ' HTTP/1.0',
      '\r\n',
      `Host: 127.0.0.1:${port}`,
    ],
    ...['Cookie: ', `weave-ts-${port}=`, 'Content-Length: 5', 'Transfer-Encoding: chunked', 'Upgrade: websocket', '\0'],
    ...['Connection: upgrade', ' ', '/../..', 'Expect: 100-continue'],
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 16 }).map(pieces => pieces.join('')),
  )
  await fc.assert(
    fc.asyncProperty(text, async sent => {
      const socket = connect(port, '127.0.0.1')
      let heard = ''
      const closed = new Promise<void>(resolve => socket.on('close', () => resolve()).on('error', () => undefined))
      socket.on('data', bytes => (heard += bytes.toString()))
      // What is half a request is ended by the end of what comes.
      socket.end(`${sent}\r\n\r\n`, 'latin1')
      await closed
      return heard === '' || /^HTTP\/1\.1 (400|403|404|405|413|417|431|501)/.test(heard)
    }),
    { numRuns: 200 },
  )
  t.match(await ask('/'), { status: 200 })
  t.strictSame(faults, [])
})
