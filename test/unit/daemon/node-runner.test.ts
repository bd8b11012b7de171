import t from 'tap'
import { formatCidr, parseEndpoint } from '../../../lib/address/mod.ts'
import { parseCidr } from '../../../lib/address/mod.ts'
import { listen } from '../../../lib/io/mod.ts'
import { waitFor } from '../../support/testbed-command.ts'
import { nodeRunner } from '../../support/node-fixture.ts'

const ANY = { type: 'default' } as const
const TALK_MS = 10_000
const never = new AbortController().signal

t.test('what a node asked for at its making is carried out at the start, and not before', t => {
  const { runner, done } = nodeRunner(t, 'alone')
  t.strictSame(done, [])
  runner.start()
  t.ok(done.includes('engine set-self'))
  t.ok(done.includes('forwarding'))
  t.end()
})

t.test('an address is durable before it is given, and is given up by an abort', async t => {
  const { runner, store, done } = nodeRunner(t, 'founder')
  runner.start()
  const gone = new AbortController()
  const early = runner.requestAddress('early', ANY, gone.signal)
  gone.abort()
  await t.rejects(early, { code: 'DAEMON_BUSY', message: /given up/ })
  t.equal(runner.report().ipam.pending.length, 0, 'the node no longer looks for it')
  await t.rejects(runner.requestAddress('late', ANY, gone.signal), { code: 'DAEMON_BUSY' }, 'aborted before it began')
  runner.input((node, now) => node.found(now))
  done.length = 0
  const [cidr] = await runner.requestAddress('c', ANY, never)
  t.equal(runner.report().ipam.leases[0]?.cidr, formatCidr(cidr!))
  t.ok([...store.keys()].some(key => key.startsWith('lease/')))
  t.equal(done[0], 'persist', 'first of all')
})

t.test('a refusal is the error of the request', async t => {
  const { runner } = nodeRunner(t, 'refuser')
  runner.start()
  runner.input((node, now) => node.found(now))
  const outside = runner.requestAddress('c', { type: 'subnet', subnet: parseCidr('192.168.1.0/24')! }, never)
  await t.rejects(outside, { code: 'ADDRESS_OUTSIDE_RANGE' })
})

t.test('an address is waited for as long as is said', async t => {
  const { runner } = nodeRunner(t, 'waiter')
  runner.start()
  const asked = runner.requestAddress('c', ANY, never, undefined, 30)
  await t.rejects(asked, { code: 'IPAM_WAITING', message: /within 0\.03 s: no peer that holds/ })
})

t.test('an input from within an input is a fault of ours', t => {
  const { runner, fatal } = nodeRunner(t, 'nested')
  runner.input(() => runner.input(() => undefined))
  t.match(fatal, [{ message: 'the node is not re-entrant' }])
  t.end()
})

t.test('those who wait for an address are told when the daemon stops', async t => {
  const { runner } = nodeRunner(t, 'stopped')
  runner.start()
  const waiting = runner.requestAddress('c', ANY, never)
  runner.stop()
  await t.rejects(waiting, { code: 'DAEMON_DOWN' })
})

t.test('a contact that does not resolve is shown with its reason', async t => {
  const { runner } = nodeRunner(t, 'lost')
  runner.start()
  runner.input((node, now) => node.connect(['nowhere'], true, now))
  await waitFor('the failure', TALK_MS, () => runner.report().contacts[0]?.lastError !== undefined)
  t.match(runner.report().contacts, [{ text: 'nowhere', lastError: 'no such name', state: 'waiting' }])
})

t.test('two runners meet over loopback, and part with a goodbye', async t => {
  const called = nodeRunner(t, 'called')
  const caller = nodeRunner(t, 'caller')
  const server = await listen({ host: '127.0.0.1', port: 0 }, socket => called.runner.accept(socket))
  t.teardown(() => server.close())
  caller.addresses.set('called', [parseEndpoint(`127.0.0.1:${server.port}`)!])
  for (const { runner } of [called, caller]) runner.start()
  called.runner.input((node, now) => node.found(now))
  caller.runner.input((node, now) => node.connect(['called'], true, now))
  await waitFor('one mesh', TALK_MS, () => {
    const [one, other] = [called.runner.report(), caller.runner.report()]
    return other.mesh.id !== undefined && other.mesh.id === one.mesh.id && one.neighbours.length === 1
  })
  t.equal(server.strangers, 0, 'who proved who it is no longer counts as a stranger')
  t.match(caller.runner.report().neighbours, [{ nickname: 'called', isOutbound: true }])
  caller.runner.stop()
  await waitFor('the goodbye', TALK_MS, () => called.runner.report().neighbours.length === 0)
  t.ok(called.done.includes('log link-down'))
  t.equal((await called.runner.requestAddress('c', ANY, never)).length, 1, 'who is left gives addresses')
})

t.test('nobody who comes after the stop is let in', async t => {
  const { runner } = nodeRunner(t, 'closed')
  runner.start()
  runner.stop()
  const closed: string[] = []
  const socket = { remoteEndpoint: parseEndpoint('127.0.0.1:1')!, close: (reason: string) => closed.push(reason) }
  runner.accept(socket as unknown as Parameters<typeof runner.accept>[0])
  t.strictSame(closed, ['stopped'])
})

t.test('while it is held no link is made and none taken; afterwards what was asked for is done', async t => {
  const { runner, addresses } = nodeRunner(t, 'held')
  const other = nodeRunner(t, 'other')
  const accepted: string[] = []
  const server = await listen({ host: '127.0.0.1', port: 0 }, socket => {
    accepted.push(socket.remoteEndpoint)
    other.runner.accept(socket)
  })
  t.teardown(() => server.close())
  addresses.set('other', [parseEndpoint(`127.0.0.1:${server.port}`)!])
  other.runner.start()
  other.runner.input((node, now) => node.found(now))
  runner.hold()
  runner.start()
  runner.input((node, now) => node.connect(['other'], true, now))
  await waitFor('the target to be looked for', TALK_MS, () => runner.report().contacts[0]?.state === 'resolving')
  let reason = ''
  runner.accept({ close: (text: string) => void (reason = text) } as never)
  t.equal(reason, 'not ready')
  t.strictSame(accepted, [])
  runner.release()
  await waitFor('the link', TALK_MS, () => runner.report().neighbours.length === 1)
})
