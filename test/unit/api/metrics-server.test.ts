import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { TokenBucket } from '../../../lib/base/mod.ts'
import { MetricsServer, type MetricsAnswers } from '../../../lib/api/mod.ts'
import { freePort } from '../../support/free-port.ts'

t.setTimeout(120_000)
const METRICS = 'weave_ts_ready 1\n'

interface World {
  readonly port: number
  readonly asked: string[]
  readonly faults: string[]
  isReady: boolean
  metrics: () => ReturnType<MetricsAnswers['metrics']>
}

async function opened(
  t: { teardown(fn: () => Promise<void>): unknown },
  host = '127.0.0.1',
  requests?: TokenBucket,
): Promise<World> {
  const port = await freePort()
  const body = Buffer.from(METRICS)
  const world: World = {
    ...{ port, asked: [], faults: [], isReady: true },
    metrics: () => Promise.resolve({ contentType: 'text/plain', body }),
  }
  const answers: MetricsAnswers = {
    metrics: format => {
      world.asked.push(format)
      return world.metrics()
    },
    isReady: () => world.isReady,
  }
  const onFault = (text: string) => world.faults.push(text)
  const server = await MetricsServer.listen(parseEndpoint(`${host}:${port}`)!, answers, onFault, requests)
  t.teardown(() => server.close())
  return world
}

function ask(
  { port }: World,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<{ status: number | undefined; text: string; headers: Record<string, unknown> }> {
  const { method = 'GET', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, response => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode, text, headers: response.headers }))
      response.on('error', reject)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** What comes back until the far side ends, or `isEnough` says so. */
async function heard(socket: Socket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) {
    text += chunk as string
    if (isEnough(text)) break
  }
  return text
}

t.test('metrics, health and readiness are answered, and nothing else is there', async t => {
  const world = await opened(t)
  t.match(await ask(world, '/metrics'), { status: 200, text: METRICS, headers: { 'cache-control': 'no-store' } })
  t.match(await ask(world, '/metrics?name[]=x'), { status: 200, text: METRICS })
  t.match(await ask(world, '/healthz'), { status: 200, text: 'ok\n' })
  t.match(await ask(world, '/readyz'), { status: 200, text: 'ready\n' })
  t.match(await ask(world, '/'), { status: 200, text: '/metrics, /healthz, /readyz\n' })
  t.match(await ask(world, '/metrics', { method: 'HEAD' }), { status: 200, text: '' })
  for (const path of ['/v1/status', '/metrics/', '//metrics', '/metrics/../v1/stop', '/report'])
    t.match(await ask(world, path), { status: 404 }, path)
  world.isReady = false
  t.match(await ask(world, '/readyz'), { status: 503, text: /^not ready/ })
  t.match(await ask(world, '/healthz'), { status: 200 })
  world.metrics = () => Promise.resolve(undefined)
  t.match(await ask(world, '/metrics'), { status: 503, text: 'the daemon starts\n' })
  world.metrics = () => Promise.reject(new Error('a secret place'))
  t.match(await ask(world, '/metrics'), { status: 500, text: 'a fault of weave-ts, see its log\n' })
  t.match(world.faults, [/a secret place/])
})

t.test('who accepts OpenMetrics gets it', async t => {
  const world = await opened(t)
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  await ask(world, '/metrics', { headers: { accept } })
  await ask(world, '/metrics', { headers: { accept: '*/*' } })
  t.strictSame(world.asked, ['openmetrics', 'text'])
})

t.test('what is no plain question is refused before anything is measured', async t => {
  const world = await opened(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])
    t.match(await ask(world, '/metrics', { method }), { status: 405, headers: { connection: 'close' } }, method)
  t.match(await ask(world, '/metrics', { headers: { 'content-length': '4' }, body: 'text' }), { status: 413 })
  t.match(await ask(world, '/metrics', { headers: { 'transfer-encoding': 'chunked' } }), { status: 413 })
  t.match(await ask(world, '/metrics', { headers: { a: 'x'.repeat(9_000) } }), { status: 431 })
  t.strictSame(world.asked, [])
})

t.test('a web page is refused, by its Origin or by the name that it has for this host', async t => {
  const world = await opened(t)
  for (const headers of [
    { origin: 'http://example.com' },
    { 'sec-fetch-site': 'same-origin' },
    { host: 'rebound.example.com' },
    { host: `rebound.example.com:${world.port}` },
    { host: '192.0.2.1' },
  ])
    t.match(await ask(world, '/metrics', { headers: headers as never }), { status: 403 }, JSON.stringify(headers))
  t.strictSame(world.asked, [])
  for (const host of ['localhost', `localhost:${world.port}`, '127.0.0.1', '[::1]:9', '127.1.2.3'])
    t.match(await ask(world, '/metrics', { headers: { host } }), { status: 200 }, host)
})

t.test('where others reach it, it is asked by any name', async t => {
  const world = await opened(t, '0.0.0.0')
  t.match(await ask(world, '/metrics', { headers: { host: 'host1.example.com:6782' } }), { status: 200 })
  t.match(await ask(world, '/metrics', { headers: { origin: 'http://host1' } }), { status: 403 })
})

t.test('of one source eight connections stay, and one that ends makes room', async t => {
  const { port } = await opened(t)
  const sockets = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return socket
    }),
  )
  const ninth = connect(port, '127.0.0.1')
  t.equal(await heard(ninth).catch(() => ''), '', 'it is closed')
  const [first] = sockets
  first!.destroy()
  let text = ''
  // The server hears of the end a moment later.
  while (!text.startsWith('HTTP/1.1 200')) {
    const next = connect(port, '127.0.0.1')
    next.on('error', () => undefined)
    next.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    text = await heard(next).catch(() => '')
  }
  t.match(text, /ok\n$/)
  for (const socket of sockets) socket.destroy()
})

t.test('more requests than a scraper has are turned away, and nothing is measured for them', async t => {
  const world = await opened(t)
  const socket = connect(world.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(400))
  const statuses = [...(await heard(socket, text => text.includes(' 429 '))).matchAll(/HTTP\/1\.1 (\d+)/g)]
  t.equal(statuses.at(-1)?.[1], '429')
  t.ok(world.asked.length >= 50 && world.asked.length < 100, `${world.asked.length} were answered`)
  socket.destroy()
})

t.test('a request that never ends, and a connection that says nothing, are given up', async t => {
  const { port } = await opened(t)
  const begun = performance.now()
  const drips = connect(port, '127.0.0.1')
  drips.on('error', () => undefined)
  drips.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n')
  const drip = setInterval(() => drips.write('a: b\r\n'), 500)
  t.match(await heard(drips).catch(() => ''), /^HTTP\/1\.1 408 /)
  clearInterval(drip)
  t.ok(performance.now() - begun < 9_000)
  const silent = connect(port, '127.0.0.1')
  silent.on('error', () => undefined)
  await once(silent.resume(), 'close')
  t.ok(performance.now() - begun < 25_000)
})

t.test('a port in use, or an address of another host, is said with what to do', async t => {
  const { port } = await opened(t)
  const answers: MetricsAnswers = { metrics: () => Promise.resolve(undefined), isReady: () => false }
  const listen = (text: string) => MetricsServer.listen(parseEndpoint(text)!, answers, () => undefined)
  await t.rejects(listen(`127.0.0.1:${port}`), {
    code: 'PORT_IN_USE',
    message: `--metrics 127.0.0.1:${port}: TCP port ${port} is in use by another program`,
    remedy: /--metrics IP:PORT$/,
  })
  await t.rejects(listen('192.0.2.77:6782'), { code: 'CONFIG_INVALID', message: /this host has no such address/ })
})

t.test('no bytes at the door throw, or have anything measured that is no question for it', async t => {
  const world = await opened(t, '127.0.0.1', new TokenBucket(1e6, 1e6))
  const line = fc.constantFrom(
    ...['GET /metrics HTTP/1.1', 'GET / HTTP/1.0', 'HEAD /readyz HTTP/1.1', 'CONNECT a:1 HTTP/1.1', 'GET'],
    ...['GET http://x/metrics HTTP/1.1', 'POST /metrics HTTP/1.1', 'PRI * HTTP/2.0', 'GET /%00 HTTP/9.9', ''],
  )
  const header = fc.constantFrom(
    ...['host: localhost', 'content-length: 5', 'content-length: -1', 'transfer-encoding: chunked', 'upgrade: h2c'],
    ...['connection: upgrade', 'expect: 100-continue', 'a:', ': b', 'host: x\r\nhost: y', 'accept: \u0001', ' folded'],
  )
  const shaped = fc
    .tuple(line, fc.array(header, { maxLength: 6 }), fc.string({ maxLength: 40 }))
    .map(([first, headers, rest]) => Buffer.from([first, ...headers, '', rest].join('\r\n'), 'latin1'))
  const question = fc.constant(Buffer.from('GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'))
  const wild = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 8, arbitrary: shaped }, { weight: 8, arbitrary: wild }, question),
      async bytes => {
        const before = world.asked.length
        const socket = connect(world.port, '127.0.0.1')
        socket.on('error', () => undefined)
        socket.end(bytes)
        await once(socket.resume(), 'close')
        const isQuestion = /GET (?:http:\/\/x)?\/metrics HTTP/.test(bytes.toString('latin1'))
        return world.asked.length === before || isQuestion
      },
    ),
    { numRuns: 400 },
  )
  t.strictSame(world.faults, [])
  t.match(await ask(world, '/healthz'), { status: 200 }, 'it still answers')
  t.ok(world.asked.length > 0, 'some were questions')
})
