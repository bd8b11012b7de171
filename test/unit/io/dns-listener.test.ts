import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Endpoint } from '../../../lib/address/mod.ts'
import {
  DNS_CONNECTIONS_MAX,
  DNS_CONNECTIONS_SOURCE_MAX,
  DNS_PIPELINE_MAX,
  DNS_QUERY_BYTES_MAX,
  DNS_QUERY_MS,
  DnsListener,
  type DnsHandler,
} from '../../../lib/io/dns-listener.ts'
import { freePort } from '../../support/free-port.ts'
import { waitFor } from '../../support/testbed-command.ts'

const echo: DnsHandler = (query, isTcp) => Buffer.concat([Buffer.from([Number(isTcp)]), query])
const framed = (...messages: readonly Uint8Array[]) =>
  Buffer.concat(messages.flatMap(one => [Buffer.from([one.length >> 8, one.length & 255]), one]))

async function listening(t: Test, handle: DnsHandler) {
  const port = await freePort()
  const endpoint = `127.0.0.1:${port}` as Endpoint
  const listener = await DnsListener.open(endpoint, handle)
  let isClosed = false
  const close = async () => {
    if (!isClosed) await listener.close()
    isClosed = true
  }
  t.teardown(close)
  return { port, endpoint, close }
}

/** `source`: the last byte of the address that it comes from. */
async function dial(
  t: Test,
  port: number,
  source = 1,
): Promise<{ socket: Socket; read(): Buffer; isEnded(): boolean }> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${source}` })
  let got = Buffer.alloc(0)
  let isEnded = false
  socket.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])))
  socket.on('error', () => undefined)
  socket.on('close', () => (isEnded = true))
  t.teardown(() => void socket.destroy())
  await once(socket, 'connect')
  return { socket, read: () => got, isEnded: () => isEnded }
}

t.test('over UDP each query has its answer, at once or later, or none', async t => {
  const { port } = await listening(t, query => {
    if (query[0] === 0) return undefined
    return query[0] === 1 ? Buffer.from([9, ...query]) : Promise.resolve(Buffer.from([8, ...query]))
  })
  const socket = createSocket('udp4')
  t.teardown(() => void socket.close())
  const got: string[] = []
  socket.on('message', bytes => got.push(bytes.toString('hex')))
  for (const query of ['0011', '0122', '0233', '']) socket.send(Buffer.from(query, 'hex'), port, '127.0.0.1')
  await waitFor('two answers', 5_000, () => got.length === 3)
  t.same(got.sort(), ['08', '080233', '090122'])
})

t.test('over TCP queries come in any pieces, and several at once', async t => {
  const { port } = await listening(t, echo)
  const { socket, read } = await dial(t, port)
  const queries = ['aa', 'bbbb', 'cc'].map(hex => Buffer.from(hex, 'hex'))
  const bytes = framed(...queries)
  for (const byte of bytes) {
    socket.write(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  socket.write(bytes)
  const answers = queries.map(query => Buffer.concat([Buffer.from([1]), query]))
  const wanted = framed(...answers, ...answers)
  await waitFor('six answers', 5_000, () => read().length >= wanted.length)
  t.same(read(), wanted)
})

t.test('a connection that announces too much is closed; too many that wait are not read', async t => {
  let asked = 0
  let answer = () => {}
  const answered = new Promise<void>(resolve => (answer = resolve))
  const { port } = await listening(t, async query => {
    asked++
    await answered
    return query
  })
  const large = await dial(t, port)
  large.socket.write(Buffer.from([(DNS_QUERY_BYTES_MAX + 1) >> 8, (DNS_QUERY_BYTES_MAX + 1) & 255]))
  await waitFor('it is closed', 5_000, () => large.isEnded())
  const eager = await dial(t, port)
  const all = Array.from({ length: DNS_PIPELINE_MAX * 2 }, (_, i) => Buffer.from([i]))
  eager.socket.write(framed(...all))
  await waitFor('those that may wait', 5_000, () => asked === DNS_PIPELINE_MAX)
  answer()
  await waitFor('all answers', 5_000, () => eager.read().length === all.length * 3)
  t.equal(asked, all.length)
})

t.test('there are so many connections and no more', async t => {
  const { port, close } = await listening(t, echo)
  const sourceOf = (i: number) => 1 + Math.floor(i / DNS_CONNECTIONS_SOURCE_MAX)
  const held = await Promise.all(Array.from({ length: DNS_CONNECTIONS_MAX }, (_, i) => dial(t, port, sourceOf(i))))
  const beyond = await dial(t, port, sourceOf(DNS_CONNECTIONS_MAX))
  await waitFor('the last one is closed', 5_000, () => beyond.isEnded())
  held[0]!.socket.write(framed(Buffer.from('aa', 'hex')))
  await waitFor('the others are served', 5_000, () => held[0]!.read().length === 4)
  held[1]!.socket.destroy()
  await waitFor('there is room again', 5_000, async () => {
    const next = await dial(t, port)
    next.socket.write(framed(Buffer.from('bb', 'hex')))
    await waitFor('an answer', 500, () => next.read().length === 4)
    return true
  })
  await close()
  await waitFor('all are closed with it', 5_000, () => held.every(one => one.isEnded()))
})

t.test('one source has its share and leaves room for others', async t => {
  const { port } = await listening(t, (_query, _isTcp, source) => Buffer.from(source))
  await Promise.all(Array.from({ length: DNS_CONNECTIONS_SOURCE_MAX }, () => dial(t, port)))
  const beyond = await dial(t, port)
  await waitFor('one more is closed', 5_000, () => beyond.isEnded())
  const other = await dial(t, port, 2)
  other.socket.write(framed(Buffer.from('aa', 'hex')))
  await waitFor('another source is served', 5_000, () => other.read().toString('latin1').endsWith('127.0.0.2'))
})

t.test('a query must come whole in time; single bytes do not prolong it, whole queries do', async t => {
  const { port } = await listening(t, echo)
  const [slow, busy] = [await dial(t, port), await dial(t, port)]
  const began = performance.now()
  slow.socket.write(Buffer.from([0, 200]))
  const feed = setInterval(() => {
    slow.socket.write(Buffer.from([0]))
    busy.socket.write(framed(Buffer.from('aa', 'hex')))
  }, 200)
  t.teardown(() => clearInterval(feed))
  await waitFor('the slow one is closed', DNS_QUERY_MS + 2_000, () => slow.isEnded())
  t.ok(performance.now() - began >= DNS_QUERY_MS - 50)
  const { length } = busy.read()
  await waitFor('the busy one is served', 2_000, () => busy.read().length > length)
})

t.test('why it cannot listen is told', async t => {
  const { endpoint } = await listening(t, echo)
  await t.rejects(DnsListener.open(endpoint, echo), { code: 'PORT_IN_USE', message: endpoint })
  await t.rejects(DnsListener.open('192.0.2.1:5353' as Endpoint, echo), {
    code: 'CONFIG_INVALID',
    message: '192.0.2.1',
  })
})
