import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { WeaveError } from '../../../lib/base/mod.ts'
import { DRIVER_CALLS, DriverServer, type DriverHandlers } from '../../../lib/docker/mod.ts'
import { DRIVER_BODY_BYTES_MAX } from '../../../lib/docker/limits.ts'

const ID = '1'.repeat(64)

function socketOf(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-driver-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return join(directory, 'plugins', 'weave-ts.sock')
}

/** Serves one handler for every call. */
async function served(
  t: Test,
  handler: (request: unknown, signal: AbortSignal) => object | Promise<object>,
  path = socketOf(t),
) {
  const faults: string[] = []
  const handlers = Object.fromEntries(
    Object.keys(DRIVER_CALLS).map(name => [name, handler]),
  ) as unknown as DriverHandlers
  const server = await DriverServer.listen(path, handlers, text => faults.push(text))
  t.teardown(() => server.close())
  return { path, server, faults }
}

function post(socketPath: string, call: string, body: string, method = 'POST') {
  return new Promise<{ status: number; body: Record<string, string> }>((resolve, reject) => {
    const headers = { 'content-type': 'application/vnd.docker.plugins.v1.1+json', host: '' }
    const asked = request({ socketPath, path: `/${call}`, method, headers, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, string> }),
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

t.test('the socket is for root alone, and gone when it is closed', async t => {
  const { path, server } = await served(t, () => ({ Scope: 'local' }))
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.strictSame(await post(path, 'NetworkDriver.GetCapabilities', ''), { status: 200, body: { Scope: 'local' } })
  await server.close()
  t.notOk(existsSync(path))
})

t.test('failures are told as Docker shows them', async t => {
  let fail: Error = new WeaveError('ADDRESS_TAKEN', 'it is taken', 'take another')
  const { path, faults } = await served(t, () => {
    throw fail
  })
  const leave = JSON.stringify({ NetworkID: ID, EndpointID: ID })
  const refused = { Err: 'it is taken (take another)', Error: 'it is taken (take another)' }
  t.strictSame(await post(path, 'NetworkDriver.Leave', leave), { status: 200, body: refused })
  fail = new Error('ours')
  t.match(await post(path, 'NetworkDriver.Leave', leave), { status: 200, body: { Err: /fault of weave-ts: ours/ } })
  t.match(faults, [/ours/])
  t.match(await post(path, 'NetworkDriver.Leave', '{}'), { status: 400, body: { Err: /NetworkID/ } })
  t.match(await post(path, 'NetworkDriver.Nonsense', '{}'), { status: 404, body: { Err: /no such call/ } })
  t.match(await post(path, 'NetworkDriver.Leave', '', 'GET'), { status: 404 })
  t.match(await post(path, 'NetworkDriver.Leave', ' '.repeat(DRIVER_BODY_BYTES_MAX + 1)), { status: 400 })
})

t.test('what is left over is replaced, and what is served is left alone', async t => {
  const path = socketOf(t)
  const first = await served(t, () => ({ first: 'yes' }), path)
  await t.rejects(
    served(t, () => ({}), path),
    { code: 'PLUGIN_SOCKET', message: /another process answers/ },
  )
  t.match(await post(path, 'Plugin.Activate', ''), { body: { first: 'yes' } })
  await first.server.close()
  writeFileSync(path, 'left over')
  await served(t, () => ({ second: 'yes' }), path)
  t.match(await post(path, 'Plugin.Activate', ''), { body: { second: 'yes' } })
  await t.rejects(
    served(t, () => ({}), join(path, 'no', 'directory.sock')),
    { code: 'PLUGIN_SOCKET', message: /cannot be made/ },
  )
})

t.test('one who listens and does not answer is left alone, too', async t => {
  const { path, server } = await served(t, () => ({}))
  await server.close()
  const mute = createServer(() => undefined)
  await new Promise<void>(resolve => mute.listen(path, resolve))
  t.teardown(() => void mute.close())
  await t.rejects(
    served(t, () => ({}), path),
    { code: 'PLUGIN_SOCKET' },
  )
})

t.test('a call ends for its handler when its caller hangs up, and not because it was answered', async t => {
  const signals: AbortSignal[] = []
  let isMute = false
  const { path } = await served(t, (_request, signal) => {
    signals.push(signal)
    if (!isMute) return {}
    return new Promise(resolve => signal.addEventListener('abort', () => resolve({})))
  })
  await post(path, 'Plugin.Activate', '')
  isMute = true
  const asked = request({ socketPath: path, path: '/Plugin.Activate', method: 'POST', agent: false })
  asked.on('error', () => undefined)
  asked.end('')
  while (signals.length < 2) await new Promise(resolve => setImmediate(resolve))
  const ended = new Promise(resolve => signals[1]!.addEventListener('abort', resolve))
  asked.destroy()
  await ended
  t.same(
    signals.map(({ aborted }) => aborted),
    [false, true],
  )
})
