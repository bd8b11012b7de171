import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import dnsPacket from 'dns-packet'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { isDrop } from '../../../lib/base/mod.ts'
import {
  DnsUpstream,
  UPSTREAM_DEADLINE_MS,
  UPSTREAM_NEXT_MS,
  UPSTREAM_QUERIES_MAX,
} from '../../../lib/io/dns-upstream.ts'
import { decodeQuery, type DnsQuery } from '../../../lib/names/mod.ts'
import { freePort } from '../../support/free-port.ts'
import { waitFor } from '../../support/testbed-command.ts'
import { temporaryDirectory } from './temporary.ts'

const ID = 4711
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']
/** Where nothing can be sent: the kernel refuses the socket's connect. */
const UNREACHABLE = '255.255.255.255'

function queryFor(name: string): { bytes: Uint8Array; query: DnsQuery } {
  const bytes = dnsPacket.encode({ type: 'query', id: ID, flags: 256, questions: [{ type: 'A', name }] })
  const query = decodeQuery(bytes)
  if (isDrop(query) || 'rcode' in query) throw new Error('no query')
  return { bytes, query }
}

type Reply = (asked: dnsPacket.DecodedPacket, bytes: Buffer) => readonly Uint8Array[]

function reply(asked: dnsPacket.DecodedPacket, data: string, flags = 0): Buffer {
  const { id = 0, questions = [] } = asked
  const answers = data === '' ? [] : [{ type: 'A' as const, name: questions[0]!.name, ttl: 1, data }]
  return dnsPacket.encode({ type: 'response', id, flags, questions, answers })
}

const says =
  (data: string): Reply =>
  asked => [reply(asked, data)]

/** Servers at addresses of the loopback, with a resolv.conf that names them in this order. */
async function world(t: Test, servers: Readonly<Record<string, Reply>>, names = Object.keys(servers)) {
  const port = await freePort()
  const asked: string[] = []
  for (const [address, answer] of Object.entries(servers)) {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, from) => {
      asked.push(address)
      for (const one of answer(dnsPacket.decode(bytes), bytes)) socket.send(one, from.port, from.address)
    })
    socket.bind(port, address)
    await once(socket, 'listening')
    t.teardown(() => void socket.close())
  }
  const file = join(temporaryDirectory(t), 'resolv.conf')
  const name = (all: readonly string[]) => writeFileSync(file, all.map(one => `nameserver ${one}\n`).join(''))
  name(names)
  const own = new Set<string>()
  const upstream = new DnsUpstream({ file, port, isOwn: address => own.has(address) })
  t.teardown(() => upstream.stop())
  const ask = async (name: string, isTcp = false) => {
    const { bytes, query } = queryFor(name)
    const answer = await upstream.ask(query, bytes, isTcp)
    if (answer === undefined) return undefined
    const packet = dnsPacket.decode(Buffer.from(answer))
    if (packet.id !== ID) throw new Error(`the answer has the id ${packet.id}`)
    return packet.answers?.map(one => (one as dnsPacket.StringAnswer).data).join() || RCODES[packet.flags! & 15]
  }
  return { port, asked, name, own, upstream, ask }
}

t.test('a server that cannot be reached is passed over at once, and is no fault', async t => {
  const w = await world(t, { '127.0.0.3': says('192.0.2.3') }, [UNREACHABLE, '127.0.0.3'])
  const began = performance.now()
  t.equal(await w.ask('a.test'), '192.0.2.3')
  w.name([UNREACHABLE])
  await waitFor('the file is read again', 5_000, () => w.upstream.servers.join() === UNREACHABLE)
  t.equal(await w.ask('a.test'), undefined)
  t.equal(await w.ask('a.test', true), undefined, 'over TCP too')
  t.ok(performance.now() - began < UPSTREAM_DEADLINE_MS)
})

t.test('of what comes, only the answer to the query is taken', async t => {
  const forged: Reply = asked => [
    reply({ ...asked, id: (asked.id! + 1) & 0xffff }, '6.6.6.6'),
    reply({ ...asked, questions: [{ type: 'A', name: 'b.test' }] }, '6.6.6.6'),
    reply({ ...asked, questions: [{ type: 'AAAA', name: 'a.test' }] }, ''),
    dnsPacket.encode({ ...asked, type: 'query' }),
    new Uint8Array(0),
    reply(asked, '192.0.2.1'),
  ]
  const w = await world(t, { '127.0.0.2': forged })
  t.equal(await w.ask('a.test'), '192.0.2.1')
  t.equal(await w.ask('A.Test'), '192.0.2.1', 'whatever the case')
})

t.test('any bytes of a server are survived', async t => {
  let next: (good: Buffer) => Uint8Array = good => good
  const w = await world(t, { '127.0.0.2': asked => [next(reply(asked, '192.0.2.1')), reply(asked, '192.0.2.2')] })
  const changed = fc.tuple(fc.nat(60), fc.nat(255)).map(([at, value]) => (good: Buffer) => {
    const copy = Buffer.from(good)
    if (at < copy.length) copy[at] = value
    return copy
  })
  const cut = fc.nat(60).map(length => (good: Buffer) => good.subarray(0, length))
  const any = fc
    .uint8Array({ maxLength: 600 })
    .map(bytes => (good: Buffer) => Buffer.concat([good.subarray(0, 2), bytes]))
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, cut, any), async change => {
      next = change
      return (await w.ask('a.test')) !== undefined
    }),
    { numRuns: 300 },
  )
  t.equal(w.upstream.outstanding, 0)
})

t.test('a silent server has company after a second, and is asked last from then on', async t => {
  const w = await world(t, { '127.0.0.2': () => [], '127.0.0.3': says('192.0.2.3') })
  const began = performance.now()
  t.equal(await w.ask('a.test'), '192.0.2.3')
  const took = performance.now() - began
  t.ok(took >= UPSTREAM_NEXT_MS - 5 && took < UPSTREAM_DEADLINE_MS, `${took} ms`)
  t.equal(await w.ask('b.test'), '192.0.2.3')
  t.strictSame(w.asked, ['127.0.0.2', '127.0.0.3', '127.0.0.3'])
})

t.test('a server that fails is followed by the next at once; when all fail, that is the answer', async t => {
  const fails =
    (rcode: number): Reply =>
    asked => [reply(asked, '', rcode)]
  const w = await world(t, { '127.0.0.2': fails(2), '127.0.0.3': fails(3) })
  t.equal(await w.ask('a.test'), 'NXDOMAIN', 'that there is no such name is an answer')
  const both = await world(t, { '127.0.0.4': fails(5), '127.0.0.5': fails(2) })
  t.equal(await both.ask('a.test'), 'REFUSED', 'what the first one said')
  t.same(both.asked.length, 4, 'each twice')
})

t.test('nobody answers: told within 5 s; too many that wait: told at once', async t => {
  const w = await world(t, { '127.0.0.2': () => [] })
  const { bytes, query } = queryFor('a.test')
  const began = performance.now()
  const waiting = Array.from({ length: UPSTREAM_QUERIES_MAX }, () => w.upstream.ask(query, bytes, false))
  t.equal(w.upstream.outstanding, UPSTREAM_QUERIES_MAX)
  t.equal(await w.upstream.ask(query, bytes, false), undefined)
  t.ok(performance.now() - began < 4_000)
  t.ok((await Promise.all(waiting)).every(answer => answer === undefined))
  t.ok(performance.now() - began < 5_000, `${performance.now() - began} ms`)
  t.equal(w.upstream.outstanding, 0)
  t.strictSame(w.asked.length, 2, 'they joined the first one')
  t.equal(await w.upstream.ask(query, bytes, false), undefined, 'and for a moment more it fails at once')
  t.ok(performance.now() - began < 5_500)
  const other = queryFor('b.test')
  const last = w.upstream.ask(other.query, other.bytes, false)
  w.upstream.stop()
  t.equal(await last, undefined, 'and when it ends')
})

t.test('queries that differ in the id alone are asked once, and each has its own id back', async t => {
  let answer = () => {}
  const held = new Promise<void>(resolve => (answer = resolve))
  const w = await world(t, {})
  const server = createSocket('udp4')
  const asked: string[] = []
  server.on('message', (bytes, from) => {
    const packet = dnsPacket.decode(bytes)
    asked.push(packet.questions![0]!.name)
    void held.then(() => server.send(reply(packet, '192.0.2.1'), from.port, from.address))
  })
  server.bind(w.port, '127.0.0.2')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const file = join(temporaryDirectory(t), 'resolv.conf')
  writeFileSync(file, 'nameserver 127.0.0.2\n')
  const upstream = new DnsUpstream({ file, port: w.port, isOwn: () => false })
  const ask = async (name: string, id: number) => {
    const { bytes, query } = queryFor(name)
    const answered = await upstream.ask({ ...query, id }, Uint8Array.from(bytes).fill(id, 1, 2).fill(0, 0, 1), false)
    return dnsPacket.decode(Buffer.from(answered!)).id
  }
  const all = [ask('a.test', 1), ask('a.test', 2), ask('A.test', 3)]
  await waitFor('both names', 5_000, () => asked.length === 2)
  answer()
  t.same(await Promise.all(all), [1, 2, 3])
  t.same(asked.sort(), ['A.test', 'a.test'])
  t.equal(await ask('a.test', 4), 4, 'later it is asked anew')
  t.equal(asked.length, 3)
})

t.test('servers that name each other ask each other a few times, and the client is told in time', async t => {
  const port = await freePort()
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
  let forwarded = 0
  const asks = await Promise.all(
    addresses.map(async (address, i) => {
      const file = join(temporaryDirectory(t), 'resolv.conf')
      writeFileSync(file, `nameserver ${addresses[(i + 1) % 3]}\nnameserver ${addresses[(i + 2) % 3]}\n`)
      const upstream = new DnsUpstream({ file, port, isOwn: own => own === address })
      const socket = createSocket('udp4')
      socket.on('message', (bytes, from) => {
        forwarded++
        const query = decodeQuery(bytes)
        if (isDrop(query) || 'rcode' in query) throw new Error('no query')
        void upstream
          .ask(query, Uint8Array.from(bytes), false)
          .then(answer =>
            socket.send(answer ?? reply(dnsPacket.decode(bytes), '', 2), from.port, from.address, () => undefined),
          )
      })
      socket.bind(port, address)
      await once(socket, 'listening')
      t.teardown(() => void socket.close())
      return upstream
    }),
  )
  const { bytes, query } = queryFor('a.test')
  await asks[0]!.ask(query, bytes, false)
  await waitFor('all is over', 7_000, () => asks.every(one => one.outstanding === 0))
  t.ok(forwarded <= 3 * 4, `each server, each of two others twice: ${forwarded}`)
})

t.test('we are never asked, whatever the file says', async t => {
  const w = await world(t, { '127.0.0.2': says('6.6.6.6'), '127.0.0.3': says('192.0.2.3') })
  w.own.add('127.0.0.2')
  t.strictSame(w.upstream.servers, ['127.0.0.3'])
  t.equal(await w.ask('a.test'), '192.0.2.3')
  w.own.add('127.0.0.3')
  t.equal(await w.ask('a.test'), undefined)
  t.strictSame(w.asked, ['127.0.0.3'])
  const gone = new DnsUpstream({ file: '/nowhere/resolv.conf', port: w.port, isOwn: () => false })
  t.strictSame(gone.servers, [])
})

t.test('over TCP an answer in pieces is taken; another one, or none, is not', async t => {
  const w = await world(t, {}, ['127.0.0.2'])
  let mode = 'pieces'
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes: Buffer) => {
      const asked = dnsPacket.decode(bytes.subarray(2))
      const good = reply(mode === 'forged' ? { ...asked, id: asked.id! ^ 1 } : asked, '192.0.2.9')
      const framed = Buffer.concat([Buffer.from([good.length >> 8, good.length & 255]), good])
      if (mode === 'closed') return void socket.end(framed.subarray(0, 9))
      socket.write(framed.subarray(0, 1))
      setImmediate(() => socket.write(framed.subarray(1)))
    })
  }).listen(w.port, '127.0.0.2')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  t.equal(await w.ask('a.test', true), '192.0.2.9')
  for (mode of ['forged', 'closed']) t.equal(await w.ask('a.test', true), undefined, mode)
})
