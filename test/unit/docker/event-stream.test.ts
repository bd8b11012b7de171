import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { EventStream, parseDockerHost, parseEvent, type DockerEvent } from '../../../lib/docker/mod.ts'
import { EVENT_LINE_BYTES_MAX } from '../../../lib/docker/limits.ts'
import { waitFor } from '../../support/testbed-command.ts'

const id = '0123456789abcdef'.repeat(4)
const line = (action: string, more: object = {}) =>
  `${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: id, Attributes: { name: 'web' } }, ...more })}\n`

/** A stream at a socket of its own, and what it told. */
async function world(t: Test, timeoutMs = 300) {
  const directory = await mkdtemp('/tmp/weave-ts-events-')
  const path = `${directory}/docker.sock`
  const events: DockerEvent[] = []
  const downs: { why: string; isAbsent: boolean }[] = []
  let ups = 0
  const listener = {
    onUp: () => void ups++,
    onEvent: (event: DockerEvent) => void events.push(event),
    onDown: (why: string, isAbsent: boolean) => void downs.push({ why, isAbsent }),
  }
  const stream = new EventStream(parseDockerHost(path), listener, { timeoutMs })
  const sockets = new Set<Socket>()
  const close: (() => Promise<unknown>)[] = []
  t.teardown(async () => {
    stream.stop()
    for (const socket of sockets) socket.destroy()
    for (const end of close) await end()
    await rm(directory, { recursive: true })
  })
  const listen = async (server: Server) => {
    server.on('connection', (socket: Socket) => sockets.add(socket))
    await new Promise<void>(resolve => server.listen(path, resolve))
    close.push(() => new Promise(resolve => server.close(resolve)))
  }
  return { stream, events, downs, listen, sockets, ups: () => ups }
}

/** An engine that streams; each subscriber is given to `serve`. */
const engine = (serve: (response: ServerResponse, url: string) => void) =>
  createHttpServer((request, response) => {
    response.writeHead(200)
    response.flushHeaders()
    serve(response, request.url ?? '')
  })

t.test('events are told in their order, however they are cut; others are passed over', async t => {
  const w = await world(t)
  let url = ''
  await w.listen(
    engine((response, asked) => {
      url = asked
      const text = `${line('start')}\n${line('x', { Type: 'image' })}${line('die')}${line('destroy')}`
      response.write(text.slice(0, 30))
      setImmediate(() => response.write(text.slice(30)))
    }),
  )
  w.stream.start()
  await waitFor('three events', 2_000, () => w.events.length === 3)
  t.strictSame(
    w.events.map(event => event.action),
    ['start', 'die', 'destroy'],
  )
  t.match(w.events[0], { id, attributes: { name: 'web' } })
  t.match(JSON.parse(new URL(url, 'http://docker').searchParams.get('filters')!), { type: ['container'] })
  t.strictSame(w.downs, [])
})

t.test('a stream that ends is opened again, and tells of the gap', async t => {
  const w = await world(t)
  await w.listen(
    engine(response => {
      response.write(line('start'))
      setTimeout(() => response.destroy(), 20)
    }),
  )
  w.stream.start()
  await waitFor('three connections', 5_000, () => w.ups() >= 3)
  t.ok(w.downs.length >= 2)
  t.notOk(w.downs[0]!.isAbsent)
})

t.test('an engine that comes later is found, and one that is given up is asked again', async t => {
  const w = await world(t)
  w.stream.start()
  await waitFor('it is missed', 2_000, () => w.downs.length > 0)
  t.match(w.downs[0], { isAbsent: true, why: /ENOENT/ })
  await w.listen(engine(() => undefined))
  await waitFor('it is found', 5_000, () => w.stream.isUp)
  w.stream.giveUp('a list hung')
  t.notOk(w.stream.isUp)
  t.match(w.downs.at(-1), { isAbsent: false, why: 'a list hung' })
  await waitFor('it is found again', 5_000, () => w.stream.isUp)
  w.stream.stop()
  await waitFor('the connections are closed', 2_000, () => [...w.sockets].every(socket => socket.destroyed))
  t.equal(w.ups(), 2)
})

t.test('an engine that hangs, refuses, floods or talks nonsense is left', async t => {
  const cases: [string, RegExp, () => Server][] = [
    ['hangs', /no answer within 300 ms/, () => createServer(socket => void socket.resume())],
    ['talks no HTTP', /Parse Error/, () => createServer(socket => void socket.resume().end('SSH-2.0-OpenSSH\r\n'))],
    [
      'refuses',
      /answered 500/,
      () =>
        createHttpServer((_, response) => {
          response.statusCode = 500
          response.end('{"message":"no"}')
        }),
    ],
    ['talks nonsense', /does not tell events/, () => engine(response => void response.write('<html>\n'))],
    [
      'floods',
      new RegExp(`more than ${EVENT_LINE_BYTES_MAX} bytes`),
      () => engine(response => void response.write('x'.repeat(EVENT_LINE_BYTES_MAX + 70_000))),
    ],
  ]
  for (const [name, why, server] of cases) {
    const w = await world(t)
    await w.listen(server())
    w.stream.start()
    await waitFor(`${name}: it is left twice`, 5_000, () => w.downs.length >= 2)
    t.match(w.downs[0], { why, isAbsent: false }, name)
    t.strictSame(w.events, [])
    w.stream.stop()
    await waitFor('no connection is left', 2_000, () => [...w.sockets].every(socket => socket.destroyed))
  }
})

t.test('parseEvent takes any text without throwing', async t => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), text => {
      const event = parseEvent(text)
      return event === undefined || event === 'nonsense'
    }),
  )
  t.match(parseEvent(line('start')), { action: 'start', id })
  t.equal(parseEvent(line('start', { Actor: { ID: '../x' } })), undefined)
  t.equal(parseEvent('[1]'), 'nonsense')
})
