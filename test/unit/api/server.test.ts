import { statSync } from 'node:fs'
import { connect } from 'node:net'
import t from 'tap'
import { CALLS, CALL_NAMES, type CallContext } from '../../../lib/api/mod.ts'
import { ERROR_CODES, WeaveError } from '../../../lib/base/mod.ts'
import { deferred, raw, served } from './server-fixture.ts'

const posts = CALL_NAMES.filter(name => CALLS[name].method === 'POST')
const OK = { ok: true, notes: [] }

t.test('the socket is for its owner and group', async t => {
  const { socketPath } = await served(t, () => OK)
  t.equal(statSync(socketPath).mode & 0o777, 0o660)
})

t.test('of many requests on one connection sixteen are served, and the others turned away', async t => {
  let calls = 0
  const { socketPath } = await served(t, () => (calls++, OK))
  const socket = connect(socketPath)
  let heard = ''
  const statuses = () => [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(match => match[1])
  const answered = new Promise<void>(resolve =>
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text
      if (statuses().length === 100) resolve()
    }),
  )
  const body = JSON.stringify({ targets: ['h'] })
  const head = `POST ${CALLS.connect.path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
  socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`.repeat(100))
  await answered
  socket.destroy()
  t.equal(calls, 16)
  t.same(statuses(), [...Array<string>(16).fill('200'), ...Array<string>(84).fill('503')])
})

t.test('an answer that is given again is not made text again', async t => {
  let texts = 0
  const answer = { toJSON: () => ({ texts: ++texts }) }
  const { socketPath } = await served(t, () => answer)
  for (const path of [CALLS.status.path, CALLS.status.path, CALLS.ps.path])
    t.match(await raw(socketPath, 'GET', path), { status: 200, body: { texts: 1 } })
})

t.test('a request from a web page is refused, whatever it calls', async t => {
  const { socketPath } = await served(t, () => t.fail('a handler was called'))
  for (const name of CALL_NAMES) {
    const { method, path } = CALLS[name]
    const answer = await raw(socketPath, method, path, { headers: { origin: 'http://example.com' } })
    t.match(answer, { status: 400, body: { code: 'USAGE', message: /web pages/ } }, name)
  }
})

t.test('a request that does not follow the schema is refused before its handler hears of it', async t => {
  const { socketPath } = await served(t, () => t.fail('a handler was called'))
  for (const name of posts) {
    const { method, path } = CALLS[name]
    for (const body of ['5', '["a"]', '{"targets', '"text"']) {
      const answer = await raw(socketPath, method, path, { body })
      t.match(answer, { status: 400, body: { code: 'USAGE', remedy: 'see docs/api.md' } }, `${name} with ${body}`)
    }
  }
  for (const [path, body, message] of [
    ['/v1/attach', '{}', /bad request: target: invalid/],
    ['/v1/attach', '{"target": "netns:a", "addresses": [1]}', /bad request: addresses\.0: invalid/],
    ['/v1/forget', '{"targets": []}', /bad request: targets: too small/],
    [
      '/v1/connect',
      JSON.stringify({ targets: Array.from({ length: 257 }, () => 'h') }),
      /bad request: targets: too big/,
    ],
  ] as const)
    t.match(await raw(socketPath, 'POST', path, { body }), { status: 400, body: { message } }, path)
})

t.test('what is too large, of another type, or no call at all is the mistake of the client', async t => {
  const { socketPath, faults } = await served(t, () => t.fail('a handler was called'))
  const announced = { 'content-type': 'application/json', 'content-length': '70000' }
  t.match(await raw(socketPath, 'POST', '/v1/attach', { headers: announced }), { status: 413, body: { code: 'USAGE' } })
  const headers = { 'content-type': 'application/xml' }
  t.match(await raw(socketPath, 'POST', '/v1/attach', { body: 'x', headers }), { status: 415, body: { code: 'USAGE' } })
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['GET', '/v1/attach'],
    ['DELETE', '/v1/status'],
  ] as const)
    t.match(await raw(socketPath, method, path), {
      status: 404,
      body: { code: 'USAGE', message: path },
    })
  t.strictSame(faults, [])
})

t.test('every error code goes out with its HTTP status, from every call', async t => {
  let failure: Error = new Error('none')
  const { socketPath, faults } = await served(t, () => {
    throw failure
  })
  const body = JSON.stringify({ target: 'netns:a', targets: ['h'], name: 'a', peer: 'a', what: 'a' })
  for (const [code, { http }] of Object.entries(ERROR_CODES)) {
    failure = new WeaveError(code as keyof typeof ERROR_CODES, 'what happened', 'do that')
    const expected = { status: http, body: { code, message: 'what happened', remedy: 'do that' } }
    t.strictSame(await raw(socketPath, 'POST', '/v1/attach', { body }), expected, code)
  }
  for (const name of CALL_NAMES) {
    const { method, path } = CALLS[name]
    const answer = await raw(socketPath, method, path, method === 'POST' ? { body } : {})
    t.match(answer, { status: 500, body: { code: 'INTERNAL', message: 'what happened' } }, name)
  }
  t.strictSame(faults, [], 'none of them is a fault')
  failure = new TypeError('a bug')
  t.match(await raw(socketPath, 'GET', '/v1/ps'), { status: 500, body: { code: 'INTERNAL', message: 'a bug' } })
  t.match(faults, [/TypeError: a bug\n +at /])
})

t.test('defaults are filled in, and what is not known is left out', async t => {
  const inputs: unknown[] = []
  const { socketPath } = await served(t, (_name, input) => {
    inputs.push(input)
    return OK
  })
  await raw(socketPath, 'POST', '/v1/attach', { body: '{"target": "netns:a", "later": true}' })
  await raw(socketPath, 'POST', '/v1/stop', { body: '{}' })
  t.strictSame(inputs, [
    { target: 'netns:a', addresses: [], multicastRoute: true, names: [], defaultNames: true, resolvConf: false },
    {},
  ])
})

t.test('what is to be done after the answer is done after it, and not when the call fails', async t => {
  const done: string[] = []
  let isFailing = false
  const { client } = await served(t, (_name, _input, { afterAnswer }) => {
    afterAnswer(() => done.push('after'))
    if (isFailing) throw new WeaveError('DAEMON_BUSY', 'not now', 'later')
    done.push('answer')
    return OK
  })
  await client.call('stop')
  await client.call('ps').catch(() => undefined)
  t.strictSame(done.slice(0, 2), ['answer', 'after'])
  done.length = 0
  isFailing = true
  await t.rejects(client.call('reset'), { code: 'DAEMON_BUSY' })
  isFailing = false
  await client.call('stop')
  t.equal(done[0], 'answer', 'nothing of the call that failed')
})

t.test('a client that hangs up aborts its call; what was to follow the answer follows all the same', async t => {
  const gone = new AbortController()
  const calls = new Map<string, CallContext>()
  const after = deferred<string>()
  const { socketPath } = await served(t, (name, _input, context) => {
    calls.set(name, context)
    context.afterAnswer(isSent => after.resolve(`${name} ${isSent}`))
    gone.abort()
    return new Promise(resolve => context.signal.addEventListener('abort', () => resolve(OK)))
  })
  await t.rejects(raw(socketPath, 'POST', '/v1/reset', { body: '{}', signal: gone.signal }))
  t.equal(await after.promise, 'reset false')
  t.equal(calls.get('reset')?.signal.aborted, true)
})

t.test('what a client asked for that was gone before it was read is told so', async t => {
  const told: boolean[] = []
  const over = deferred<undefined>()
  const { socketPath, client } = await served(t, (name, _input, { afterAnswer }) => {
    afterAnswer(isSent => {
      told.push(isSent)
      if (name === 'reset') over.resolve(undefined)
    })
    return OK
  })
  // As that of a daemon which was halted meanwhile: the request is there, and nobody who waits for its answer.
  const socket = connect(socketPath, () => {
    socket.write('POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
    socket.destroy()
  })
  while (told.length === 0) await new Promise(resolve => setImmediate(resolve))
  t.strictSame(told, [false])
  await client.call('reset')
  await over.promise
  t.strictSame(told, [false, true])
})

t.test('a call that has been answered is not aborted', async t => {
  let signal: AbortSignal | undefined
  const { client } = await served(t, (_name, _input, context) => {
    signal = context.signal
    return OK
  })
  await client.call('stop')
  await client.call('stop')
  t.equal(signal?.aborted, false)
})

t.test('a call is aborted at its deadline, whether or not its client still waits', async t => {
  const begun = performance.now()
  const { socketPath } = await served(t, async (_name, _input, { signal }) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    throw new WeaveError('DAEMON_BUSY', 'given up', 'ask again')
  })
  t.match(await raw(socketPath, 'GET', '/v1/status'), { status: 503, body: { message: 'given up' } })
  t.ok(performance.now() - begun >= CALLS.status.deadlineMs - 5, 'not before')
})

t.test('close ends what is under way and takes the socket away; what is left over is replaced', async t => {
  const under = deferred<undefined>()
  const { server, socketPath, client } = await served(t, () => {
    under.resolve(undefined)
    return new Promise(() => {})
  })
  const waiting = client.call('status')
  await under.promise
  await Promise.all([server.close(), t.rejects(waiting, { code: 'DAEMON_DOWN' })])
  t.throws(() => statSync(socketPath), { code: 'ENOENT' })
})
