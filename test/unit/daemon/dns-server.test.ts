import dnsPacket from 'dns-packet'
import t from 'tap'
import type { Endpoint } from '../../../lib/address/mod.ts'
import { WeaveError } from '../../../lib/base/mod.ts'
import { DnsServer } from '../../../lib/daemon/dns-server.ts'
import type { DnsHandler } from '../../../lib/io/mod.ts'
import { Answerer, Domain, Zone } from '../../../lib/names/mod.ts'

/** Doubles of the listeners and of the servers upstream. `busy`: endpoints where another program listens. */
function world(named?: readonly Endpoint[]) {
  const listening = new Map<Endpoint, DnsHandler>()
  const busy = new Set<Endpoint>()
  const bridge: string[] = []
  const hooks = { ask: async (): Promise<Uint8Array | undefined> => undefined, isStopped: false }
  const zone = new Zone(() => true)
  zone.set('1', { owner: 'x' as never, container: 'c', addresses: ['10.32.0.1'], names: ['web'] })
  const server = new DnsServer({
    answerer: new Answerer({
      zone,
      domain: new Domain('weave.local'),
      ttlSeconds: 1,
      range: { address: 0x0a20_0000, prefix: 12 } as never,
      chance: () => 0,
      first: undefined,
      isForwarding: () => true,
    }),
    upstream: { ask: () => hooks.ask(), servers: ['192.0.2.53'], stop: () => void (hooks.isStopped = true) },
    listen: async (endpoint, handle) => {
      if (busy.has(endpoint)) throw new WeaveError('PORT_IN_USE', `another program listens on ${endpoint}`, 'stop it')
      listening.set(endpoint, handle)
      return { close: async () => void listening.delete(endpoint) }
    },
    named,
    bridgeAddresses: () => bridge,
    clients: () => ['198.51.100.1/24'],
  })
  const ask = async (name: string, { source = '10.32.0.9', isTcp = false, udpBytes = 0 } = {}) => {
    const option = { type: 'OPT' as const, name: '.' as const, udpPayloadSize: udpBytes, flags: 0, options: [] }
    const additionals = udpBytes === 0 ? [] : [option as never]
    const bytes = dnsPacket.encode({ type: 'query', id: 7, flags: 256, questions: [{ type: 'A', name }], additionals })
    const answer = await [...listening.values()][0]!(bytes, isTcp, source)
    return answer && dnsPacket.decode(Buffer.from(answer))
  }
  return { listening, busy, bridge, hooks, server, ask }
}

t.test('it listens at the addresses that the bridge has, as they come and go', async t => {
  const w = world()
  await w.server.reconcile()
  t.equal(w.listening.size, 0)
  w.bridge.push('10.32.0.1', 'fe80::1', 'fd00::1', 'nonsense')
  await w.server.reconcile()
  t.strictSame([...w.listening.keys()], ['10.32.0.1:53', '[fd00::1]:53'], 'but link-local ones')
  t.ok(w.server.isOwn('10.32.0.1') && w.server.isOwn('fd00::1') && !w.server.isOwn('10.32.0.2'))
  t.strictSame(w.server.containerServers(), ['10.32.0.1', 'fd00::1'])
  w.bridge.splice(0, 4, '10.40.0.1')
  await Promise.all([w.server.reconcile(), w.server.reconcile()])
  t.strictSame([...w.listening.keys()], ['10.40.0.1:53'])
  await w.server.stop()
  t.equal(w.listening.size, 0)
  t.ok(w.hooks.isStopped)
  await w.server.reconcile()
  t.equal(w.listening.size, 0, 'never again')
})

t.test('a port that is taken is a warning until it is free', async t => {
  const w = world(['127.0.0.1:53', '192.0.2.7:5353', '192.0.2.8:53'] as Endpoint[])
  w.busy.add('192.0.2.8:53' as Endpoint)
  await w.server.reconcile()
  t.strictSame(w.server.warnings(), ['DNS does not answer there: another program listens on 192.0.2.8:53'])
  t.strictSame(w.server.containerServers(), [], 'what no container reaches, or knows by resolv.conf')
  w.busy.clear()
  await w.server.reconcile()
  t.strictSame(w.server.warnings(), [])
  t.strictSame(w.server.containerServers(), ['192.0.2.8'])
})

t.test('it answers for the zone, hands on what is not of it, and counts', async t => {
  const w = world(['192.0.2.8:53'] as Endpoint[])
  await w.server.reconcile()
  t.match(await w.ask('web.weave.local'), { id: 7, answers: [{ data: '10.32.0.1' }] })
  t.match(await w.ask('www.example.com'), { id: 7, rcode: 'SERVFAIL' }, 'nobody answered')
  const good = dnsPacket.encode({ type: 'response', id: 7, questions: [{ type: 'A', name: 'www.example.com' }] })
  w.hooks.ask = async () => good
  t.match(await w.ask('www.example.com'), { id: 7, rcode: 'NOERROR' })
  t.equal(await [...w.listening.values()][0]!(new Uint8Array(5), false, '10.32.0.9'), undefined)
  t.match(w.server.report(), {
    listening: ['192.0.2.8:53'],
    upstream: ['192.0.2.53'],
    queries: { total: 4, forwarded: 2, failed: 1, dropped: 1 },
  })
  let end = () => {}
  const ended = new Promise<undefined>(resolve => (end = () => resolve(undefined)))
  w.hooks.ask = () => ended
  const last = w.ask('www.example.com')
  await w.server.stop()
  end()
  t.equal(await last, undefined, 'nothing is sent any more')
})

t.test('what others say is cut to what the client takes over UDP', async t => {
  const w = world(['192.0.2.8:53'] as Endpoint[])
  await w.server.reconcile()
  const name = 'www.example.com'
  const says = (count: number) => {
    const answers = Array.from({ length: count }, () => ({ type: 'A' as const, name, ttl: 1, data: '192.0.2.1' }))
    w.hooks.ask = async () =>
      dnsPacket.encode({ type: 'response', id: 7, flags: 0x0180, questions: [{ type: 'A', name }], answers })
  }
  const seen = async (asked: Parameters<typeof w.ask>[1]) => {
    const { id, answers, questions, flag_tc, flag_ra } = (await w.ask(name, asked))!
    t.match({ id, questions, flag_ra }, { id: 7, questions: [{ name }], flag_ra: true })
    return [answers!.length, flag_tc]
  }
  says(10)
  t.same(await seen({}), [10, false])
  for (const [count, udpBytes] of [
    [20, 0],
    [30, 600],
    [60, 4_096],
  ] as const) {
    says(count)
    t.same(await seen({ udpBytes }), [0, true], `${count} records`)
    t.same(await seen({ udpBytes, isTcp: true }), [count, false])
  }
  says(30)
  t.same(await seen({ udpBytes: 4_096 }), [30, false])
})

t.test('nobody else is asked for a stranger, who gets the names of the mesh', async t => {
  const w = world(['192.0.2.8:53', '[2001:db8::8]:53'] as Endpoint[])
  await w.server.reconcile()
  const name = 'www.example.com'
  w.hooks.ask = async () => dnsPacket.encode({ type: 'response', id: 7, questions: [{ type: 'A', name }] })
  for (const source of ['192.0.2.9', '203.0.113.1', '2001:db8::9']) {
    t.match(await w.ask(name, { source }), { rcode: 'REFUSED', questions: [{ name }] }, source)
    t.match(await w.ask('web.weave.local', { source }), { rcode: 'NOERROR' }, source)
  }
  t.match(w.server.report().queries, { forwarded: 0 })
  for (const source of ['192.0.2.8', '2001:db8::8', '198.51.100.7', '10.1.2.3', '127.0.0.1', 'fe80::1%weave'])
    t.match(await w.ask(name, { source }), { rcode: 'NOERROR' }, source)
})
