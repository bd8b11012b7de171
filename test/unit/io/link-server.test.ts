import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { parseEndpoint, type Endpoint } from '../../../lib/address/mod.ts'
import type { WeaveError } from '../../../lib/base/mod.ts'
import { ACCEPT_LIMITS, dial, listen, STRANGERS_MAX, type LinkServer } from '../../../lib/io/link-server.ts'
import { LINK_BUFFER_BYTES_MAX, type LinkSocket } from '../../../lib/io/link-socket.ts'

const loopback = (port: number, host = '127.0.0.1'): Endpoint => parseEndpoint(`${host}:${port}`)!

/** What a link heard, with a way to wait for it. */
class Ear {
  text = ''
  reason: string | undefined
  closes = 0
  #wake: (() => void) | undefined

  constructor(link: LinkSocket) {
    link.start({
      onBytes: bytes => {
        this.text += new TextDecoder().decode(bytes)
        this.#wake?.()
      },
      onClose: reason => {
        this.reason = reason
        this.closes++
        this.#wake?.()
      },
    })
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => (this.#wake = resolve))
  }
}

async function serve(t: Test, host?: string): Promise<{ server: LinkServer; next: () => Promise<LinkSocket> }> {
  const arrived: LinkSocket[] = []
  let wake: (() => void) | undefined
  const server = await listen({ port: 0, ...(host !== undefined && { host }) }, link => {
    arrived.push(link)
    wake?.()
  })
  t.teardown(() => server.close())
  const next = async () => {
    while (arrived.length === 0) await new Promise<void>(resolve => (wake = resolve))
    return arrived.shift()!
  }
  return { server, next }
}

async function pair(t: Test): Promise<{ near: LinkSocket; far: LinkSocket; server: LinkServer }> {
  const { server, next } = await serve(t)
  const near = await dial(loopback(server.port), 5000)
  return { near, far: await next(), server }
}

async function closed(socket: Socket): Promise<void> {
  while (!socket.closed) await new Promise(resolve => socket.once('close', resolve))
}

/** The port of a server that never accepts and whose queue is full: a dial to it gets no answer. */
async function silentPort(t: Test): Promise<number> {
  const script = `
    const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['-e', script])
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(chunk.toString())
  const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => undefined))
  await Promise.all(fillers.slice(0, 2).map(socket => once(socket, 'connect')))
  t.teardown(() => {
    child.kill('SIGKILL')
    for (const filler of fillers) filler.destroy()
  })
  return port
}

async function rawServer(t: Test, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

t.test('carries bytes both ways, and a close hands over what was written', async t => {
  const { near, far } = await pair(t)
  const nearEar = new Ear(near)
  const farEar = new Ear(far)
  t.ok(near.write(new TextEncoder().encode('there')))
  await farEar.until(() => farEar.text === 'there')
  t.ok(far.write(new TextEncoder().encode('and back')))
  far.close('refused')
  await nearEar.until(() => nearEar.closes > 0)
  t.equal(nearEar.text, 'and back')
  t.equal(nearEar.reason, 'closed by the other side')
  await farEar.until(() => farEar.closes > 0)
  t.equal(farEar.reason, 'refused')
  t.notOk(near.write(Uint8Array.of(1)))
  near.close('again')
  t.equal(nearEar.closes + farEar.closes, 2)
})

t.test('knows both endpoints, IPv4 in its own form on a dual-stack socket', async t => {
  const { near, far, server } = await pair(t)
  t.equal(near.remoteEndpoint, `127.0.0.1:${server.port}`)
  t.equal(far.localEndpoint, `127.0.0.1:${server.port}`)
  t.equal(far.remoteEndpoint, near.localEndpoint)
  near.close('done')
})

t.test('accepts IPv6 on the same port', async t => {
  const { server, next } = await serve(t)
  let near: LinkSocket
  try {
    near = await dial(loopback(server.port, '[::1]'), 5000)
  } catch (error) {
    if (!/EADDRNOTAVAIL|EAFNOSUPPORT|ENETUNREACH/.test(String(error))) throw error
    t.comment('this host has no IPv6')
    return
  }
  t.match((await next()).remoteEndpoint, /^\[::1\]:/)
  near.close('done')
})

t.test('a close that is told is never told from inside the call', async t => {
  const { near, far } = await pair(t)
  const ear = new Ear(near)
  near.close('mine')
  t.equal(ear.closes, 0)
  far.close('theirs')
  await ear.until(() => ear.closes > 0)
  t.equal(ear.reason, 'mine')
})

t.test('a link that closed before its start still tells why, once', async t => {
  const { near, far } = await pair(t)
  const farEar = new Ear(far)
  near.close('early')
  await farEar.until(() => farEar.closes > 0)
  const ear = new Ear(near)
  await ear.until(() => ear.closes > 0)
  t.equal(ear.reason, 'early')
  t.equal(ear.closes, 1)
})

t.test('a peer that does not read is closed at the limit, not before', async t => {
  const port = await rawServer(t, socket => socket.pause())
  const near = await dial(loopback(port), 5000)
  const ear = new Ear(near)
  const chunk = new Uint8Array(512 * 1024)
  let written = 0
  while (near.write(chunk)) {
    written += chunk.length
    t.ok(near.bufferedBytes <= LINK_BUFFER_BYTES_MAX)
    if (written > 64 * 1024 * 1024) break
  }
  t.ok(written > LINK_BUFFER_BYTES_MAX - chunk.length, `${written} bytes`)
  await ear.until(() => ear.closes > 0)
  t.equal(ear.reason, 'slow peer')
})

t.test('a close does not wait for a peer that never reads', async t => {
  const port = await rawServer(t, socket => socket.pause())
  const near = await dial(loopback(port), 5000)
  const ear = new Ear(near)
  for (let i = 0; i < 7; i++) near.write(new Uint8Array(1024 * 1024))
  near.close('enough')
  await ear.until(() => ear.closes > 0)
  t.equal(ear.reason, 'enough')
})

t.test('one source is refused beyond its burst', async t => {
  const { server, next } = await serve(t)
  const sockets = Array.from({ length: ACCEPT_LIMITS.burst + 30 }, () => {
    const socket = connect({ host: '127.0.0.1', port: server.port })
    socket.on('error', () => undefined)
    return socket
  })
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  for (let i = 0; i < ACCEPT_LIMITS.burst; i++) await next()
  await Promise.all(sockets.slice(-20).map(closed))
  t.ok(server.refused.rate >= 20, `${server.refused.rate} refused`)
  t.ok(server.strangers >= ACCEPT_LIMITS.burst)
  t.equal(server.refused.strangers, 0)
})

t.test('strangers are bounded over all sources, and an established link frees its place', async t => {
  const { server, next } = await serve(t)
  const sockets: Socket[] = []
  t.teardown(() => sockets.forEach(socket => socket.destroy()))
  const open = (source: number) => {
    const socket = connect({
      host: '127.0.0.1',
      port: server.port,
      localAddress: `127.1.${source >> 8}.${(source & 255) + 1}`,
    })
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  const links: LinkSocket[] = []
  for (let i = 0; i < STRANGERS_MAX; i++) {
    open(i >> 3)
    links.push(await next())
  }
  t.equal(server.strangers, STRANGERS_MAX)
  await closed(open(1000))
  t.equal(server.refused.strangers, 1)

  links[0]!.markEstablished()
  links[0]!.markEstablished()
  t.equal(server.strangers, STRANGERS_MAX - 1)
  open(1001)
  await next()
  t.equal(server.strangers, STRANGERS_MAX)
})

t.test('a port in use is an error with the remedy', async t => {
  const { server } = await serve(t)
  const error = await listen({ port: server.port }, () => undefined).then(
    () => undefined,
    (thrown: unknown) => thrown as WeaveError,
  )
  t.equal(error?.code, 'PORT_IN_USE')
  t.ok(error?.message.includes(String(server.port)))
  t.match(error?.remedy ?? '', /ss -ltnp.*--port/)
})

t.test('an address that this host does not have is an error', async t => {
  await t.rejects(
    listen({ host: '203.0.113.7', port: 0 }, () => undefined),
    { code: 'CONFIG_INVALID' },
  )
})

t.test('closing the server ends its links', async t => {
  const { near, server } = await pair(t)
  const ear = new Ear(near)
  await server.close()
  await ear.until(() => ear.closes > 0)
  t.equal(server.strangers, 0)
})

t.test('a dial that is refused, too slow, or aborted says so', async t => {
  const { server } = await serve(t)
  const port = server.port
  await server.close()
  await t.rejects(dial(loopback(port), 5000), { message: 'ECONNREFUSED' })
  const silent = await silentPort(t)
  await t.rejects(dial(loopback(silent), 50), { message: 'timed out after 0.05 s' })
  const abort = new AbortController()
  const dialled = dial(loopback(silent), 60_000, abort.signal)
  setImmediate(() => abort.abort())
  await t.rejects(dialled, { message: 'aborted' })
  await t.rejects(dial(loopback(port), 5000, AbortSignal.abort()), { message: 'aborted' })
})
