import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { API_SOCKET, ApiServer, CALL_NAMES, type CallHandlers } from '../../../lib/api/mod.ts'
import { checkNamespace, takeOver } from '../../../lib/daemon/take-over.ts'
import { acquireStateLock } from '../../../lib/io/mod.ts'
import { temporaryDirectory } from '../io/temporary.ts'

t.test('a daemon that does not listen is not told to stop', async t => {
  const stateDir = temporaryDirectory(t)
  const lock = acquireStateLock(stateDir)
  let heard = ''
  const server = createServer(socket =>
    socket.on('data', chunk => (heard += String(chunk))).on('error', () => undefined),
  )
  await new Promise<void>(resolve => server.listen(join(stateDir, API_SOCKET), resolve))
  await t.rejects(takeOver(stateDir), { code: 'DAEMON_BUSY', message: /so it was not told to stop/ })
  t.match(heard, /^GET /)
  t.notMatch(heard, '/v1/stop')
  server.close()
  lock.release()
})

t.test('one that answers, be it of another version, is waited for until it has let go', async t => {
  const stateDir = temporaryDirectory(t)
  await takeOver(stateDir)
  const lock = acquireStateLock(stateDir)
  const asked: string[] = []
  const handlers = Object.fromEntries(
    CALL_NAMES.map(name => [
      name,
      () => {
        asked.push(name)
        if (name === 'stop') setImmediate(() => lock.release())
        return { ok: true }
      },
    ]),
  ) as unknown as CallHandlers
  const server = await ApiServer.listen(join(stateDir, API_SOCKET), handlers, {
    onFault: text => void t.fail(text),
  })
  await takeOver(stateDir)
  t.strictSame(asked, ['status', 'stop'])
  await server.close()
})

t.test('a daemon is replaced in its own network namespace only', t => {
  const stateDir = temporaryDirectory(t)
  const others = (pid: number | 'self') => `net:[${pid === 'self' ? 1 : 2}]`
  t.doesNotThrow(() => checkNamespace(stateDir, others), 'there is none')
  const lock = acquireStateLock(stateDir)
  t.throws(() => checkNamespace(stateDir, others), {
    code: 'OTHER_NAMESPACE',
    message: /pid \d+ is in the network namespace net:\[2\], and this command in net:\[1\]/,
    remedy: `nsenter --net=/proc/${process.pid}/ns/net weave-ts`,
  })
  t.doesNotThrow(() => checkNamespace(stateDir), 'this process is where it is')
  t.doesNotThrow(() => checkNamespace(stateDir, pid => (pid === 'self' ? 'net:[1]' : undefined)), 'it cannot be seen')
  lock.release()
  t.end()
})
