import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { parseEndpoint } from '../../../lib/address/mod.ts'
import { dial, listen } from '../../../lib/io/link-server.ts'
import {
  LINK_BEHIND_BYTES,
  LINK_BUFFER_BYTES_MAX,
  LINK_PIECE_BYTES_MAX,
  type LinkHandlers,
  type LinkSocket,
} from '../../../lib/io/link-socket.ts'
import { Link } from '../../../lib/peer/mod.ts'
import { linkConfig } from '../peer/link-pair.ts'

/** What a socket told, with a way to wait for it. */
class Ear implements LinkHandlers {
  readonly pieces: Uint8Array[] = []
  readonly told: (boolean | string)[] = []
  byteCount = 0
  #wake: (() => void) | undefined

  onBytes(bytes: Uint8Array): void {
    this.pieces.push(bytes)
    this.byteCount += bytes.length
    this.#wake?.()
  }

  onClose(reason: string): void {
    this.told.push(reason)
    this.#wake?.()
  }

  onBacklog(isBehind: boolean): void {
    this.told.push(isBehind)
    this.#wake?.()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => (this.#wake = resolve))
  }
}

async function pair(t: Test): Promise<{ near: LinkSocket; far: LinkSocket }> {
  let arrived: (link: LinkSocket) => void
  const accepted = new Promise<LinkSocket>(resolve => (arrived = resolve))
  const server = await listen({ host: '127.0.0.1', port: 0 }, link => arrived(link))
  t.teardown(() => server.close())
  const near = await dial(parseEndpoint(`127.0.0.1:${server.port}`)!, 5_000)
  return { near, far: await accepted }
}

t.test('what was received is handed on in order, in pieces, and the close comes last', async t => {
  const { near, far } = await pair(t)
  const ear = new Ear()
  far.start(ear)
  const sent = randomBytes(3 * 1024 * 1024)
  t.ok(near.write(sent))
  near.close('done')
  await ear.until(() => ear.told.length > 0)
  t.ok(Buffer.concat(ear.pieces).equals(sent), 'all of it, before the close')
  t.ok(ear.pieces.every(piece => piece.length <= LINK_PIECE_BYTES_MAX))
  t.strictSame(ear.told, ['closed by the other side'])
})

t.test('a far side that does not read is behind, and no longer when it has read', async t => {
  const { near, far } = await pair(t)
  const ear = new Ear()
  near.start(ear)
  const chunk = randomBytes(64 * 1024)
  let written = 0
  // The kernel takes some megabytes before anything waits here.
  while (!near.isBehind && written < 64 * 1024 * 1024) {
    t.ok(near.write(chunk))
    written += chunk.length
    await new Promise(resolve => setImmediate(resolve))
  }
  t.ok(near.bufferedBytes > LINK_BEHIND_BYTES && near.bufferedBytes < LINK_BUFFER_BYTES_MAX)
  await ear.until(() => ear.told.length > 0)
  t.strictSame(ear.told, [true])
  t.ok(near.write(chunk), 'it is told, not cut off')
  written += chunk.length
  const reader = new Ear()
  far.start(reader)
  await reader.until(() => reader.byteCount === written)
  await ear.until(() => ear.told.length > 1)
  t.strictSame(ear.told, [true, false])
  t.notOk(near.isBehind)
  near.close('done')
})

t.test('being behind is never told from inside a write', async t => {
  const { near } = await pair(t)
  const ear = new Ear()
  near.start(ear)
  t.ok(near.write(new Uint8Array(LINK_BUFFER_BYTES_MAX)))
  t.ok(near.isBehind)
  t.strictSame(ear.told, [])
  await ear.until(() => ear.told.length > 0)
  near.close('done')
})

/** Another process that comes up as a neighbour and then sends sealed messages of no known kind, as fast as it can. */
function flooder(port: number, messages: number) {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    import { Link } from ${module('../../../lib/peer/link.js')}
    import { linkConfig } from ${module('../peer/link-pair.js')}
    import { connect } from 'node:net'
    const link = new Link(linkConfig('initiator'), 0)
    const socket = connect(${port}, '127.0.0.1')
    const take = () => {
      const written = []
      for (let output = link.pollOutput(); output !== undefined; output = link.pollOutput())
        if (output.type === 'write') written.push(output.bytes)
      return Buffer.concat(written)
    }
    socket.write(take())
    socket.on('data', bytes => {
      if (socket.flooded) return
      link.handleBytes(bytes, 0)
      socket.write(take())
      if (!link.isUp) return
      socket.flooded = true
      for (let i = 0; i < ${messages}; i++) link.send(Uint8Array.of(200))
      socket.end(take())
    })`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] })
}

t.test(
  'a neighbour that floods with sealed nonsense leaves turns for everything else',
  { timeout: 120_000 },
  async t => {
    const messages = 60_000
    const link = new Link(linkConfig('responder'), 0)
    let dropped = 0
    let closed: (() => void) | undefined
    const end = new Promise<void>(resolve => (closed = resolve))
    const server = await listen({ host: '127.0.0.1', port: 0 }, socket =>
      socket.start({
        onBytes(bytes) {
          link.handleBytes(bytes, 0)
          for (let output = link.pollOutput(); output !== undefined; output = link.pollOutput())
            if (output.type === 'write') socket.write(output.bytes)
            else if (output.type === 'drop' || output.type === 'message') dropped++
        },
        onClose: () => closed?.(),
      }),
    )
    t.teardown(() => server.close())
    const child = flooder(server.port, messages)
    t.teardown(() => void child.kill('SIGKILL'))
    // By the processor time that the process took in between: what others run on this machine is not measured.
    let last = process.cpuUsage()
    let worstMs = 0
    let busyMs = 0
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(last)
      last = process.cpuUsage()
      const tookMs = (user + system) / 1000
      busyMs += tookMs
      worstMs = Math.max(worstMs, tookMs)
    }, 5)
    await end
    clearInterval(timer)
    t.equal(dropped, messages)
    t.comment(`${messages} messages took ${Math.round(busyMs)} ms, a timer waited at most ${worstMs.toFixed(1)} ms`)
    t.ok(busyMs > 200, `${busyMs} ms: enough to be in the way`)
    t.ok(worstMs < 100, `${worstMs} ms between two turns`)
  },
)
