import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { BadRequest } from '../../../lib/api/mod.ts'
import { LocalServer, bodyOf, pathOf, sendAnswer } from '../../../lib/api/mod.ts'

const BYTES_MAX = 100

/** Answers with the path and the body, or with the status of what is wrong with it. */
async function echoing(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'weave-ts-local-'))
  const path = join(directory, 's')
  const mistakes: number[] = []
  const faults: string[] = []
  const server = new LocalServer(
    { connectionsMax: 4 },
    async (request, response) => {
      if (pathOf(request) === '/fault') throw new Error('ours')
      try {
        const body = `${pathOf(request)} ${await bodyOf(request, BYTES_MAX)}`
        sendAnswer(request, response, { status: 200, contentType: 'text/plain', body })
      } catch (error) {
        const { status } = error as BadRequest
        mistakes.push(status)
        sendAnswer(request, response, { status, contentType: 'text/plain', body: 'no' })
      }
    },
    text => faults.push(text),
  )
  await server.listen(path)
  t.teardown(async () => {
    await server.close()
    rmSync(directory, { recursive: true })
  })
  return { path, mistakes, faults }
}

/** Sends in pieces of which nobody says before how long they are together. */
function posted(socketPath: string, path: string, ...pieces: string[]) {
  return new Promise<{ status: number; body: string; connection: string | undefined }>((resolve, reject) => {
    const asked = request({ socketPath, path, method: 'POST', agent: false }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => (body += part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, connection: response.headers.connection }),
      )
    })
    asked.on('error', reject)
    for (const piece of pieces) asked.write(piece)
    asked.end()
  })
}

t.test('a body comes whole, the path without its query', async t => {
  const { path } = await echoing(t)
  t.match(await posted(path, '/a?b=/c', 'x'.repeat(BYTES_MAX - 3), 'äz'), {
    status: 200,
    body: `/a ${'x'.repeat(BYTES_MAX - 3)}äz`,
  })
  t.match(await posted(path, '/empty'), { status: 200, body: '/empty ' })
})

t.test('one that is longer than it may be is not kept, though nobody said so before', async t => {
  const { path, mistakes } = await echoing(t)
  t.match(await posted(path, '/a', 'x'.repeat(BYTES_MAX), 'y'), { status: 413, body: 'no' })
  t.strictSame(mistakes, [413])
})

t.test('one that is announced as too long is not waited for, and ends the connection', async t => {
  const { path } = await echoing(t)
  const socket = connect(path)
  let heard = ''
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text))
  socket.write(`POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: ${BYTES_MAX + 1}\r\n\r\n`)
  await new Promise(resolve => socket.on('end', resolve))
  t.match(heard, /^HTTP\/1\.1 413 /)
  t.match(heard, /connection: close/i)
})

t.test('a body that ends early is the mistake of who sent it, and no fault', async t => {
  const { path, mistakes, faults } = await echoing(t)
  const socket = connect(path)
  socket.end('POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc')
  while (mistakes.length === 0) await new Promise(resolve => setImmediate(resolve))
  t.strictSame({ mistakes, faults }, { mistakes: [400], faults: [] })
  socket.destroy()
})

t.test('a fault is told, and ends the connection', async t => {
  const { path, faults } = await echoing(t)
  await t.rejects(posted(path, '/fault'), { code: 'ECONNRESET' })
  t.match(faults, [/ours/])
})

t.test('what cannot be listened at is said as the system says it', async t => {
  const server = new LocalServer(
    { connectionsMax: 1 },
    async () => undefined,
    () => undefined,
  )
  await t.rejects(server.listen('/nonexistent/s'), { code: /ENOENT|EACCES/ })
})
