import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { askerOf } from '../../../lib/io/mod.ts'

t.test('who connected a Unix socket is told by the kernel; of TCP nobody is', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-asker-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const where of [join(directory, 's'), 0]) {
    const server = createServer()
    await new Promise<void>(done => server.listen(where, done))
    const address = server.address()
    const incoming = new Promise<Socket>(resolve => server.once('connection', resolve))
    const client =
      typeof address === 'string' ? connect(address) : connect((address as { port: number }).port, '127.0.0.1')
    const socket = await incoming
    const asker = askerOf(socket)
    if (typeof address === 'string') t.match(asker, { pid: process.pid, uid: process.geteuid?.(), command: /./ })
    else t.equal(asker, undefined)
    const closed = new Promise(done => socket.once('close', done))
    client.destroy()
    socket.destroy()
    await closed
    t.equal(askerOf(socket), undefined, 'nor of one that is closed')
    await new Promise(done => server.close(done))
  }
})
